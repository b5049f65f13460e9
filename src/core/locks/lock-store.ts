import type { Transaction } from "../transactions/transaction.ts";
import type { Claim } from "./claim.ts";

/** A record of a refused claim, and the task that is in the way. */
export interface LockConflict {
  readonly model: string;
  /** The record; null where the whole model is held, which counts as one conflict. */
  readonly id: string | null;
  /** Id of the task that holds it, or that stood in line for it before. */
  readonly owner: string;
}

/** Why a claim was refused. */
export interface LockRefusal {
  readonly kind: "CONFLICT";
  /** The first conflicts, by model and id, at most {@link MAX_REPORTED_CONFLICTS}. */
  readonly conflicts: readonly LockConflict[];
  /** How many there are in all. */
  readonly totalConflicts: number;
}

/** What became of a claim. */
export type AcquireResult = { readonly kind: "GRANTED" } | LockRefusal;

/** More conflicts than these are counted, not listed. */
export const MAX_REPORTED_CONFLICTS = 1000;

/**
 * Exclusive locks on records and models, each owned by a task, and the lines of tasks that wait for them.
 *
 * A lock has no expiry: it lasts until its owner lets it go. Whether an owner still lives is asked of the task
 * record. A claim is granted whole or not at all, and a refused claim leaves no trace. What an owner holds
 * already it may claim again, whoever waits for it; a record then keeps the scope under which it was claimed first. A
 * claim on a model conflicts with every record claim in it, and the reverse, unless both name a scope and not the same.
 *
 * Who waits holds nothing, and is granted all it asked for at once or goes on waiting. Its place in line keeps every
 * later claim off its records, so lines are first come, first served per record, and since each waits only for those
 * before it, never in a circle.
 *
 * Claims and guards wait for the open transactions in their way. What is let go of within a transaction is free for
 * others, and for other owners in the same transaction, once that has committed; look-ups may show a claim that is
 * about to be committed.
 *
 * Every method throws AppError UNAVAILABLE when the store cannot be reached; callers then refuse to write.
 */
export interface LockStore {
  /**
   * Shuts claims on the models, and guards, out until the transaction ends, without claiming anything: waits for those
   * under way. So what is read then of records that these verbs protect holds until it is claimed, in the same
   * transaction. All models that it will claim or guard belong in this one call: models are entered in one order, and
   * one that is entered later could be another's first. No models: does nothing.
   */
  enter(transaction: Transaction, models: readonly string[]): Promise<void>;
  /**
   * Claims for a task, within a transaction: locks taken in one that rolls back are not held. In the way is what
   * others hold, and what others stand in line for: those before it, if the owner stands in line itself, which it
   * leaves once granted. Of overlapping claims made together, exactly one is granted.
   */
  acquire(transaction: Transaction, owner: string, claims: readonly Claim[]): Promise<AcquireResult>;
  /** Claims for an owner that holds nothing; where refused, it stands in line for the claims. */
  acquireOrWait(transaction: Transaction, owner: string, claims: readonly Claim[]): Promise<AcquireResult>;
  /**
   * Claims what is free and leaves out the rest. Of a claim on a whole model nothing is taken if anything is in the
   * way.
   * @returns what is in the way: all of it
   */
  acquireFree(
    transaction: Transaction,
    owner: string,
    claims: readonly Claim[],
  ): Promise<readonly LockConflict[]>;
  /**
   * Tries again for an owner that stands in line: granted, it leaves the line. Who stands in none is granted nothing,
   * which is no refusal. Of a try and a release of the same owner made together, one is over before the other: who was
   * let go of holds nothing.
   * @param added what the owner has come to need since it joined the line, each record under the scope that it was
   *   claimed under before; where refused, it stands in line for that too, behind those who came before
   */
  acquireWaiting(transaction: Transaction, owner: string, added?: readonly Claim[]): Promise<AcquireResult>;
  /**
   * Who stands in line last of those that the owner, in line itself, stands behind: until that one is gone it is not
   * worth trying again. Undefined where only holders are in the way.
   */
  lastBefore(transaction: Transaction, owner: string): Promise<string | undefined>;
  /**
   * Keeps the claimed records out of every task's hands until the transaction ends, without owning them: the
   * guard of single writes. Two guards do not conflict with each other, and none with a line. One record in one
   * round trip.
   * @param owner for whom it guards: what this one holds is not in the way. Default: everybody's is
   */
  guard(transaction: Transaction, claims: readonly Claim[], owner?: string): Promise<AcquireResult>;
  /**
   * Lets go of what the owner holds: of all, together with its place in line, or of the given claims; a claim on a
   * model means all that the owner holds of it, whatever the scope. Letting go of what one does not hold does
   * nothing, and a single record is not let go of where the whole model is held.
   */
  release(transaction: Transaction, owner: string, claims?: readonly Claim[]): Promise<void>;
  /**
   * Which of the records are held, and by whom; free ones are left out. One look-up for all.
   * A record's own holder is named rather than that of the whole model, who can only have it under another scope.
   * @param scope of whoever asks: claims on the whole model under another scope do not count
   */
  owners(model: string, ids: readonly string[], scope?: string): Promise<ReadonlyMap<string, string>>;
  /** All claims that the owner holds, by model and scope, ids in order; for reconciliation and tests. */
  heldBy(owner: string): Promise<readonly Claim[]>;
  /** Ids of all owners that hold anything; for reconciliation. */
  listOwners(): Promise<readonly string[]>;
}
