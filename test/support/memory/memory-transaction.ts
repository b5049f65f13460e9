import type { Transaction } from "../../../src/core/transactions/transaction.ts";

/**
 * A transaction of the memory adapters. What is to become visible waits in `atCommit`: all of it is done in one go,
 * so nobody sees half a transaction.
 */
export interface MemoryTransaction extends Transaction {
  readonly session: undefined;
  /** Done at the commit, before any effect. */
  readonly atCommit: (() => void)[];
  /** Done after that, or at the rollback: what the transaction kept others waiting for. */
  readonly atEnd: (() => void)[];
}

/** @throws TypeError when the transaction is not one of createMemoryUnitOfWork: a wiring fault */
export function requiredMemory(transaction: Transaction): MemoryTransaction {
  if (!("atCommit" in transaction && "atEnd" in transaction)) {
    throw new TypeError("this adapter needs a transaction in memory");
  }
  return transaction as MemoryTransaction;
}
