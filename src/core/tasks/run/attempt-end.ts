import { isAppError } from "../../../kernel/app-error.ts";
import type { RenewedViewer } from "../../access/renew-viewer.ts";
import type { Counts, Progress } from "../progress.ts";
import { countsOf } from "../progress.ts";
import type { Ending, SettleBy } from "../settle/ending.ts";
import {
  cancelledEnd,
  describeNothing,
  describeOutcome,
  failedEnd,
  statusOfCounts,
  stoppedEnd,
} from "../settle/ending.ts";
import { describeHeld } from "../../locks/lock-refusal.ts";
import type { LockConflict } from "../../locks/lock-store.ts";
import type { NewTaskError } from "../task-error.ts";
import type { HandlerResult } from "../task-definition.ts";
import { storableJson } from "./storable-json.ts";

/** How an attempt ended. */
export type AttemptEnd =
  /** The task ends with it. `cause` is what the handler threw, if it threw. */
  | { readonly kind: "ENDED"; readonly settle: SettleBy; readonly cause?: unknown }
  /** It failed, and another attempt follows after a delay. */
  | {
      readonly kind: "FAILED";
      readonly delayMs: number;
      readonly message: string;
      readonly cause: unknown;
      readonly settle: SettleBy;
    }
  /** Another attempt has the task. */
  | { readonly kind: "FENCED" }
  /** The task is to be paused; a later attempt continues it. */
  | { readonly kind: "PAUSED" }
  /** The process stops, and another one continues the task. */
  | { readonly kind: "HANDED_OVER" }
  /** A store is out of reach. A later attempt continues the task. */
  | { readonly kind: "ABANDONED"; readonly cause: unknown };

/** The end after the handler returned. A result that cannot be stored makes the task FAILED, with a message that says why. */
export function endOfResult(
  returned: HandlerResult,
  progress: Progress,
): { readonly kind: "ENDED"; readonly settle: Ending } {
  const result = storableJson(returned.result, "The result of the task");
  if ("problems" in result) {
    return { kind: "ENDED", settle: failedEnd(result.problems[0]?.message ?? "", progress) };
  }
  const counts = returned.counts ?? countsOf(progress);
  if (returned.isCancelled === true) {
    return { kind: "ENDED", settle: cancelledEnd(progress.total, counts) };
  }
  const errors = returned.failure?.errors ?? returned.errors;
  const settle = {
    status: returned.failure === undefined ? statusOfCounts(counts) : "FAILED",
    message: messageOf(returned, progress.total, counts),
    result: result.value,
    counts,
    ...(errors === undefined ? {} : { errors }),
  } as const;
  return { kind: "ENDED", settle };
}

function messageOf({ message, failure }: HandlerResult, total: number | null, counts: Counts): string | null {
  // Where the task failed as a whole, the counts say nothing about the records.
  const outcome = failure === undefined ? describeOutcome(counts) : null;
  return message ?? describeNothing(total, counts) ?? outcome;
}

/**
 * The end after the handler threw, or was stopped for this reason. Its reports may be ahead of what was committed, or
 * behind it, so the sums of the DONE chunks count where the task has chunks.
 * @param retryDelayMs after which a failed attempt is followed by another one. Default: none follows
 */
export function endOfError(error: unknown, progress: Progress, retryDelayMs?: number): AttemptEnd {
  if (isAppError(error, "ATTEMPT_FENCED")) {
    return { kind: "FENCED" };
  }
  if (isAppError(error, "HANDED_OVER")) {
    return { kind: "HANDED_OVER" };
  }
  if (isAppError(error, "PAUSED")) {
    return { kind: "PAUSED" };
  }
  if (isAppError(error, "UNAVAILABLE")) {
    return { kind: "ABANDONED", cause: error };
  }
  if (isAppError(error, "CANCELLED")) {
    return { kind: "ENDED", settle: (done) => stoppedEnd(progress, done) };
  }
  const message = describeThrown(error);
  const errors = heldErrors(error);
  const end = {
    settle: (done: Counts | null) => ({
      ...failedEnd(message, progress, done),
      ...(errors.length > 0 ? { errors } : {}),
    }),
    cause: error,
  };
  return retryDelayMs === undefined
    ? { kind: "ENDED", ...end }
    : { kind: "FAILED", ...end, message, delayMs: retryDelayMs };
}

/** The end of a task whose viewer may not act any more. What was written until then stays. */
export function endOfViewer(
  { code, message }: Extract<RenewedViewer, { kind: "ENDED" }>,
  progress: Progress,
): AttemptEnd {
  const errors = [{ recordId: null, outcome: "FAILED", code, message }] as const;
  return { kind: "ENDED", settle: (done) => ({ ...failedEnd(message, progress, done), errors }) };
}

/** The records that the handler came to need, and that other tasks hold. */
function heldErrors(error: unknown): readonly NewTaskError[] {
  const { conflicts } = isAppError(error, "RECORD_LOCKED") ? error.details : {};
  const held = (conflicts ?? []) as readonly LockConflict[];
  return held.map((conflict) => ({
    recordId: conflict.id,
    model: conflict.model,
    outcome: "FAILED",
    code: "RECORD_LOCKED",
    message: describeHeld({ kind: "CONFLICT", conflicts: [conflict], totalConflicts: 1 }),
  }));
}

/** The end of a task whose real end the store refused. It is settled all the same: another attempt would end the same way. */
export function endOfUnsettled(progress: Progress): SettleBy {
  return (done) =>
    failedEnd(
      "The end of the task could not be recorded. The details are in the service's log.",
      progress,
      done,
    );
}

/** Code of the app can throw any value. */
function describeThrown(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "The handler threw a value that cannot be shown.";
  }
}
