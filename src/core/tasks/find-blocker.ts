import type { LockRefusal, LockStore } from "../locks/lock-store.ts";
import type { Transaction } from "../transactions/transaction.ts";

/** Whom a task in line waits for: the last who stands there before it, or else who holds what it was refused. */
export async function findBlocker(
  locks: Pick<LockStore, "lastBefore">,
  transaction: Transaction,
  taskId: string,
  { conflicts }: LockRefusal,
): Promise<string> {
  return (await locks.lastBefore(transaction, taskId)) ?? conflicts[0]?.owner ?? taskId;
}
