import type { SqlSession } from "../../kernel/sql-session.ts";

/** What waits for the end of a transaction; apps register some too, which need not take time. */
export type Effect = () => Promise<void> | void;

/**
 * One unit of work in the database. Adapters on PostgreSQL take part through `session`; adapters elsewhere do
 * their deed at once and register how to finish or undo it.
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
