import type { Transaction } from "../transactions/transaction.ts";
import type { Claim } from "./claim.ts";

/** A record of a refused claim, and the task that is in the way. */
export interface LockConflict {
  readonly model: string;
  /** The record; null where the whole model is held, which counts as one conflict. */
  readonly id: string | null;
  /** Id of the task that holds it, or that was in line for it first. */
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

/** What an owner holds, or waits for in line, of one model. */
export interface OwnedRecords {
  readonly model: string;
  /** How many; null for the whole model. */
  readonly count: number | null;
  readonly isInLine: boolean;
}

/** Records of one model that an owner in line waits for, and the task in its way. */
export interface Blocker {
  /** The task that holds them, or that came before in the line. */
  readonly owner: string;
  readonly model: string;
  /** How many; null where the whole model is held. */
  readonly count: number | null;
  /** The first of them, at most {@link MAX_BLOCKED_IDS}. */
  readonly ids: readonly string[];
}

/** More records in the way than these are counted, not named. */
export const MAX_BLOCKED_IDS = 10;

/** The answer to a claim. */
export type AcquireResult = { readonly kind: "GRANTED" } | LockRefusal;

/** More conflicts than these are counted, not listed. */
export const MAX_REPORTED_CONFLICTS = 1000;

/**
 * Exclusive locks on records and models, each owned by a task, and the lines of tasks that wait for them.
 *
 * A lock never expires: its owner releases it. A claim is granted as a whole or not at all, and a refused claim leaves
 * no trace. An owner may claim again what it holds, also while others wait for it; a record keeps the scope under
 * which it was claimed first. A claim on a model conflicts with every claim on its records, and the reverse, unless
 * both name different scopes.
 *
 * A task in line holds nothing: it is granted all of its claims at once, or still waits. Its place keeps later claims
 * off its records, so lines are first come, first served per record. Each task waits only for those before it, so
 * there is never a deadlock.
 *
 * Claims and guards wait for the open transactions in their way. What a transaction releases is free for others, and
 * for other owners in the same transaction, once it has committed.
 *
 * A transaction that has claimed or guarded something keeps others waiting until it ends. So the database ends it when
 * it is idle for longer than the gate's timeout (see docs/architecture.md); everything in it is rolled back.
 *
 * Every method throws AppError UNAVAILABLE when the database cannot be reached; callers then refuse to write.
 */
export interface LockStore {
  /**
   * Keeps claims and guards on the models out until the transaction ends, without claiming anything: what is read then
   * still holds when it is claimed in the same transaction. Name every model that the transaction will claim or guard in
   * this one call: models are entered in one order, and a model entered later could deadlock. No models: does nothing.
   */
  enter(transaction: Transaction, models: readonly string[]): Promise<void>;
  /**
   * The same without waiting, as a claim or as a guard does. False where another transaction is in the way; the caller
   * must roll back then. For transactions that have locked rows: they must not wait here for one that waits for a row.
   */
  tryEnter(transaction: Transaction, models: readonly string[], how: "CLAIM" | "GUARD"): Promise<boolean>;
  /**
   * Claims for a task; rolled back with the transaction. Conflicts are locks of others, and places in line: those
   * before the owner's own place if it has one, otherwise all. A granted owner leaves the line. Of overlapping claims
   * made together exactly one is granted.
   */
  acquire(transaction: Transaction, owner: string, claims: readonly Claim[]): Promise<AcquireResult>;
  /**
   * Claims more for a task that runs. Only what others hold is in its way, not places in line: a task in line may wait
   * for this one.
   */
  acquireRunning(transaction: Transaction, owner: string, claims: readonly Claim[]): Promise<AcquireResult>;
  /** Claims for an owner that holds nothing; if refused, the owner joins the line. */
  acquireOrWait(transaction: Transaction, owner: string, claims: readonly Claim[]): Promise<AcquireResult>;
  /**
   * Claims what is free and leaves out the rest. A claim on a whole model takes nothing if anything conflicts.
   * @returns all conflicts
   */
  acquireFree(
    transaction: Transaction,
    owner: string,
    claims: readonly Claim[],
  ): Promise<readonly LockConflict[]>;
  /**
   * Tries again for an owner in line; granted, it leaves the line. For an owner that is in no line this is GRANTED and
   * does nothing. A try and a release of the same owner never overlap: after the release the owner holds nothing.
   * @param added claims besides those that the owner waits for, each record under the scope it was claimed under
   *   before; if refused, it joins the line for that too, behind those who came before
   */
  acquireWaiting(transaction: Transaction, owner: string, added?: readonly Claim[]): Promise<AcquireResult>;
  /**
   * The last task in line of those that the owner, in line itself, waits for: until that task is gone, another try is
   * useless. Undefined if only holders are in the way.
   */
  lastBefore(transaction: Transaction, owner: string): Promise<string | undefined>;
  /**
   * Keeps all tasks from claiming the records until the transaction ends, without owning them: the guard of single
   * writes. Guards do not conflict with each other, nor with a line. One record in one round trip.
   * @param owner whose own locks are not in the way. Default: everybody's are
   */
  guard(transaction: Transaction, claims: readonly Claim[], owner?: string): Promise<AcquireResult>;
  /** Releases everything that the owner holds, and its place in line. An owner that has neither: does nothing. */
  release(transaction: Transaction, owner: string): Promise<void>;
  /**
   * Releases the locks and places of owners that are not unsettled tasks, for the sweeper. A launch under way is safe:
   * its task and its locks become visible together.
   * @returns the owners, in order
   */
  releaseOrphans(): Promise<readonly string[]>;
  /**
   * The owner of each record that is held; free ones are left out. One look-up for all. A record's own owner is named
   * rather than that of the whole model, which can only hold it under another scope.
   * @param scope the viewer's lock scope: claims on the whole model under another scope do not count
   */
  owners(model: string, ids: readonly string[], scope?: string): Promise<ReadonlyMap<string, string>>;
  /** What each owner holds and waits for; those that have neither are left out. One look-up for all. */
  owned(owners: readonly string[]): Promise<ReadonlyMap<string, readonly OwnedRecords[]>>;
  /** What keeps each owner in line waiting, those with most records first; others are left out. One look-up for all. */
  blockers(owners: readonly string[]): Promise<ReadonlyMap<string, readonly Blocker[]>>;
  /**
   * Everything the owner holds, one claim a model and scope, ids in order.
   * @param options.maxIds a claim on more records shows as one on the whole model. Default: no limit
   * @param options.transaction where to read. Default: outside any
   */
  heldBy(
    owner: string,
    options?: { readonly maxIds?: number; readonly transaction?: Transaction },
  ): Promise<readonly Claim[]>;
}
