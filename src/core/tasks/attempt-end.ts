import { isAppError } from "../../kernel/app-error.ts";
import type { Counts, Progress } from "./progress.ts";
import { NO_COUNTS, processedOf } from "./progress.ts";
import { statusOfCounts } from "./settle-task.ts";
import type { HandlerResult } from "./task-definition.ts";
import type { Settlement } from "./task-store.ts";

/** How an attempt ended. */
export type AttemptEnd =
  /** The task with it; `cause` is what the handler threw, if it did. */
  | {
      readonly kind: "ENDED";
      readonly settlement: Omit<Settlement, "finishedAt"> & { readonly counts: Counts };
      readonly cause?: unknown;
    }
  /** Another attempt has the task. */
  | { readonly kind: "FENCED" }
  /** The process stops; the task is for another one. */
  | { readonly kind: "HANDED_OVER" }
  /** A store is out of reach; the task is for a later attempt. */
  | { readonly kind: "ABANDONED"; readonly cause: unknown };

/** Of a handler that returned. */
export function endOfResult(result: HandlerResult, progress: Progress): AttemptEnd {
  const counts = result.counts ?? countsOf(progress);
  if (result.isCancelled === true) {
    return ended("CANCELLED", describeCancelled(progress.total, counts), counts);
  }
  const errors = result.failure?.errors ?? result.errors;
  const settlement = {
    status: result.failure === undefined ? statusOfCounts(counts) : "FAILED",
    message: result.message ?? describeNothing(progress.total, counts),
    result: result.result ?? null,
    counts,
    ...(errors === undefined ? {} : { errors }),
  } as const;
  return { kind: "ENDED", settlement };
}

/** Of a handler that threw, or was stopped with this reason. */
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
    const counts = countsOf(progress);
    return ended("CANCELLED", describeCancelled(progress.total, counts), counts);
  }
  const isRolledBack = isAppError(error) && error.details["isRolledBack"] === true;
  const message = error instanceof Error ? error.message : String(error);
  return { ...ended("FAILED", message, isRolledBack ? NO_COUNTS : countsOf(progress)), cause: error };
}

/** What a cancelled task did, in words. */
export function describeCancelled(total: number | null, counts: Counts): string {
  const processed = processedOf(counts);
  if (total === null) {
    return processed === 0 ? "Cancelled." : `Cancelled after ${processed} records.`;
  }
  return `Cancelled: ${processed} of ${total} records were dealt with, ${total - processed} were left as they were.`;
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

function ended(
  status: "CANCELLED" | "FAILED",
  message: string,
  counts: Counts,
): Extract<AttemptEnd, { kind: "ENDED" }> {
  return { kind: "ENDED", settlement: { status, message, result: null, counts } };
}

function countsOf({ succeeded, failed, skipped }: Progress): Counts {
  return { succeeded, failed, skipped };
}
