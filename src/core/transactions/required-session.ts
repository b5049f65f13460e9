import type { SqlSession } from "../../kernel/sql-session.ts";
import type { Transaction } from "./transaction.ts";

/** The transaction's connection. @throws TypeError when the transaction is not one of PostgreSQL: a wiring fault */
export function requiredSession(transaction: Transaction): SqlSession {
  if (transaction.session === undefined) {
    throw new TypeError("this adapter needs a transaction on PostgreSQL");
  }
  return transaction.session;
}
