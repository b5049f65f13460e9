import type { ChunkWork, ChunkWriter, HeldWrite, TrialResult, WholeRun } from "./chunk-writer.ts";
import type { Counts } from "../tasks/progress.ts";
import { NO_COUNTS, processedOf } from "../tasks/progress.ts";
import type { AttemptContext, HandlerResult } from "../tasks/task-definition.ts";
import type { NewTaskError } from "../tasks/task-error.ts";
import { paused } from "../tasks/run/running-attempts.ts";
import { AppError, isAppError } from "../../kernel/app-error.ts";

/** ALL_OR_NOTHING: all chunks in one transaction, or nothing. */
export async function writeAllOrNothing(
  writer: ChunkWriter,
  work: ChunkWork,
  context: AttemptContext,
): Promise<HandlerResult> {
  const result = await onceFree(context, (run) => writer.writeAllChunks(work, run));
  switch (result.kind) {
    case "WRITTEN":
      return { counts: result.counts ?? (await writer.countWritten(work.taskId)).counts };
    case "FENCED":
      throw fenced();
    case "CANCELLED":
      return { counts: (await writer.countWritten(work.taskId)).counts, isCancelled: true };
    case "PAUSED":
      throw paused();
    case "REFUSED":
      return {
        message: `Nothing was changed. ${describeFirst(result.errors)}`.trimEnd(),
        counts: await countsOfRefusal(writer, work.taskId, result.errors),
        failure: { errors: result.errors },
      };
  }
}

/** Repeats the writing of all chunks together each time that its hooks had to wait for other tasks. */
async function onceFree<Result extends { readonly kind: string }>(
  context: AttemptContext,
  write: (run: WholeRun) => Promise<Result | HeldWrite>,
): Promise<Exclude<Result, HeldWrite> | { readonly kind: "CANCELLED" }> {
  const run = wholeRunOf(context);
  try {
    for (;;) {
      const result = await write(run);
      if (result.kind !== "HELD") {
        return result as Exclude<Result, HeldWrite>;
      }
      await context.untilFree((result as HeldWrite).refusal);
    }
  } catch (error) {
    return cancelledOrThrown(error);
  }
}

/** How the attempt follows the writing of all chunks together, and stops it. A repeated try reports nothing twice. */
function wholeRunOf({ reportProgress, signal, task }: AttemptContext): WholeRun {
  let reported = NO_COUNTS;
  return {
    signal,
    isOneRecord: task.progress.total === 1,
    onWritten(sum) {
      if (processedOf(sum) <= processedOf(reported)) {
        return;
      }
      const added = (outcome: keyof Counts): number => Math.max(0, sum[outcome] - reported[outcome]);
      reportProgress({ succeeded: added("succeeded"), failed: added("failed"), skipped: added("skipped") });
      reported = sum;
    },
  };
}

/** The error of an attempt that has lost its task. */
export function fenced(): AppError {
  return new AppError("ATTEMPT_FENCED", "Another attempt has taken the task over.");
}

/** Whether the error says that the task is to be cancelled. */
export function isCancellation(error: unknown): boolean {
  return isAppError(error, "CANCELLED");
}

/** Turns the error of a cancelled run into its result: the transaction was rolled back, as after a refusal. */
function cancelledOrThrown(error: unknown): { readonly kind: "CANCELLED" } {
  if (isCancellation(error)) {
    return { kind: "CANCELLED" };
  }
  throw error;
}

/** Counts the failures, and the records that the launch skipped. Everything else was rolled back. */
async function countsOfRefusal(
  writer: ChunkWriter,
  taskId: string,
  errors: readonly NewTaskError[],
): Promise<Counts> {
  const { counts } = await writer.countWritten(taskId);
  return { ...counts, failed: errors.filter(({ recordId }) => recordId !== null).length };
}

/** The first error as a sentence; empty if there is none. */
function describeFirst([first]: readonly NewTaskError[]): string {
  if (first === undefined) {
    return "";
  }
  return first.recordId === null ? first.message : `Record ${first.recordId}: ${first.message}`;
}

const NOTHING_CHANGED = "Dry run: nothing was changed.";

/** A dry run: does everything that the task would do, rolls it back, and reports how it would have ended. */
export async function tryAll(
  writer: ChunkWriter,
  work: ChunkWork,
  context: AttemptContext,
): Promise<HandlerResult> {
  const { errorPolicy } = context.task;
  const result = await onceFree(context, (run) => writer.tryAllChunks(work, errorPolicy, run));
  switch (result.kind) {
    case "TRIED":
      return { message: describeTrial(result), counts: result.counts, errors: result.errors };
    case "REFUSED":
      return {
        message: `${NOTHING_CHANGED} The task would have failed: ${describeFirst(result.errors)}`,
        counts: await countsOfRefusal(writer, work.taskId, result.errors),
        failure: { errors: result.errors },
      };
    case "FENCED":
      throw fenced();
    case "CANCELLED":
      return { counts: (await writer.countWritten(work.taskId)).counts, isCancelled: true };
    case "PAUSED":
      throw paused();
  }
}

function describeTrial({ counts, errors, errorCount }: Extract<TrialResult, { kind: "TRIED" }>): string {
  const omitted =
    errorCount > errors.length ? ` Of ${errorCount} errors the first ${errors.length} are listed.` : "";
  return `${NOTHING_CHANGED} ${describeCounts(counts)}${omitted}`;
}

function describeCounts(counts: Counts): string {
  const { succeeded, failed, skipped } = counts;
  const all = processedOf(counts);
  if (all === 0) {
    return "No records were selected.";
  }
  if (all === 1) {
    const fate = succeeded === 1 ? "been written" : failed === 1 ? "failed" : "been skipped";
    return `The only record would have ${fate}.`;
  }
  return `Of ${all} records ${succeeded} would have been written, ${failed} would have failed, and ${skipped} would have been skipped.`;
}
