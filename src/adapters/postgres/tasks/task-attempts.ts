import { groupCalls } from "../../../kernel/group-calls.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { Counts } from "../../../core/tasks/progress.ts";
import { countsOf } from "../../../core/tasks/progress.ts";
import type { DoneWork, Settled, Settlement, TaskAttempts } from "../../../core/tasks/task-attempts.ts";
import type { NotificationChannel } from "../../../core/tasks/notify.ts";
import type { QueuedTask } from "../../../core/tasks/task-queue.ts";
import { isFinal, statusesBefore, TASK_STATUSES } from "../../../core/tasks/task-status.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import {
  BEGIN_ATTEMPT,
  END_WAIT,
  FIND_PLACELESS,
  HEARTBEAT,
  NOTE_HAND_OVER,
  REQUEST_CANCEL,
  START_WAIT,
} from "../sql/attempts.ts";
import { TAKE_FENCE } from "../sql/bulk-chunk-steps.ts";
import { SUM_DONE_CHUNKS } from "../sql/chunks.ts";
import { INSERT_TASK_ERRORS } from "../sql/results.ts";
import { LOCK_TO_SETTLE, MARK_CLEANED, MARK_ENQUEUED, SETTLE_TASK } from "../sql/tasks.ts";
import { taskErrorColumns } from "./task-errors.ts";
import type { TaskRow } from "./task-reads.ts";
import { toTask } from "./task-reads.ts";

/** Attempts of tasks and their end. @param session for statements outside a caller's transaction */
export function createTaskAttempts(session: SqlSession): TaskAttempts {
  const markEnqueued = groupCalls<{ readonly taskId: string; readonly at: Date }, void>({
    maxItems: 1000,
    async run(marks) {
      await session.query(MARK_ENQUEUED, [marks.map(({ taskId }) => taskId), marks.map(({ at }) => at)]);
      return [];
    },
  });
  return {
    async markEnqueued(taskIds, at) {
      await Promise.all(taskIds.map((taskId) => markEnqueued({ taskId, at })));
    },
    async beginAttempt(transaction, { taskId, expectedAttempt, workerId, at, kinds }) {
      const values = [taskId, expectedAttempt, workerId, at, statusesBefore("RUNNING"), kinds ?? null];
      const [row] = await requiredSession(transaction).query<TaskRow>(BEGIN_ATTEMPT, values);
      return row === undefined ? undefined : { task: toTask(row), number: row.attempt };
    },
    async noteHandOver(taskId, attempt) {
      await session.query(NOTE_HAND_OVER, [taskId, attempt]);
    },
    async heartbeat({ taskId, attempt, at, progress }) {
      const stored = progress === undefined ? null : JSON.stringify(progress);
      const values = [taskId, attempt, at, stored];
      const [beaten] = await session.query<{ is_cancel_requested: boolean; is_pause_requested: boolean }>(
        HEARTBEAT,
        values,
      );
      return {
        isCurrent: beaten !== undefined,
        isCancelRequested: beaten?.is_cancel_requested ?? false,
        isPauseRequested: beaten?.is_pause_requested ?? false,
      };
    },
    async requestCancel({ taskId, at, by }) {
      return (await session.query(REQUEST_CANCEL, [taskId, at, by])).length > 0;
    },
    async fence(transaction, taskId, attempt) {
      return (await requiredSession(transaction).query(TAKE_FENCE, [taskId, attempt])).length > 0;
    },
    ...createWaits(session),
    lockDone: (transaction, taskId, attempt) => lockDone(requiredSession(transaction), taskId, attempt),
    settle: (transaction, taskId, attempt, settlement) =>
      settle(requiredSession(transaction), taskId, attempt, settlement),
    async markCleaned(transaction, taskId) {
      return (await requiredSession(transaction).query(MARK_CLEANED, [taskId])).length > 0;
    },
  };
}

/** See TaskAttempts. */
async function lockDone(session: SqlSession, taskId: string, attempt: number): Promise<DoneWork | undefined> {
  const unsettled = TASK_STATUSES.filter((status) => !isFinal(status));
  if ((await session.query(LOCK_TO_SETTLE, [taskId, attempt, unsettled])).length === 0) {
    return undefined;
  }
  const [done] = await session.query<Counts & { chunks: number }>(SUM_DONE_CHUNKS, [taskId]);
  return { counts: done === undefined || done.chunks === 0 ? null : countsOf(done) };
}

/** See TaskAttempts. */
async function settle(
  session: SqlSession,
  taskId: string,
  attempt: number,
  settlement: Settlement,
): Promise<Settled | undefined> {
  const before = statusesBefore(settlement.status).filter(
    (status) => settlement.byAttempt !== true || status === "RUNNING",
  );
  const locked = await session.query(LOCK_TO_SETTLE, [taskId, attempt, before]);
  if (locked.length === 0) {
    return undefined;
  }
  const { errors = [] } = settlement;
  const notified = await session.query<{ channel: NotificationChannel }>(SETTLE_TASK, [
    taskId,
    settlement.status,
    settlement.message,
    JSON.stringify(settlement.result),
    settlement.finishedAt,
    settlement.counts.succeeded,
    settlement.counts.failed,
    settlement.counts.skipped,
    settlement.total ?? null,
    settlement.hooks ?? [],
  ]);
  if (errors.length > 0) {
    await session.query(INSERT_TASK_ERRORS, [taskId, ...taskErrorColumns(errors)]);
  }
  return { notified: notified.map(({ channel }) => channel) };
}

/** The waits of running attempts for other tasks. */
function createWaits(session: SqlSession): Pick<TaskAttempts, "startWait" | "endWait" | "findPlaceless"> {
  return {
    async startWait({ taskId, attempt, blockedBy }) {
      const [row] = await session.query<{ circle: readonly string[] | null }>(START_WAIT, [
        taskId,
        attempt,
        blockedBy,
      ]);
      return row?.circle ?? undefined;
    },
    async endWait({ taskId, blockedBy }) {
      await session.query(END_WAIT, [taskId, blockedBy]);
    },
    async findPlaceless({ blockedBy, at, silentSince, kinds }) {
      const [found] = await session.query<QueuedTask>(FIND_PLACELESS, [blockedBy, at, silentSince, kinds]);
      return found;
    },
  };
}
