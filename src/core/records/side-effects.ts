import type { Claim } from "../locks/claim.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { Model } from "./model.ts";
import type { RecordKey } from "./record-key.ts";
import type { RecordData } from "./record-writer.ts";

/**
 * Knows what a single write changes besides its own record: what the database's referential actions (CASCADE, SET
 * NULL, SET DEFAULT) do to records that refer to it, and links of many-to-many relations that it ends.
 *
 * Both methods give undefined where there can be no such thing; the write is then guarded by its own record alone.
 * Both throw AppError UNAVAILABLE when the database cannot be reached.
 */
export interface SideEffects {
  ofDelete(model: Model): Promise<EffectPlan | undefined>;
  /** @param data what the update names: a column that others refer to, `set` of links */
  ofUpdate(model: Model, data: RecordData): Promise<EffectPlan | undefined>;
}

/** How to find out what one write changes besides its record. */
export interface EffectPlan {
  /** Models whose records it may change. They must be guarded before the first wave is asked for. */
  readonly models: readonly string[];
  /**
   * Locks the record, so that nothing can come to refer to it any more, and gives the affected records in waves: those
   * that hang on it, those that hang on these, and so on. Each wave must be guarded before the next is asked for, which
   * locks its rows: so no row of a record is waited for that a task holds. Nothing for a record that is not there.
   */
  waves(transaction: Transaction, key: RecordKey): AsyncIterable<readonly Claim[]>;
}
