/** Number of processed records, by outcome. */
export interface Counts {
  readonly succeeded: number;
  readonly failed: number;
  /** Missing, out of scope, or held by another task. */
  readonly skipped: number;
}

/** How far a task has come. */
export interface Progress extends Counts {
  /** Null where the handler does not know. */
  readonly total: number | null;
  /** succeeded + failed + skipped */
  readonly processed: number;
  /** 0 to 100 with two decimals, 100 only when all are processed; null without a total. */
  readonly percent: number | null;
  /** A whole number. */
  readonly recordsPerSecond: number | null;
  readonly etaMs: number | null;
  readonly message: string | null;
}

export const NO_COUNTS: Counts = Object.freeze({ succeeded: 0, failed: 0, skipped: 0 });

/** The counts alone. */
export function countsOf({ succeeded, failed, skipped }: Counts): Counts {
  return { succeeded, failed, skipped };
}

/** Sum of two counts. */
export function addCounts(a: Counts, b: Counts): Counts {
  return {
    succeeded: a.succeeded + b.succeeded,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** Number of processed records. */
export function processedOf(counts: Counts): number {
  return counts.succeeded + counts.failed + counts.skipped;
}

/** Percentage of the total, cut off after two decimals, so that only a finished task has 100. */
export function percentOf(total: number | null, processed: number): number | null {
  if (total === null) {
    return null;
  }
  return total === 0 ? 100 : Math.min(100, Math.floor((processed * 10_000) / total) / 100);
}

/** The pace of an attempt; all optional. */
interface Pace {
  /** How long the attempt has run, in ms. */
  readonly elapsedMs?: number;
  /** Records processed by this attempt alone; less than all processed ones after a rescue. */
  readonly attempted?: number;
  readonly message?: string | null;
}

/** Progress from counts: derives percent, rate and the time left. */
export function progressOf(total: number | null, counts: Counts, pace: Pace = {}): Progress {
  const processed = processedOf(counts);
  const rate = pace.elapsedMs && pace.attempted ? (pace.attempted * 1000) / pace.elapsedMs : null;
  return {
    total,
    processed,
    ...counts,
    percent: percentOf(total, processed),
    recordsPerSecond: rate === null ? null : Math.round(rate),
    etaMs:
      rate === null || total === null ? null : Math.max(0, Math.round(((total - processed) * 1000) / rate)),
    message: pace.message ?? null,
  };
}

/**
 * The progress of a running task, from its DONE chunks, which are certain, and its attempt's last report, which includes
 * uncommitted work. The greater one counts; pace and message are the report's.
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

/** The greatest value of a count's column, and of an Int of GraphQL. */
const MAX_COUNT = 2_147_483_647;

/** Why the value is no count, in words; undefined if it is one. @param name what is counted */
export function describeMiscount(name: string, count: unknown): string | undefined {
  return Number.isInteger(count) && (count as number) >= 0 && (count as number) <= MAX_COUNT
    ? undefined
    : `${name} must be a whole number from 0 to ${MAX_COUNT}, not ${String(count)}.`;
}

/** What is wrong with counts from the app's code, or with their sum; undefined if nothing is. */
export function describeMiscounts({ succeeded, failed, skipped }: Counts): string | undefined {
  return (
    describeMiscount("succeeded", succeeded) ??
    describeMiscount("failed", failed) ??
    describeMiscount("skipped", skipped) ??
    describeMiscount("the sum of the counts", succeeded + failed + skipped)
  );
}
