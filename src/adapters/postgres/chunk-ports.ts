import type { ChunkRecords } from "../../core/bulk/chunk-records.ts";
import type { LockStore } from "../../core/locks/lock-store.ts";
import type { Transaction } from "../../core/transactions/transaction.ts";

/** What writing a chunk the careful way works with. */
export interface ChunkPorts {
  /** One of `records`, where the work is not plain (see is-plain-work). */
  readonly transaction: Transaction;
  readonly records: ChunkRecords;
  /** For what records are made to refer to. */
  readonly locks: Pick<LockStore, "guard">;
}
