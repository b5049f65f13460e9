import type { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

import { withDeadline } from "../support/deadline.ts";
import { createTestClient } from "../support/graphql-client.ts";
import { bulkMutationOf } from "./bulk-request.ts";
import type { ChaosPlan, LaunchPlan, SinglePlan } from "./chaos-plan.ts";
import { countAnswer, type LaunchRecord, type Ledger, type SingleRecord } from "./ledger.ts";
import type { Member } from "./member.ts";
import { NORTH, type Revocation, type User } from "./signed-users.ts";
import { pollUntil } from "./poll-until.ts";

/** The options of {@link runUsers}. */
export interface UserContext {
  readonly plan: ChaosPlan;
  /** Ids of the cities, in order. */
  readonly cityIds: readonly number[];
  readonly servers: readonly Member[];
  readonly ledger: Ledger;
  /** Each launches or writes; from the first on, all launchers, then those who write single records. */
  readonly users: readonly User[];
  /** The user whose key ends, if they sign in. */
  readonly revocation: Revocation | undefined;
  /** Emits `launch` with the server when a launch is on its way to it. */
  readonly moments: EventEmitter;
  /** How the APIs treat a launch while the queue is unreachable. */
  readonly whenQueueDown: "error" | "sync";
  /** Ends each user after its current step. */
  readonly signal: AbortSignal;
  isSettled(taskId: string): Promise<boolean>;
}

const LAUNCHERS = 8;
const SINGLE_WRITERS = 2;
export const USER_COUNT = LAUNCHERS + SINGLE_WRITERS;
/** A client's timeout; a paused server takes longer. */
const ANSWER_MS = 4000;
const MAX_TRIES = 30;
const RETRY_AFTER_MS = 100;

const CANCEL = /* GraphQL */ `
  mutation ($id: ID!) {
    cancelTask(id: $id) {
      ... on CancelAccepted {
        task {
          id
        }
      }
      ... on Error {
        code
      }
    }
  }
`;
const UPDATE = /* GraphQL */ `
  mutation ($id: ID!, $mark: String!) {
    updateCity(id: $id, data: { notes: $mark }) {
      ... on UpdateCityPayload {
        city {
          id
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`;
const CREATE = /* GraphQL */ `
  mutation ($id: Int!, $mark: String!, $latitude: Float!) {
    createCity(
      data: {
        id: $id
        name: $mark
        countryCode: "FR"
        population: 1
        latitude: $latitude
        longitude: 0
        notes: $mark
      }
    ) {
      ... on CreateCityPayload {
        city {
          id
        }
      }
      ... on Error {
        code
        message
      }
    }
  }
`;

const TASK = /* GraphQL */ `
  query ($id: ID!) {
    task(id: $id) {
      id
    }
  }
`;
const CITIES = /* GraphQL */ `
  query {
    cities(first: 100, where: { notes: { startsWith: "bulk-" } }, orderBy: [{ updatedAt: DESC }]) {
      nodes {
        id
        latitude
      }
    }
  }
`;

interface City {
  readonly id: string;
  readonly latitude: number;
}

/** The answer: a payload, or a refusal with its code. */
interface Answer {
  readonly nodes?: readonly City[];
  readonly id?: string;
  readonly code?: string;
  readonly message?: string;
  readonly task?: { readonly id: string };
}

/** Keeps the deployment busy until the signal. Resolves when each user has its last answer or has given up on it. */
export async function runUsers(context: UserContext): Promise<void> {
  const launches = context.plan.launches.entries();
  const singles = context.plan.singles.entries();
  await Promise.all([
    ...context.users.slice(0, LAUNCHERS).map(async (user) => {
      for (const [at, plan] of launches) {
        if (context.signal.aborted || hasLeft(context, user)) {
          return;
        }
        await launchAndWatch({ ...context, user }, at, plan);
      }
    }),
    ...context.users.slice(LAUNCHERS).map(async (user) => {
      for (const [at, plan] of singles) {
        if (context.signal.aborted) {
          return;
        }
        await writeSingle({ ...context, user }, at, plan);
      }
    }),
  ]);
}

/** One whose key has ended knocks a few times more: an address that fails too often is heard no more. */
function hasLeft({ revocation }: UserContext, { signed }: User): boolean {
  return revocation?.userId === signed?.id && (revocation?.refusals ?? 0) >= 3;
}

/** What one user does. */
interface OwnContext extends UserContext {
  readonly user: User;
}

async function launchAndWatch(context: OwnContext, at: number, plan: LaunchPlan): Promise<void> {
  const { user } = context;
  const record: LaunchRecord = {
    key: `bulk-${at}+${plan.increment}`,
    user,
    answer: "UNKNOWN",
    taskId: undefined,
    hasUnheardTries: false,
  };
  context.ledger.launches.push(record);
  await launch(context, at, record, plan);
  const { taskId } = record;
  if (taskId === undefined) {
    return;
  }
  await lookAtOthers(context, taskId);
  if (plan.cancelAfterMs !== null) {
    await delay(plan.cancelAfterMs);
    await ask(context, CANCEL, { id: taskId }, "cancelTask");
  }
  // A user has one task at a time, which limits their number. After the end, no user waits.
  await pollUntil(
    async () => (context.signal.aborted || (await context.isSettled(taskId)) ? true : undefined),
    300_000,
    `the end of task ${taskId}`,
  );
}

/** Repeats a launch with the same key until there is a reliable answer. */
async function launch(
  context: OwnContext,
  at: number,
  record: LaunchRecord,
  plan: LaunchPlan,
): Promise<void> {
  const { key, user } = record;
  const { errorPolicy, onConflict, mode } = plan;
  const { field, query, variables } = bulkMutationOf(
    {
      cityIds: context.cityIds,
      plan,
      at,
      createdAt: createdBefore(context, at),
      mark: key,
      latitude: user.latitude,
    },
    { errorPolicy, onConflict, mode, idempotencyKey: key, label: key },
  );
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const answer = await ask(context, query, variables, field);
    if (answer?.task !== undefined) {
      record.answer = "ACCEPTED";
      record.taskId = answer.task.id;
      return;
    }
    if (answer?.code !== undefined && answer.code !== "UNAVAILABLE") {
      record.answer = "REFUSED";
      return;
    }
    record.hasUnheardTries = true;
    if (context.signal.aborted) {
      return;
    }
    await delay(RETRY_AFTER_MS);
  }
}

