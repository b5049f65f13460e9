import type { Transaction } from "../transactions/transaction.ts";
import type { Claim } from "./claim.ts";
import type { AcquireResult } from "./lock-store.ts";

/** What {@link LockLedger.enter} tells. */
export interface Entry {
  /** Names the life of the lock table under which the transaction may rely on it. */
  readonly epoch: string;
  /** Whether anybody stands in line for one of the models. */
  readonly hasLine: boolean;
}

/** A claim that its owner holds by right, whether or not the lock table still says so. */
export interface LiveClaim {
  readonly owner: string;
  readonly claim: Claim;
}

/**
 * What the database keeps of locks whose table is elsewhere: the gate that claims and guards go through, the lines of
 * waiters, and the truth about who holds what, from which the table can be built anew. The table elsewhere is known to
 * be whole under one epoch only; that it lost anything shows as another epoch, and nothing is granted until it is
 * rebuilt under a new one.
 *
 * Every method throws AppError UNAVAILABLE when the database cannot be reached, or when the locks are kept
 * somewhere else by now.
 */
export interface LockLedger {
  /**
   * Waits until no other open transaction has entered for one of the models, unless both only guard. Ends with the
   * transaction.
   */
  enter(transaction: Transaction, models: readonly string[], mode: "CLAIM" | "GUARD"): Promise<Entry>;
  /** Waits until nobody else has entered, and keeps everybody out until the end of the transaction. */
  enterAlone(transaction: Transaction): Promise<{ readonly epoch: string }>;
  /** The current epoch, for look-ups. */
  epoch(): Promise<string>;
  /** For who is alone. */
  renewEpoch(transaction: Transaction, epoch: string): Promise<void>;
  /** What the unsettled tasks claim, those in line left out, a claim in several parts where it is large. For who is alone. */
  liveClaims(transaction: Transaction): AsyncIterable<LiveClaim>;
  /** Those of the owners that may hold locks: tasks that are not settled. Once entered, others will never hold any. */
  liveOwners(transaction: Transaction, owners: readonly string[]): Promise<ReadonlySet<string>>;
  /** Those of the owners that hold something by right: tasks that are neither settled nor in line. For who has entered. */
  holders(transaction: Transaction, owners: readonly string[]): Promise<ReadonlySet<string>>;

  /** Who stands in line before the owner, or at all if it does not. @param isComplete lists all conflicts */
  lineConflicts(
    transaction: Transaction,
    owner: string,
    claims: readonly Claim[],
    isComplete: boolean,
  ): Promise<AcquireResult>;
  /** Who stands in line already keeps its place, and joins for what is new. */
  joinLine(transaction: Transaction, owner: string, claims: readonly Claim[]): Promise<void>;
  leaveLine(transaction: Transaction, owner: string): Promise<void>;
  claimsInLine(transaction: Transaction, owner: string): Promise<readonly Claim[]>;
  /** See LockStore.lastBefore. */
  lastBefore(transaction: Transaction, owner: string): Promise<string | undefined>;
}
