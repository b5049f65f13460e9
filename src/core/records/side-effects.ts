import type { Claim } from "../locks/claim.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { Model } from "./model.ts";
import type { RecordKey } from "./record-key.ts";
import type { ReferencePlan } from "./reference-plan.ts";
import type { RecordData } from "./record-writer.ts";

/**
 * Knows what a write changes besides its own records: what the database's referential actions (CASCADE, SET
 * NULL, SET DEFAULT) do to records that refer to it, and links of many-to-many relations that it ends.
 *
 * All methods give undefined where there can be no such thing; the write is then guarded by its own records alone.
 * All throw AppError UNAVAILABLE when the database cannot be reached.
 */
export interface SideEffects {
  ofDelete(model: Model): Promise<EffectPlan | undefined>;
  /** @param data what the update names: a column that others refer to, `set` of links */
  ofUpdate(model: Model, data: RecordData): Promise<EffectPlan | undefined>;
  /** The other end: what writing the fields of a record makes it depend on. */
  references(model: Model, fields: readonly string[]): Promise<ReferencePlan | undefined>;
}

/** How to find out what a write changes besides its records. */
export interface EffectPlan {
  /** Models whose records it may change. They must be guarded before the first wave is asked for, or entered. */
  readonly models: readonly string[];
  /**
   * All records that it changes besides those with the ids, as claims; of a model of which they are more than
   * `maxRecords`, the whole. Locks nothing: the transaction must have entered the models, and the records' own.
   */
  claims(transaction: Transaction, ids: readonly string[], maxRecords: number): Promise<readonly Claim[]>;
  /**
   * For a single record. Locks the record, so that nothing can come to refer to it any more, and gives the affected records in waves: those
   * that hang on it, those that hang on these, and so on. Each wave must be guarded before the next is asked for, which
   * locks its rows: so no row of a record is waited for that a task holds. Nothing for a record that is not there.
   */
  waves(transaction: Transaction, key: RecordKey): AsyncIterable<readonly Claim[]>;
}
