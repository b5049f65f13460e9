import type { SqlSession } from "../../kernel/sql-session.ts";

/** A callback for the end of a transaction. Apps register them, too. */
export type Effect = () => Promise<void> | void;

/**
 * One unit of work in the database. Adapters on PostgreSQL take part through `session`; adapters elsewhere act
 * at once, and register how to finish or undo it.
 */
export interface Transaction {
  /** The connection inside the transaction. The memory adapters' transactions have none. */
  readonly session: SqlSession | undefined;
  /** Runs after the commit, in the order of registration. A failure is logged; it cannot undo the commit. */
  onCommit(effect: Effect): void;
  /** Runs after the rollback, last registered first. */
  onRollback(effect: Effect): void;
}

/** Opens transactions. */
export interface UnitOfWork {
  /**
   * Runs the work in one READ COMMITTED transaction: commits when it returns, rolls back when it throws, and
   * then throws the same error.
   * @throws AppError UNAVAILABLE when the database cannot be reached
   */
  run<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>;
}

/** The transaction's connection. @throws TypeError when the transaction is not one of PostgreSQL: a wiring fault */
export function requiredSession(transaction: Transaction): SqlSession {
  if (transaction.session === undefined) {
    throw new TypeError("this adapter needs a transaction on PostgreSQL");
  }
  return transaction.session;
}
