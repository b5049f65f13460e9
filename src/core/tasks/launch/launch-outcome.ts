import type { Json } from "../../../kernel/json.ts";
import type {
  ConflictRefusal,
  ForbiddenRefusal,
  IdempotencyRefusal,
  LimitRefusal,
  MissingRefusal,
  UnavailableRefusal,
} from "../../refusals/refusals.ts";
import type { ValidationRefusal } from "../../refusals/problems.ts";
import type { Task } from "../task.ts";

/** Accepted: the task is durable, or, below the synchronous threshold, settled already. */
export interface Launched<Result = Json> {
  readonly kind: "LAUNCHED";
  readonly task: Task<Result>;
  /**
   * True when an earlier launch made the task: one with the same idempotency key, or an identical one whose task is not
   * settled yet.
   */
  readonly isDuplicate: boolean;
}

/** The outcome of a launch. After a refusal nothing was changed, and no locks are held. */
export type LaunchOutcome<Result = Json> =
  | Launched<Result>
  | ConflictRefusal
  | ValidationRefusal
  | ForbiddenRefusal
  | LimitRefusal
  | IdempotencyRefusal
  /** The task that was to be retried is not there. */
  | MissingRefusal
  | UnavailableRefusal;
