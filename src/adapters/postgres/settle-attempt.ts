import type { SqlSession } from "../../kernel/sql-session.ts";
import type { Counts } from "../../core/tasks/progress.ts";
import { statusesBefore } from "../../core/tasks/task-status.ts";
import type { Settlement } from "../../core/tasks/task-store.ts";
import { taskErrorColumns } from "./task-error-columns.ts";
import { INSERT_TASK_ERRORS, LOCK_TO_SETTLE, SETTLE_TASK } from "./sql/settle-task.ts";

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
    ...countColumns(settlement.counts),
    settlement.total ?? null,
  ]);
  if (errors.length > 0) {
    await session.query(INSERT_TASK_ERRORS, [taskId, ...taskErrorColumns(errors)]);
  }
  return true;
}

/** Without counts, nulls: the statement then takes the chunks' sums. */
function countColumns(counts: Counts | undefined): readonly (number | null)[] {
  return counts === undefined ? [null, null, null] : [counts.succeeded, counts.failed, counts.skipped];
}
