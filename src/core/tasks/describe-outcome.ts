import { counted } from "../../kernel/counted.ts";
import type { Counts } from "./progress.ts";
import { processedOf } from "./progress.ts";

/**
 * What became of a settled task's records, in words; null where each of them went well, or nothing is known of any.
 * @param done what became of those that went well: `changed`
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

function share(count: number, all: number): string {
  return `${count} of ${counted(all, "record")}`;
}

function others(count: number, done: string): string {
  return count === 1 ? `the other was ${done}` : `the others were ${done}`;
}

/** The verb that goes with so many. */
export function was(count: number): string {
  return count === 1 ? "was" : "were";
}
