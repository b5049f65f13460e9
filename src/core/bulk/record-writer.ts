import type { LockRefusal } from "../locks/lock-store.ts";
import type { RecordChange } from "../records/change.ts";
import type { Model } from "../records/model.ts";
import type { AppHooks } from "../records/record-hooks.ts";
import type { ScopeCheck } from "../records/scope-checks.ts";
import type { WhereFilter } from "../access/access.ts";
import type { ReferencePlan } from "../records/side-effects.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { NewTaskError } from "../tasks/task-error.ts";
import type { Decision } from "../transactions/run-or-roll-back.ts";
import type { Transaction } from "../transactions/transaction.ts";

/**
 * What is done to each record: the same change, or what stands beside the record in its batch (see row-field), or its
 * deletion.
 */
export type BulkOperation =
  | { readonly operation: "UPDATE"; readonly change: RecordChange }
  | { readonly operation: "DELETE" }
  | { readonly operation: "CREATE" | "UPDATE_EACH" | "UPSERT" };

/** What is done to records, and under whose rules. */
export type RecordWork = BulkOperation & {
  readonly model: Model;
  /** The viewer's scope; records outside it count as missing. */
  readonly scope: WhereFilter | undefined;
  /** What the records refer to once they are written, where that is to be guarded. Left out: nothing. */
  readonly references?: ReferencePlan | undefined;
  /** The lock scope of the viewer in a model. Left out: none. */
  readonly lockScopeOf?: ((model: string) => string | undefined) | undefined;
  /**
   * What records must match whose fields of these names were written, so that nothing leads out of the viewer's scope.
   * Records that do not match fail. Left out: nothing.
   */
  readonly scopeChecks?: ((written: readonly string[]) => readonly ScopeCheck[]) | undefined;
  /** What the app says about it. Left out: nothing. */
  readonly hooks?: AppHooks | undefined;
  /** The task that writes: what it holds is not in its way. Left out for single writes. */
  readonly taskId?: string;
  /**
   * Guards what else the write changes, once the records are known to be in the viewer's reach; a refusal ends the
   * write. Left out where that was claimed before.
   */
  readonly guardReached?:
    | ((transaction: Transaction, ids: readonly string[]) => Promise<LockRefusal | undefined>)
    | undefined;
};

/** Whether nothing but the database has a say in what is written: no scope, no code of the app's. */
export function isPlainWork({ scope, scopeChecks, hooks }: RecordWork): boolean {
  return scope === undefined && scopeChecks === undefined && hooks === undefined;
}

/** What became of a batch of records. */
export interface WrittenBatch {
  readonly succeeded: number;
  /** Those that were not written. */
  readonly errors: readonly NewTaskError[];
  /** What other tasks hold of what would have been written, or referred to. */
  readonly refusal?: LockRefusal;
}

/** Writes records in transactions. Throws AppError UNAVAILABLE when the database goes away, or others win every race. */
export interface RecordWriter {
  /**
   * Guards one record and writes it, in one statement where that can be: for plain work (see {@link isPlainWork}) that changes
   * nothing else and refers to nothing that must be guarded.
   * @param batch of one record
   */
  writeGuarded(work: RecordWork, batch: RecordBatch): Promise<WrittenBatch>;
  /** Opens a transaction that this work can be done in. A lost race has the body run again in a new one. */
  run<T>(work: RecordWork, body: (transaction: Transaction) => Promise<Decision<T>>): Promise<T>;
  /**
   * Writes the records within the transaction: those within the scope that the app lets pass. Records that cannot be
   * written are returned with the reason and left as they are.
   */
  writeBatch(transaction: Transaction, work: RecordWork, batch: RecordBatch): Promise<WrittenBatch>;
}
