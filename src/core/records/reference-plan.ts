import type { Claim } from "../locks/claim.ts";
import { mergeClaims } from "../locks/claim.ts";
import type { Transaction } from "../transactions/transaction.ts";

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

/** The records referred to, as claims. */
export function claimsOfReferences(references: readonly Reference[]): readonly Claim[] {
  return mergeClaims(references.map(({ model, id }) => ({ model, ids: [id] })));
}
