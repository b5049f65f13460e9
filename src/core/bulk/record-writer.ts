import type { LockRefusal } from "../locks/lock-store.ts";
import type { RecordChange } from "../records/change.ts";
import type { ColumnField, Model } from "../records/model.ts";
import type { AppHooks } from "../records/record-hooks.ts";
import type { LoadedRecord } from "../records/record-lists.ts";
import type { ScopeCheck } from "../records/scope-checks.ts";
import type { WhereFilter } from "../access/access.ts";
import type { EffectPlan, ReferencePlan } from "../records/side-effects.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { NewTaskError } from "../tasks/task-error.ts";
import type { Decision } from "../transactions/run-or-roll-back.ts";
import type { Transaction } from "../transactions/transaction.ts";

/** What is done to each record: the same change, the record's own values in its batch (see row-field), or a delete. */
export type BulkOperation =
  | { readonly operation: "UPDATE"; readonly change: RecordChange }
  | { readonly operation: "DELETE" }
  | { readonly operation: "CREATE" | "UPDATE_EACH" | "UPSERT" };

/** An operation on records of a model, with the rules that apply to it. */
export type RecordWork = BulkOperation & {
  readonly model: Model;
  /** The viewer's scope; records outside it count as missing. */
  readonly scope: WhereFilter | undefined;
  /** The records that the viewer may read. Updated and deleted ones are among them. Left out: all. */
  readonly readScope?: (() => WhereFilter | undefined) | undefined;
  /** Finds the records that written records refer to, and that must be guarded. Left out: none. */
  readonly references?: ReferencePlan | undefined;
  /** The lock scope of the viewer in a model. Left out: none. */
  readonly lockScopeOf?: ((model: string) => string | undefined) | undefined;
  /**
   * The checks that keep written records within the viewer's scope, by the names of the written fields. Records that
   * do not match fail. Left out: none.
   */
  readonly scopeChecks?: ((written: readonly string[]) => readonly ScopeCheck[]) | undefined;
  /** The app's hooks. Left out: none. */
  readonly hooks?: AppHooks | undefined;
  /** The task that writes: its own locks are not in its way. Left out for single writes. */
  readonly taskId?: string;
  /**
   * What the write changes besides its records, for records that a task finds only when it writes them: they were not
   * claimed, so they are guarded. Left out: nothing.
   */
  readonly effects?: EffectPlan | undefined;
  /**
   * Guards the side effects of the write, once the records are known to be within the viewer's scope; a refusal ends
   * the write. Left out if they were claimed before.
   */
  readonly guardReached?:
    | ((transaction: Transaction, ids: readonly string[]) => Promise<LockRefusal | undefined>)
    | undefined;
};

/** Whether only the database can refuse the write: there is no scope, and no code of the app. */
export function isPlainWork({ scope, scopeChecks, hooks }: RecordWork): boolean {
  return scope === undefined && scopeChecks === undefined && hooks === undefined;
}

/** What became of a batch of records. */
export interface WrittenBatch {
  readonly succeeded: number;
  /** Those that were not written. */
  readonly errors: readonly NewTaskError[];
  /**
   * The ids of the batch's records, where the batch names them by a key: a record that could not be written keeps its
   * name. Left out for records that are named by id.
   */
  readonly ids?: readonly string[];
  /** For a single write: the records that tasks hold, of those that would have been written or referred to. */
  readonly refusal?: LockRefusal;
  /** For a single write: the record as it was written, if the statement could return it. */
  readonly record?: LoadedRecord;
}

/** Writes records in transactions. Throws AppError UNAVAILABLE when the database goes away, or others win every race. */
export interface RecordWriter {
  /**
   * Guards one record and writes it, in one statement where that can be: for plain work (see {@link isPlainWork}) that changes
   * nothing else and refers to nothing that must be guarded.
   * @param batch of one record
   * @param returning columns of the record to return, where one statement writes it. Default: none
   */
  writeGuarded(
    work: RecordWork,
    batch: RecordBatch,
    returning?: readonly ColumnField[],
  ): Promise<WrittenBatch>;
  /** Runs the body in a transaction for this work; after a lost race, again in a new one. */
  run<T>(work: RecordWork, body: (transaction: Transaction) => Promise<Decision<T>>): Promise<T>;
  /**
   * Writes the records within the transaction that are in scope and that the hooks do not refuse. Records that cannot
   * be written are returned with the reason and left as they are.
   */
  writeBatch(transaction: Transaction, work: RecordWork, batch: RecordBatch): Promise<WrittenBatch>;
}
