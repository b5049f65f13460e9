import type { SqlSession } from "../../../kernel/sql-session.ts";
import { toDependents } from "../../../core/tasks/task-claim.ts";
import type { UnblockedTask, WaitingLine, WaitingTask } from "../../../core/tasks/waiting-line.ts";
import type { Transaction } from "../../../core/transactions/transaction.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import {
  END_WAITING,
  FIND_WAITING_FOR,
  FIND_WAITING_FOR_NOBODY,
  LOCK_WAITING,
  SET_DEPENDENTS,
  START_WAITING,
} from "../sql/waiting.ts";

/** The tasks that are WAITING. @param session for reading */
export function createWaitingLine(session: SqlSession): WaitingLine {
  const hasRow = async (transaction: Transaction, text: string, values: readonly unknown[]) =>
    (await requiredSession(transaction).query(text, values)).length > 0;
  return {
    async setDependents(transaction, taskId, claims) {
      const kept = JSON.stringify(toDependents(claims));
      await requiredSession(transaction).query(SET_DEPENDENTS, [taskId, kept]);
    },
    startWaiting: (transaction, taskId, blockedBy) => hasRow(transaction, START_WAITING, [taskId, blockedBy]),
    lockWaiting: (transaction, taskId) => hasRow(transaction, LOCK_WAITING, [taskId]),
    endWaiting: (transaction, taskId) => hasRow(transaction, END_WAITING, [taskId]),
    findWaitingFor: (blockedBy, limit) =>
      session.query<WaitingTask>(FIND_WAITING_FOR, [blockedBy, limit], "FREQUENT"),
    findUnblocked: (limit) => session.query<UnblockedTask>(FIND_WAITING_FOR_NOBODY, [limit]),
  };
}
