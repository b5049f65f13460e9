import { isAppError } from "../../../kernel/app-error.ts";
import { groupCalls } from "../../../kernel/group-calls.ts";
import type { Logger } from "../../../kernel/logger.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { NewLifecycleEvent } from "../../../core/events/event-log.ts";
import type { Claim } from "../../../core/locks/claim.ts";
import { withoutEmptyClaims } from "../../../core/locks/claim.ts";
import type { NewTask } from "../../../core/tasks/new-tasks.ts";
import type { QuickEnding, QuickSteps } from "../../../core/tasks/settle/quick-steps.ts";
import type { Attempt } from "../../../core/tasks/task-attempts.ts";
import { isLostRace } from "../connection/lost-race.ts";
import { toSegments } from "../locks/lock-segments.ts";
import { BEGIN_TASKS, LAUNCH_TASKS, SETTLE_TASKS } from "../sql/steps.ts";
import type { TaskRow } from "./task-reads.ts";
import { toTask } from "./task-reads.ts";

/** The most tasks of one statement: it holds their rows until it commits. */
const MAX_TASKS = 100;

/** A first attempt that is to begin. */
type Beginning = Parameters<QuickSteps["begin"]>[0];

/**
 * Quick steps by the functions of functions/steps.sql, each statement a transaction of its own. Steps that come while a
 * statement is under way wait for it, and share the next one: under load, most of a step's cost is that of a commit.
 */
export function createQuickSteps({
  session,
  logger,
}: {
  readonly session: SqlSession;
  readonly logger: Logger;
}): QuickSteps {
  const groupSteps = groupStepsWith(logger);
  return {
    launch: createLaunching(session, groupSteps),
    begin: groupSteps<Beginning, Attempt>(
      async (beginnings) => {
        const [first] = beginnings;
        const ids = beginnings.map(({ taskId }) => taskId);
        const values = [ids, first?.workerId, first?.at, first?.kinds ?? null];
        const rows = await session.query<TaskRow>(BEGIN_TASKS, values, "FREQUENT");
        return new Map(rows.map((row) => [row.id, { task: toTask(row), number: row.attempt }]));
      },
      ({ taskId }) => taskId,
    ),
    settle: groupSteps<QuickEnding, { readonly hadLocks: boolean }>(
      async (endings) => {
        const values = [JSON.stringify(endings.map(endingRow))];
        const rows = await session.query<{ id: string; had_locks: boolean }>(
          SETTLE_TASKS,
          values,
          "FREQUENT",
        );
        return new Map(rows.map((row) => [row.id, { hadLocks: row.had_locks }]));
      },
      ({ taskId }) => taskId,
    ),
  };
}

/** A task that is to be launched. */
interface Launch {
  readonly task: NewTask;
  readonly event: NewLifecycleEvent;
  readonly claims: readonly Claim[];
  readonly workerId: string | undefined;
}

function createLaunching(session: SqlSession, groupSteps: GroupSteps): QuickSteps["launch"] {
  const lane = () =>
    groupSteps<Launch, true>(
      async (launches) => {
        const values = [JSON.stringify(await Promise.all(launches.map(launchRow)))];
        const rows = await session.query<{ id: string }>(LAUNCH_TASKS, values, "FREQUENT");
        return new Map(rows.map(({ id }) => [id, true]));
      },
      ({ task }) => task.id,
    );
  const [plain, claiming] = [lane(), lane()];
  // A launch with claims may have to wait for other writers of its models. Those without do not wait for it.
  return (task, event, claims, workerId) =>
    (claims.length === 0 ? plain : claiming)({ task, event, claims, workerId });
}

/**
 * Does steps in groups.
 * @param run does a group; its result has those that were done, by the task's id
 */
type GroupSteps = <Step, Done>(
  run: (steps: readonly Step[]) => Promise<ReadonlyMap<string, Done>>,
  idOf: (step: Step) => string,
) => (step: Step) => Promise<Done | undefined>;

function groupStepsWith(logger: Logger): GroupSteps {
  return <Step, Done>(
    run: (steps: readonly Step[]) => Promise<ReadonlyMap<string, Done>>,
    idOf: (step: Step) => string,
  ) =>
    groupCalls<Step, Done | undefined>({
      maxItems: MAX_TASKS,
      async run(steps) {
        try {
          const done = await run(steps);
          return steps.map((step) => done.get(idOf(step)));
        } catch (error) {
          if (isAppError(error, "UNAVAILABLE")) {
            throw error;
          }
          // Nothing was written. One of them is at fault, and the ordinary way finds out which.
          const level = isLostRace(error) ? "debug" : "warn";
          logger[level]({ err: error }, "a quick step failed; the ordinary way is taken");
          return [];
        }
      },
    });
}

async function launchRow({ task, event, claims, workerId }: Launch): Promise<object> {
  return {
    worker: workerId,
    claims: task.claims,
    chunks: task.chunks.map(({ ids }) => ids),
    ...(await segmentsOf(claims)),
    id: task.id,
    kind: task.kind,
    model: task.model,
    label: task.label,
    error_policy: task.errorPolicy,
    is_dry_run: task.isDryRun,
    viewer: task.viewer,
    input: task.input,
    input_hash: task.inputHash,
    idempotency_key: task.idempotencyKey,
    duplicate_key: task.duplicateKey,
    created_at: task.createdAt,
    total: task.total,
    parent_id: task.parent,
    schedule: task.schedule,
    notify: task.notify,
    concurrency_key: task.concurrency?.key,
    concurrency_max: task.concurrency?.max,
    on_conflict: task.onConflict,
    trace: task.trace,
    progress: event.progress,
    message: event.message,
  };
}

async function segmentsOf(claims: readonly Claim[]): Promise<object> {
  const named = withoutEmptyClaims(claims);
  if (named.length === 0) {
    return {};
  }
  const [models, lowest, highest, ids, scopes, separator] = await toSegments(named);
  const segments = models.map((model, at) => ({
    model,
    lowest: lowest[at],
    highest: highest[at],
    ids: ids[at],
    scope: scopes[at],
  }));
  return { segments, separator };
}

function endingRow({ taskId, attempt, settlement, event }: QuickEnding): object {
  return {
    id: taskId,
    attempt,
    status: settlement.status,
    type: event.type,
    message: settlement.message,
    result: settlement.result,
    finished_at: settlement.finishedAt,
    ...settlement.counts,
    total: settlement.total,
    progress: event.progress,
  };
}
