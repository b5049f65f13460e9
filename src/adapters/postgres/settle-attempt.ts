import type { SqlSession } from "../../kernel/sql-session.ts";
import type { Counts } from "../../core/tasks/progress.ts";
import { countsOf } from "../../core/tasks/progress.ts";
import { isFinal, statusesBefore, TASK_STATUSES } from "../../core/tasks/task-status.ts";
import type { DoneWork, Settlement } from "../../core/tasks/task-attempts.ts";
import { taskErrorColumns } from "./task-error-columns.ts";
import { INSERT_TASK_ERRORS, LOCK_TO_SETTLE, SETTLE_TASK, SUM_DONE_CHUNKS } from "./sql/settle-task.ts";

/** What is certain of an unsettled task, see core's TaskStore. */
export async function lockDone(
  session: SqlSession,
  taskId: string,
  attempt: number,
): Promise<DoneWork | undefined> {
  const unsettled = TASK_STATUSES.filter((status) => !isFinal(status));
  if ((await session.query(LOCK_TO_SETTLE, [taskId, attempt, unsettled])).length === 0) {
    return undefined;
  }
  const [done] = await session.query<Counts & { chunks: number }>(SUM_DONE_CHUNKS, [taskId]);
  return { counts: done === undefined || done.chunks === 0 ? null : countsOf(done) };
}

/** Writes how a task ended, and its errors. False, and nothing written, unless the attempt may settle it. */
export async function settleAttempt(
  session: SqlSession,
  taskId: string,
  attempt: number,
  settlement: Settlement,
): Promise<boolean> {
  const locked = await session.query(LOCK_TO_SETTLE, [taskId, attempt, statusesBefore(settlement.status)]);
  if (locked.length === 0) {
    return false;
  }
  const { errors = [] } = settlement;
  await session.query(SETTLE_TASK, [
    taskId,
    settlement.status,
    settlement.message,
    JSON.stringify(settlement.result),
    settlement.finishedAt,
    settlement.counts.succeeded,
    settlement.counts.failed,
    settlement.counts.skipped,
    settlement.total ?? null,
  ]);
  if (errors.length > 0) {
    await session.query(INSERT_TASK_ERRORS, [taskId, ...taskErrorColumns(errors)]);
  }
  return true;
}