/** The last launch of creates that is old enough to have its answer. */
function createdBefore({ plan }: UserContext, at: number): number {
  return plan.launches.findLastIndex(
    ({ operation }, place) => operation === "CREATE" && place < at - LAUNCHERS,
  );
}

async function writeSingle(context: OwnContext, at: number, plan: SinglePlan): Promise<void> {
  const { cityIds, user } = context;
  const id =
    plan.kind === "CREATE"
      ? 1_000_000_000 + at
      : (cityIds[Math.floor((plan.at / 1_000_000) * cityIds.length)] ?? 0);
  const record: SingleRecord = { kind: plan.kind, id, mark: `single-${at}`, user, answer: "UNKNOWN" };
  context.ledger.singles.push(record);
  const [query, field] = plan.kind === "CREATE" ? [CREATE, "createCity"] : [UPDATE, "updateCity"];
  const latitude = plan.kind === "CREATE" ? { latitude: user.latitude } : {};
  const answer = await ask(context, query, { id, mark: record.mark, ...latitude }, field);
  if (answer !== undefined && answer.code !== "UNAVAILABLE") {
    record.answer = answer.code === undefined ? "ACCEPTED" : "REFUSED";
  } else {
    await delay(RETRY_AFTER_MS);
  }
}

/** Counts the answer, and keeps it if it is a refusal because of Redis that must not happen. */
function noteAnswer({ ledger, whenQueueDown }: UserContext, field: string, answer: Answer | undefined): void {
  countAnswer(ledger, `${field}: ${answer?.code ?? "done"}`);
  const mayBeRefused = isLaunch(field) && whenQueueDown === "error";
  if (!mayBeRefused && /Redis|queue/.test(answer?.message ?? "")) {
    ledger.redisRefusals.push(`${field}: ${answer?.message}`);
  }
}

function isLaunch(field: string): boolean {
  return field.startsWith("bulk");
}

/** One try at one of the servers. @returns undefined without an answer */
async function ask(
  context: OwnContext,
  query: string,
  variables: Record<string, unknown>,
  field: string,
): Promise<Answer | undefined> {
  const { servers, moments, ledger, user } = context;
  const open = servers.filter((server) => server.ready() !== undefined);
  const server = open[Math.floor(Math.random() * open.length)];
  const address = server?.ready()?.address;
  if (server === undefined || address === undefined) {
    return undefined;
  }
  try {
    const client = createTestClient(address, user.signed?.key);
    const asked = client.request<Record<string, Answer>>(query, variables);
    if (isLaunch(field)) {
      moments.emit("launch", server);
    }
    const answer = (await withDeadline(asked, ANSWER_MS, "an answer"))[field];
    noteAnswer(context, field, answer);
    return answer;
  } catch (error) {
    const refusal = /"code":"(UNAUTHENTICATED|FORBIDDEN|RATE_LIMITED|LIMIT_EXCEEDED)"/.exec(String(error));
    if (refusal?.[1] !== undefined) {
      noteRefusal(context, field, refusal[1]);
      return { code: refusal[1] };
    }
    countAnswer(
      ledger,
      `${field}: ${String(error).includes("INTERNAL") ? String(error).slice(0, 200) : "unheard"}`,
    );
    return undefined;
  }
}

/** Only one whose key has ended, or is about to, may be refused. */
function noteRefusal({ ledger, user, revocation }: OwnContext, field: string, code: string): void {
  countAnswer(ledger, `${field}: ${code}`);
  if (
    code === "UNAUTHENTICATED" &&
    revocation?.askedAt !== undefined &&
    revocation.userId === user.signed?.id
  ) {
    revocation.refusals += 1;
  } else {
    ledger.sightFaults.push(`${field} of ${user.signed?.id}: ${code}`);
  }
}

/** Somebody else asks for the task, and for what it wrote: one sees its own tasks and its own half of the world only. */
async function lookAtOthers(context: OwnContext, taskId: string): Promise<void> {
  const { users, user, ledger } = context;
  const other = users.findLast(({ latitude }) => latitude !== user.latitude);
  if (other?.signed === undefined) {
    return;
  }
  const task = await ask({ ...context, user: other }, TASK, { id: taskId }, "task");
  if (task?.id !== undefined) {
    ledger.sightFaults.push(`task ${taskId} of ${user.signed?.id} is seen by ${other.signed.id}`);
  }
  const page = await ask({ ...context, user: other }, CITIES, {}, "cities");
  const isOurs = ({ latitude }: City): boolean => latitude >= NORTH === other.latitude >= NORTH;
  page?.nodes
    ?.filter((city) => !isOurs(city))
    .forEach(({ id }) => {
      ledger.sightFaults.push(`city ${id} is seen by ${other.signed?.id}`);
    });
}
