import type { Counts, Progress } from "./progress.ts";
import { processedOf, progressOf } from "./progress.ts";

/**
 * The progress of a running task, from the two that know: its DONE chunks, which are certain, and what its attempt
 * last reported, which also tells of what is not committed yet. The greater counts; pace and message are the
 * report's.
 *
 * @param total as the task was created
 * @param done the sum over the DONE chunks
 * @param reported by the current attempt
 */
export function runningProgress(total: number | null, done: Counts, reported: Progress | null): Progress {
  if (reported === null) {
    return progressOf(total, done);
  }
  const { succeeded, failed, skipped } = reported.processed >= processedOf(done) ? reported : done;
  return {
    ...progressOf(reported.total ?? total, { succeeded, failed, skipped }, { message: reported.message }),
    recordsPerSecond: reported.recordsPerSecond,
    etaMs: reported.etaMs,
  };
}
