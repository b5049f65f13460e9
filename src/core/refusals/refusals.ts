import type { ErrorCode } from "../../kernel/error-codes.ts";
import type { LockConflict } from "../locks/lock-store.ts";
import type { Task } from "../tasks/task.ts";
import type { ValidationRefusal } from "./problems.ts";

/** What the table says about one kind of refusal. */
interface RefusalEntry {
  /** Name of its GraphQL type. `{Model}` is replaced by the model's name: each model has a type of its own. */
  readonly type: string;
  /** The codes it may carry. The first is the usual one. */
  readonly codes: readonly [ErrorCode, ...ErrorCode[]];
  /** The type's description. */
  readonly words: string;
}

/** Every expected refusal by its kind: launches, cancellations and single writes share them. */
export const REFUSALS = {
  CONFLICT: {
    type: "ConflictError",
    codes: ["CONFLICT"],
    words: "Another task holds, or stands in line for, a record that the operation would write.",
  },
  INVALID: {
    type: "ValidationError",
    codes: ["VALIDATION_FAILED", "CONSTRAINT_VIOLATED"],
    words: "The input has the right shape and an impossible value, or the database's rules refuse it.",
  },
  MISSING: {
    type: "NotFoundError",
    codes: ["NOT_FOUND"],
    words: "The record or task is not there, or not for the caller to see.",
  },
  FORBIDDEN: {
    type: "ForbiddenError",
    codes: ["FORBIDDEN"],
    words: "The viewer may not do this: an access rule of the model, or of the task, says so.",
  },
  STALE: {
    type: "Stale{Model}Error",
    codes: ["STALE_RECORD"],
    words: "The record has changed since the caller read it.",
  },
  LIMIT: {
    type: "LimitError",
    codes: ["LIMIT_EXCEEDED"],
    words: "More records match than `maxAffected`, or the service, allows.",
  },
  IDEMPOTENCY_MISMATCH: {
    type: "IdempotencyError",
    codes: ["IDEMPOTENCY_MISMATCH"],
    words: "The idempotency key was used before, with other input.",
  },
  SETTLED: {
    type: "TaskSettledError",
    codes: ["TASK_SETTLED"],
    words: "The task is settled; there is nothing left to cancel, pause or resume.",
  },
  NOT_PAUSABLE: {
    type: "TaskNotPausableError",
    codes: ["TASK_NOT_PAUSABLE"],
    words: "The task waits in line for records, or is a reservation, so there is nothing to pause.",
  },
  NOT_PAUSED: {
    type: "TaskNotPausedError",
    codes: ["TASK_NOT_PAUSED"],
    words: "The task is not paused, so there is nothing to resume.",
  },
  UNAVAILABLE: {
    type: "UnavailableError",
    codes: ["UNAVAILABLE"],
    words: "A store or queue that the operation needs cannot be reached.",
  },
} as const satisfies Record<Refusal["kind"], RefusalEntry>;

/** Other tasks hold what the operation needs. */
export interface ConflictRefusal {
  readonly kind: "CONFLICT";
  readonly message: string;
  /** Each with the task that holds it, as it is now. */
  readonly conflicts: readonly (LockConflict & { readonly heldBy: Task })[];
  readonly totalConflicts: number;
}

/** The record or task does not exist, or is out of the viewer's scope. The refusal does not say which. */
export interface MissingRefusal {
  readonly kind: "MISSING";
  readonly message: string;
}

/** The access rules of the model, or of the task's definition, refuse the viewer. */
export interface ForbiddenRefusal {
  readonly kind: "FORBIDDEN";
  readonly message: string;
}

/** The record changed since the caller read it. */
export interface StaleRefusal {
  readonly kind: "STALE";
  readonly message: string;
  /** The record as it is now, in the caller's shape. */
  readonly current: unknown;
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

/** The task is settled: there is nothing left to cancel, pause or resume. */
export interface SettledRefusal {
  readonly kind: "SETTLED";
  readonly message: string;
  readonly task: Task;
}

/** A WAITING task, or a reservation, cannot be paused. */
export interface NotPausableRefusal {
  readonly kind: "NOT_PAUSABLE";
  readonly message: string;
  readonly task: Task;
}

/** A task that is not paused cannot be resumed. */
export interface NotPausedRefusal {
  readonly kind: "NOT_PAUSED";
  readonly message: string;
  readonly task: Task;
}

/** A store or the queue cannot be reached; nothing was changed. */
export interface UnavailableRefusal {
  readonly kind: "UNAVAILABLE";
  readonly message: string;
}

/** Any expected refusal. */
export type Refusal =
  | ConflictRefusal
  | ValidationRefusal
  | MissingRefusal
  | ForbiddenRefusal
  | StaleRefusal
  | LimitRefusal
  | IdempotencyRefusal
  | SettledRefusal
  | NotPausableRefusal
  | NotPausedRefusal
  | UnavailableRefusal;

/** Name of the GraphQL type of a refusal that is the same for all models. */
export function refusalTypeOf(kind: Exclude<Refusal["kind"], "STALE">): string {
  return REFUSALS[kind].type;
}
