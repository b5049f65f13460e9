import { randomUUID } from "node:crypto";
import { AppError } from "../../kernel/app-error.ts";
import type { LockLedger } from "../../core/locks/lock-ledger.ts";
import type { UnitOfWork } from "../../core/transactions/transaction.ts";
import { toBatches } from "./id-batches.ts";
import type { RedisLockTable } from "./lock-table.ts";
import { LostLocks } from "./lock-table.ts";

/** Tries to build, should the server lose its memory again meanwhile. */
const MAX_TRIES = 3;

/** What rebuilding works with. */
export interface RebuildPorts {
  readonly ledger: LockLedger;
  readonly table: RedisLockTable;
  /** Of the database where the ledger is. */
  readonly unitOfWork: UnitOfWork;
}

/**
 * Builds the lock table anew from what the unsettled tasks claim, under a new epoch, while nobody else claims or
 * guards anything. Until it is done nothing is granted, so no task ever loses its records to another. Does nothing
 * where the table is whole: of several who notice the loss, one rebuilds it.
 * @returns whether it was rebuilt
 */
export async function rebuildLocks({ ledger, table, unitOfWork }: RebuildPorts): Promise<boolean> {
  return unitOfWork.run(async (transaction) => {
    const { epoch } = await ledger.enterAlone(transaction);
    if (await table.isCurrent(epoch)) {
      return false;
    }
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const next = randomUUID();
      await table.build(next);
      for await (const { owner, claim } of ledger.liveClaims(transaction)) {
        await store(table, next, owner, claim);
      }
      // Before the commit: should that fail, the epochs differ, and the next one who looks builds again.
      if (await table.open(next)) {
        await ledger.renewEpoch(transaction, next);
        // Others may claim by then: looking through all keys takes as long as there are keys.
        transaction.onCommit(() => removeOthers(table, next));
        return true;
      }
    }
    throw new AppError("UNAVAILABLE", "Redis keeps losing its memory; the locks cannot be restored.");
  });
}

/** Who has built another epoch meanwhile removes this one, too. */
async function removeOthers(table: RedisLockTable, epoch: string): Promise<void> {
  try {
    await table.removeOthers(epoch);
  } catch (error) {
    if (!(error instanceof LostLocks)) {
      throw error;
    }
  }
}

type LiveClaim = Parameters<typeof toBatches>[0];

async function store(table: RedisLockTable, epoch: string, owner: string, claim: LiveClaim): Promise<void> {
  if (claim.ids === "all") {
    await table.acquireWhole(epoch, owner, claim, "take");
  }
  for (const batch of toBatches(claim)) {
    await table.acquireRecords(epoch, owner, batch, "take", 0);
  }
}
