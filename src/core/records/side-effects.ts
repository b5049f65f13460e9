import type { Claim } from "../locks/claim.ts";
import { mergeClaims } from "../locks/claim.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { Model } from "./model.ts";

/** The fields of an update that may change other records. */
export interface UpdatedFields {
  /** Names of the columns that it writes. */
  readonly columns: readonly string[];
  /** Names of the relations whose links it replaces. */
  readonly replaced: readonly string[];
}

/**
 * Finds what a write changes besides its own records: records that refer to them, by the database's referential
 * actions (CASCADE, SET NULL, SET DEFAULT), and links of many-to-many relations that end.
 *
 * All methods return undefined if there can be nothing of the kind; only the written records are guarded then. All
 * throw AppError UNAVAILABLE when the database cannot be reached.
 */
export interface SideEffects {
  ofDelete(model: Model): Promise<EffectPlan | undefined>;
  ofUpdate(model: Model, updated: UpdatedFields): Promise<EffectPlan | undefined>;
  /** The records that a record refers to, and so depends on, once the fields are written. */
  references(model: Model, fields: readonly string[]): Promise<ReferencePlan | undefined>;
}

/** How to find out what a write changes besides its records. */
export interface EffectPlan {
  /** Models whose records it may change. They must be guarded or entered before the first wave is asked for. */
  readonly models: readonly string[];
  /**
   * Claims on all records that it changes besides those with the ids. Above `maxRecords` records of one model, the
   * whole model is claimed. Locks nothing: the transaction must have entered the models, and the model of the ids.
   */
  claims(transaction: Transaction, ids: readonly string[], maxRecords: number): Promise<readonly Claim[]>;
  /**
   * For a single record. Locks the record, so that no new record can refer to it, and yields the affected records in
   * waves: those that depend on it, those that depend on these, and so on. The caller must guard each wave before it
   * asks for the next, which locks the rows of the wave: so it never waits for a row of a record that a task holds.
   * Yields nothing for a missing record.
   */
  waves(transaction: Transaction, id: string): AsyncIterable<readonly Claim[]>;
}

/** A record, and another that it refers to: when the other changes, the database may change it too. */
export interface Reference {
  /** Id of the record that refers. */
  readonly record: string;
  /** The record that it refers to. */
  readonly model: string;
  readonly id: string;
}

/** How to find out what records refer to, by foreign keys with referential actions. */
export interface ReferencePlan {
  /** Models of the records that they may refer to. */
  readonly models: readonly string[];
  /** What the records refer to, as the transaction sees them. The caller must guard these before the commit. */
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
