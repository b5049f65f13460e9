import { isAppError } from "../../kernel/app-error.ts";
import { counted } from "../../kernel/counted.ts";
import { describeOutcome, was } from "./describe-outcome.ts";
import type { Counts, Progress } from "./progress.ts";
import { countsOf, processedOf } from "./progress.ts";
import { checkResult } from "./check-result.ts";
import type { Ending, SettleBy } from "./settle-task.ts";
import { statusOfCounts } from "./settle-task.ts";
import type { HandlerResult } from "./task-definition.ts";

/** How an attempt ended. */
export type AttemptEnd =
  /** The task with it; `cause` is what the handler threw, if it did. */
  | { readonly kind: "ENDED"; readonly settle: SettleBy; readonly cause?: unknown }
  /** Another attempt has the task. */
  | { readonly kind: "FENCED" }
  /** The process stops; the task is for another one. */
  | { readonly kind: "HANDED_OVER" }
  /** A store is out of reach; the task is for a later attempt. */
  | { readonly kind: "ABANDONED"; readonly cause: unknown };

/** Of a handler that returned. What cannot be stored of that makes the task FAILED, with a message that says so. */
export function endOfResult(
  returned: HandlerResult,
  progress: Progress,
): { readonly kind: "ENDED"; readonly settle: Ending } {
  const result = checkResult(returned);
  if (typeof result === "string") {
    return {
      kind: "ENDED",
      settle: { status: "FAILED", message: result, result: null, counts: countsOf(progress) },
    };
  }
  const counts = result.counts ?? countsOf(progress);
  if (result.isCancelled === true) {
    return { kind: "ENDED", settle: cancelledEnd(progress.total, counts) };
  }
  const errors = result.failure?.errors ?? result.errors;
  const settle = {
    status: result.failure === undefined ? statusOfCounts(counts) : "FAILED",
    message: messageOf(result, progress.total, counts),
    result: result.result,
    counts,
    ...(errors === undefined ? {} : { errors }),
  } as const;
  return { kind: "ENDED", settle };
}

function messageOf({ message, failure }: HandlerResult, total: number | null, counts: Counts): string | null {
  // What failed as a whole left nothing for the counts to tell.
  const told = failure === undefined ? describeOutcome(counts) : null;
  return message ?? describeNothing(total, counts) ?? told;
}

/**
 * Of a handler that threw, or was stopped with this reason. What it reported may have been undone, and what it did last
 * may not have been reported; where the task has chunks, they tell.
 */
export function endOfError(error: unknown, progress: Progress): AttemptEnd {
  if (isAppError(error, "ATTEMPT_FENCED")) {
    return { kind: "FENCED" };
  }
  if (isAppError(error, "HANDED_OVER")) {
    return { kind: "HANDED_OVER" };
  }
  if (isAppError(error, "UNAVAILABLE")) {
    return { kind: "ABANDONED", cause: error };
  }
  if (isAppError(error, "CANCELLED")) {
    return { kind: "ENDED", settle: (done) => stoppedEnd(progress, done) };
  }
  const message = describeThrown(error);
  const settle: SettleBy = (done) => ({
    status: "FAILED",
    message,
    result: null,
    counts: done ?? countsOf(progress),
  });
  return { kind: "ENDED", settle, cause: error };
}

/**
 * Of an attempt whose end could not be recorded, whatever it was: what is known of the task is kept, and the task does
 * not run again only to come to the same.
 */
export function endOfUnsettled(progress: Progress): SettleBy {
  return (done) => ({
    status: "FAILED",
    message: "The end of the task could not be recorded. The details are in the service's log.",
    result: null,
    counts: done ?? countsOf(progress),
  });
}

/** Anything can be thrown. */
function describeThrown(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "The handler threw a value that cannot be shown.";
  }
}

/**
 * Of a task that was to be cancelled, and of which nobody says how far it came.
 * @param done what its chunks certainly did; null for a task without chunks
 */
export function stoppedEnd(progress: Progress, done: Counts | null): Ending {
  const { total } = progress;
  if (done === null || total === null || processedOf(done) < total) {
    return cancelledEnd(total, done ?? countsOf(progress));
  }
  // The request came when all was done.
  return {
    status: statusOfCounts(done),
    message: describeNothing(total, done) ?? describeOutcome(done),
    result: null,
    counts: done,
  };
}

/** Of a task that stopped when it was cancelled. @param total null where unknown */
export function cancelledEnd(total: number | null, counts: Counts): Ending {
  return { status: "CANCELLED", message: describeCancelled(total, counts), result: null, counts };
}

/** What a cancelled task did, in words. */
function describeCancelled(total: number | null, counts: Counts): string {
  const processed = processedOf(counts);
  if (total === null) {
    return processed === 0 ? "Cancelled." : `Cancelled after ${counted(processed, "record")}.`;
  }
  const left = total - processed;
  const asItWas = left === 1 ? "was left as it was" : "were left as they were";
  return `Cancelled: ${processed} of ${counted(total, "record")} ${was(processed)} dealt with, ${left} ${asItWas}.`;
}

/** Why a task that went well changed no record, in words; null where it changed some, or nothing is known of any. */
function describeNothing(total: number | null, { succeeded, failed, skipped }: Counts): string | null {
  if (total === null || succeeded > 0 || failed > 0 || skipped < total) {
    return null;
  }
  if (total === 0) {
    return "Nothing was changed: no records were selected.";
  }
  return `Nothing was changed: ${total === 1 ? "the only record was" : `all ${total} records were`} skipped.`;
}
