import { counted } from "../../../kernel/counted.ts";
import type { Counts, Progress } from "../progress.ts";
import { countsOf, processedOf } from "../progress.ts";
import type { FinalStatus } from "../task-status.ts";
import type { Settlement } from "../task-attempts.ts";

/** How a task ends. The settlement adds when. */
export type Ending = Omit<Settlement, "finishedAt" | "total" | "byAttempt" | "hooks">;

/**
 * How a task ends: known now, or computed in the settling transaction from what the DONE chunks add up to (null for a
 * task without chunks).
 */
export type SettleBy = Ending | ((done: Counts | null) => Ending);

/** The final status that the counts call for. A task whose tried records all failed is FAILED. */
export function statusOfCounts(counts: Counts): FinalStatus {
  if (counts.failed === 0) {
    return "SUCCEEDED";
  }
  return counts.succeeded > 0 ? "PARTIAL" : "FAILED";
}

/** The end of a task that failed as a whole. @param done sums of its DONE chunks; null for a task without chunks */
export function failedEnd(message: string, progress: Progress, done: Counts | null = null): Ending {
  return { status: "FAILED", message, result: null, counts: done ?? countsOf(progress) };
}

/** The end of a task that stopped when it was cancelled. @param total null where unknown */
export function cancelledEnd(total: number | null, counts: Counts): Ending {
  return { status: "CANCELLED", message: describeCancelled(total, counts), result: null, counts };
}

/**
 * The end of a cancelled task whose handler did not say how far it came.
 * @param done sums of its DONE chunks; null for a task without chunks
 */
export function stoppedEnd(progress: Progress, done: Counts | null): Ending {
  const { total } = progress;
  if (done === null || total === null || processedOf(done) < total) {
    return cancelledEnd(total, done ?? countsOf(progress));
  }
  // The request came when all records were done.
  return { status: statusOfCounts(done), message: describeEnd(total, done), result: null, counts: done };
}

/** How a task ended, in words; null where every record went well, or where no record was counted. */
function describeEnd(total: number | null, counts: Counts): string | null {
  return describeNothing(total, counts) ?? describeOutcome(counts);
}

/**
 * The counts in words; null where every record went well, or where no record was counted.
 * @param done the verb for the records that went well: `changed`
 */
export function describeOutcome(counts: Counts, done = "dealt with"): string | null {
  const { succeeded, failed, skipped } = counts;
  const all = processedOf(counts);
  if (failed === 0) {
    return skipped === 0 || succeeded === 0
      ? null
      : `${share(skipped, all)} ${was(skipped)} skipped; ${others(succeeded, done)}.`;
  }
  if (failed === all) {
    return all === 1 ? "The only record failed." : `All ${all} records failed.`;
  }
  if (succeeded === 0) {
    return `${share(failed, all)} failed; ${others(skipped, "skipped")}.`;
  }
  const left = skipped === 0 ? "" : `, and ${skipped} ${was(skipped)} skipped`;
  return `${share(failed, all)} failed${left}; ${others(succeeded, done)}.`;
}

/** Why a task that went well changed no record; null where it changed a record, or where no record was counted. */
export function describeNothing(total: number | null, { succeeded, failed, skipped }: Counts): string | null {
  if (total === null || succeeded > 0 || failed > 0 || skipped < total) {
    return null;
  }
  if (total === 0) {
    return "Nothing was changed: no records were selected.";
  }
  return `Nothing was changed: ${total === 1 ? "the only record was" : `all ${total} records were`} skipped.`;
}

function describeCancelled(total: number | null, counts: Counts): string {
  const processed = processedOf(counts);
  if (total === null) {
    return processed === 0 ? "Cancelled." : `Cancelled after ${counted(processed, "record")}.`;
  }
  const left = total - processed;
  const asItWas = left === 1 ? "was left as it was" : "were left as they were";
  return `Cancelled: ${processed} of ${counted(total, "record")} ${was(processed)} dealt with, ${left} ${asItWas}.`;
}

function share(count: number, all: number): string {
  return `${count} of ${counted(all, "record")}`;
}

function others(count: number, done: string): string {
  return count === 1 ? `the other was ${done}` : `the others were ${done}`;
}

/** The form of "was" that goes with the count. */
function was(count: number): string {
  return count === 1 ? "was" : "were";
}
