import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { PostponedTasks } from "../../../core/tasks/postponed-tasks.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import { AWAIT_KIND, FIND_AWAITING_KINDS, GIVE_ALL_SLOTS, GIVE_SLOTS, POSTPONE } from "../sql/postponed.ts";
import type { StrandedRow } from "./stranded-tasks.ts";
import { toStranded } from "./stranded-tasks.ts";

/** PENDING tasks that must wait. @param session for statements outside a caller's transaction */
export function createPostponedTasks(session: SqlSession): PostponedTasks {
  return {
    async postpone(transaction, { taskId, attempt, until }) {
      const [row] = await requiredSession(transaction).query<{
        is_postponed: boolean;
        is_cancelled: boolean;
      }>(POSTPONE, [taskId, attempt, until]);
      return { kind: row?.is_postponed === true ? "POSTPONED" : row?.is_cancelled ? "CANCELLED" : "FENCED" };
    },
    async awaitKind(transaction, { taskId, attempt, at, minDelayMs, maxDelayMs, maxWaitMs }) {
      const [row] = await requiredSession(transaction).query<{ unknown_since: Date; postponed_until: Date }>(
        AWAIT_KIND,
        [taskId, attempt, at, minDelayMs, maxDelayMs, maxWaitMs],
      );
      return row && { since: row.unknown_since, until: row.postponed_until };
    },
    async findAwaitingKinds(kinds, limit) {
      return (await session.query<StrandedRow>(FIND_AWAITING_KINDS, [kinds, limit])).map(toStranded);
    },
    async giveSlots(taskId) {
      const rows = await (taskId === undefined
        ? session.query<StrandedRow>(GIVE_ALL_SLOTS)
        : session.query<StrandedRow>(GIVE_SLOTS, [taskId]));
      return rows.map(toStranded);
    },
  };
}
