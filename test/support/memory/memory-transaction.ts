import type { Transaction } from "../../../src/core/transactions/transaction.ts";

/**
 * A transaction of the memory adapters. Changes wait in `atCommit` and become visible all at once.
 */
export interface MemoryTransaction extends Transaction {
  readonly session: undefined;
  /** Runs at the commit, before any effect. */
  readonly atCommit: (() => void)[];
  /** Runs after that, or at the rollback: releases what other transactions wait for. */
  readonly atEnd: (() => void)[];
}

/** @throws TypeError when the transaction is not one of createMemoryUnitOfWork: a wiring fault */
export function requiredMemory(transaction: Transaction): MemoryTransaction {
  if (!("atCommit" in transaction && "atEnd" in transaction)) {
    throw new TypeError("this adapter needs a transaction in memory");
  }
  return transaction as MemoryTransaction;
}
