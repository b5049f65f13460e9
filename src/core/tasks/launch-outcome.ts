import type { LockConflict } from "../locks/lock-store.ts";
import type { RecordProblem } from "../records/record-problem.ts";
import type { Task } from "./task.ts";

/** A refused claim with the tasks in the way. */
export interface ConflictRefusal {
  readonly kind: "CONFLICT";
  readonly message: string;
  /** Each with the task that holds it, as it is now. */
  readonly conflicts: readonly (LockConflict & { readonly heldBy: Task })[];
  readonly totalConflicts: number;
}

/** Input of the right shape with an impossible value. */
export interface ValidationRefusal {
  readonly kind: "INVALID";
  readonly message: string;
  /** One per field at fault; may be empty when the whole is at fault. */
  readonly problems: readonly RecordProblem[];
}

/** More records than allowed. */
export interface LimitRefusal {
  readonly kind: "LIMIT";
  readonly message: string;
  readonly limit: number;
  /** How many match; null where counting stopped at the limit. */
  readonly matched: number | null;
}

/** The idempotency key was used with other input. */
export interface IdempotencyRefusal {
  readonly kind: "IDEMPOTENCY_MISMATCH";
  readonly message: string;
  /** The task that was launched under the key. */
  readonly task: Task;
}

/** The task that was to be retried is not there. */
export interface MissingTaskRefusal {
  readonly kind: "MISSING";
  readonly message: string;
}

/** A store or the queue cannot be reached; nothing was changed. */
export interface UnavailableRefusal {
  readonly kind: "UNAVAILABLE";
  readonly message: string;
}

/** Accepted: the task is durable, or, below the synchronous threshold, settled already. */
export interface Launched {
  readonly kind: "LAUNCHED";
  readonly task: Task;
  /**
   * True when an earlier launch made the task: one with the same idempotency key, or an identical one whose task is not
   * settled yet.
   */
  readonly isDuplicate: boolean;
}

/** What becomes of a launch. Refusals are values: nothing was changed, and no locks are held. */
export type LaunchOutcome =
  | Launched
  | ConflictRefusal
  | ValidationRefusal
  | LimitRefusal
  | IdempotencyRefusal
  | MissingTaskRefusal
  | UnavailableRefusal;
