import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { StrandedTask } from "../../../core/tasks/stranded-tasks.ts";
import type { PauseResult, TaskPauses } from "../../../core/tasks/task-pauses.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import {
  LOCK_PAUSE,
  PAUSE_PENDING,
  PAUSE_RUNNING,
  REQUEST_PAUSE,
  RESUME_TASK,
  WITHDRAW_PAUSE,
} from "../sql/pauses.ts";

/** The tasks that are PAUSED. @param session for statements outside a caller's transaction */
export function createTaskPauses(session: SqlSession): TaskPauses {
  return {
    async pausePending(transaction, { taskId, at, by }) {
      return (await requiredSession(transaction).query(PAUSE_PENDING, [taskId, at, by])).length > 0;
    },
    async requestPause({ taskId, at, by }) {
      return (await session.query(REQUEST_PAUSE, [taskId, at, by])).length > 0;
    },
    async pauseRunning(transaction, { taskId, attempt, at, progress }): Promise<PauseResult> {
      const within = requiredSession(transaction);
      await within.query(LOCK_PAUSE, [taskId]);
      const values = [taskId, attempt, at, JSON.stringify(progress)];
      const [ended] = await within.query<{ is_paused: boolean; is_cancelled: boolean }>(
        PAUSE_RUNNING,
        values,
      );
      if (ended === undefined) {
        return { kind: "FENCED" };
      }
      return { kind: ended.is_paused ? "PAUSED" : ended.is_cancelled ? "CANCELLED" : "WITHDRAWN" };
    },
    async withdrawPause(taskId) {
      return (await session.query(WITHDRAW_PAUSE, [taskId])).length > 0;
    },
    async resume(transaction, taskId) {
      const [resumed] = await requiredSession(transaction).query<StrandedTask>(RESUME_TASK, [taskId]);
      return resumed;
    },
  };
}
