import type { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

import { withDeadline } from "../support/deadline.ts";
import { createTestClient } from "../support/graphql-client.ts";
import { bulkMutationOf } from "./bulk-request.ts";
import type { ChaosPlan, LaunchPlan, SinglePlan } from "./chaos-plan.ts";
import { countAnswer, type LaunchRecord, type Ledger, type SingleRecord } from "./ledger.ts";
import type { Member } from "./member.ts";
import { pollUntil } from "./poll-until.ts";

/** The options of {@link runUsers}. */
export interface UserContext {
  readonly plan: ChaosPlan;
  /** Ids of the cities, in order. */
  readonly cityIds: readonly number[];
  readonly servers: readonly Member[];
  readonly ledger: Ledger;
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
  mutation ($id: Int!, $mark: String!) {
    createCity(
      data: {
        id: $id
        name: $mark
        countryCode: "FR"
        population: 1
        latitude: 0
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

/** The answer: a payload, or a refusal with its code. */
interface Answer {
  readonly code?: string;
  readonly message?: string;
  readonly task?: { readonly id: string };
}

/** Keeps the deployment busy until the signal. Resolves when each user has its last answer or has given up on it. */
export async function runUsers(context: UserContext): Promise<void> {
  const launches = context.plan.launches.entries();
  const singles = context.plan.singles.entries();
  await Promise.all([
    ...Array.from({ length: LAUNCHERS }, async () => {
      for (const [at, plan] of launches) {
        if (context.signal.aborted) {
          return;
        }
        await launchAndWatch(context, at, plan);
      }
    }),
    ...Array.from({ length: SINGLE_WRITERS }, async () => {
      for (const [at, plan] of singles) {
        if (context.signal.aborted) {
          return;
        }
        await writeSingle(context, at, plan);
      }
    }),
  ]);
}

async function launchAndWatch(context: UserContext, at: number, plan: LaunchPlan): Promise<void> {
  const record: LaunchRecord = {
    key: `bulk-${at}+${plan.increment}`,
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
  context: UserContext,
  at: number,
  record: LaunchRecord,
  plan: LaunchPlan,
): Promise<void> {
  const { key } = record;
  const { errorPolicy, onConflict, mode } = plan;
  const { field, query, variables } = bulkMutationOf(
    { cityIds: context.cityIds, plan, at, createdAt: createdBefore(context, at), mark: key },
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

async function writeSingle(context: UserContext, at: number, plan: SinglePlan): Promise<void> {
  const { cityIds } = context;
  const id =
    plan.kind === "CREATE"
      ? 1_000_000_000 + at
      : (cityIds[Math.floor((plan.at / 1_000_000) * cityIds.length)] ?? 0);
  const record: SingleRecord = { kind: plan.kind, id, mark: `single-${at}`, answer: "UNKNOWN" };
  context.ledger.singles.push(record);
  const [query, field] = plan.kind === "CREATE" ? [CREATE, "createCity"] : [UPDATE, "updateCity"];
  const answer = await ask(context, query, { id, mark: record.mark }, field);
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
  context: UserContext,
  query: string,
  variables: Record<string, unknown>,
  field: string,
): Promise<Answer | undefined> {
  const { servers, moments, ledger } = context;
  const open = servers.filter((server) => server.ready() !== undefined);
  const server = open[Math.floor(Math.random() * open.length)];
  const address = server?.ready()?.address;
  if (server === undefined || address === undefined) {
    return undefined;
  }
  try {
    const client = createTestClient(address);
    const asked = client.request<Record<string, Answer>>(query, variables);
    if (isLaunch(field)) {
      moments.emit("launch", server);
    }
    const answer = (await withDeadline(asked, ANSWER_MS, "an answer"))[field];
    noteAnswer(context, field, answer);
    return answer;
  } catch (error) {
    countAnswer(
      ledger,
      `${field}: ${String(error).includes("INTERNAL") ? String(error).slice(0, 200) : "unheard"}`,
    );
    return undefined;
  }
}
