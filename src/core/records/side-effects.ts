import type { Claim } from "../locks/claim.ts";
import { mergeClaims } from "../locks/claim.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { Model } from "./model.ts";

/** What an update writes, as far as it may change other records. */
export interface UpdatedFields {
  /** Names of the columns that it writes. */
  readonly columns: readonly string[];
  /** Names of the relations whose links it replaces. */
  readonly replaced: readonly string[];
}

/**
 * Knows what a write changes besides its own records: what the database's referential actions (CASCADE, SET
 * NULL, SET DEFAULT) do to records that refer to it, and links of many-to-many relations that it drops.
 *
 * All methods give undefined where there can be no such thing; the write is then guarded by its own records alone.
 * All throw AppError UNAVAILABLE when the database cannot be reached.
 */
export interface SideEffects {
  ofDelete(model: Model): Promise<EffectPlan | undefined>;
  ofUpdate(model: Model, updated: UpdatedFields): Promise<EffectPlan | undefined>;
  /** The other end: what writing the fields of a record makes it depend on. */
  references(model: Model, fields: readonly string[]): Promise<ReferencePlan | undefined>;
}

/** How to find out what a write changes besides its records. */
export interface EffectPlan {
  /** Models whose records it may change. They must be guarded before the first wave is asked for, or entered. */
  readonly models: readonly string[];
  /**
   * All records that it changes besides those with the ids, as claims; a model of which it changes more than
   * `maxRecords` is claimed as a whole. Locks nothing: the transaction must have entered the models, and the records'
   * own.
   */
  claims(transaction: Transaction, ids: readonly string[], maxRecords: number): Promise<readonly Claim[]>;
  /**
   * For a single record. Locks the record, so that nothing can come to refer to it any more, and gives the affected
   * records in waves: those that hang on it, those that hang on these, and so on. Each wave must be guarded before the
   * next is asked for, which locks its rows: so no row of a record is waited for that a task holds. Nothing for a
   * record that is not there.
   */
  waves(transaction: Transaction, id: string): AsyncIterable<readonly Claim[]>;
}

/** A record, and one that the database may change it for. */
export interface Reference {
  /** Id of the record that refers. */
  readonly record: string;
  /** The record that it refers to. */
  readonly model: string;
  readonly id: string;
}

/** How to find out what records refer to, over foreign keys over which the database acts on them. */
export interface ReferencePlan {
  /** Models of the records that they may refer to. */
  readonly models: readonly string[];
  /** What records refer to as they are now within the transaction. They must be guarded before it commits. */
  of(transaction: Transaction, ids: readonly string[]): Promise<readonly Reference[]>;
}

/** The records referred to, as claims. @param scopeOf the lock scope of a model */
export function claimsOfReferences(
  references: readonly Reference[],
  scopeOf: (model: string) => string | undefined = () => undefined,
): readonly Claim[] {
  const claims = mergeClaims(references.map(({ model, id }) => ({ model, ids: [id] })));
  return claims.map((claim) => ({ ...claim, scope: scopeOf(claim.model) }));
}
