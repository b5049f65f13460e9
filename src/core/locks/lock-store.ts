import type { Transaction } from "../transactions/transaction.ts";
import type { Claim } from "./claim.ts";

/** A record of a refused claim, and the task that holds it. */
export interface LockConflict {
  readonly model: string;
  /** The record; null where the whole model is held, which counts as one conflict. */
  readonly id: string | null;
  /** Id of the task that holds it. */
  readonly owner: string;
}

/** What became of a claim. */
export type AcquireResult =
  | { readonly isGranted: true }
  | {
      readonly isGranted: false;
      /** The first conflicts, by model and id, at most {@link MAX_REPORTED_CONFLICTS}. */
      readonly conflicts: readonly LockConflict[];
      /** How many there are in all. */
      readonly totalConflicts: number;
    };

/** More conflicts than these are counted, not listed. */
export const MAX_REPORTED_CONFLICTS = 1000;

/**
 * Exclusive locks on records and models, each owned by a task.
 *
 * A lock has no expiry: it lasts until its owner lets it go. Whether an owner still lives is asked of the task
 * record. A claim is granted whole or not at all, and a refused claim leaves no trace. What an owner holds
 * already it may claim again. A claim on a model conflicts with every record claim in it, and the reverse.
 *
 * Every method throws AppError UNAVAILABLE when the store cannot be reached; callers then refuse to write.
 */
export interface LockStore {
  /**
   * Claims for a task, within a transaction: locks taken in one that rolls back are not held.
   * Of overlapping claims made together, exactly one is granted.
   */
  acquire(transaction: Transaction, owner: string, claims: readonly Claim[]): Promise<AcquireResult>;
  /**
   * Keeps the claimed records out of every task's hands until the transaction ends, without owning them: the
   * guard of single writes. Two guards do not conflict with each other. One record in one round trip.
   */
  guard(transaction: Transaction, claims: readonly Claim[]): Promise<AcquireResult>;
  /**
   * Lets go of what the owner holds: of all, or of the given claims; a claim on a model means all that the owner
   * holds of it. Letting go of what one does not hold does nothing, and a single record is not let go of where
   * the whole model is held.
   */
  release(transaction: Transaction, owner: string, claims?: readonly Claim[]): Promise<void>;
  /** Which of the records are held, and by whom; free ones are left out. One look-up for all. */
  owners(model: string, ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** All claims that the owner holds, ids in order; for reconciliation and tests. */
  heldBy(owner: string): Promise<readonly Claim[]>;
  /** Ids of all owners that hold anything; for reconciliation. */
  listOwners(): Promise<readonly string[]>;
}
