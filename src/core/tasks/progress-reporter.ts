import type { Clock } from "../../kernel/clock.ts";
import { toStorableText } from "../../kernel/storable-text.ts";
import { describeMiscount, describeMiscounts } from "./check-counts.ts";
import type { Counts, Progress } from "./progress.ts";
import { addCounts, NO_COUNTS, processedOf, progressOf } from "./progress.ts";

/** Adds up an attempt's counts and says when to publish them. */
export interface ProgressReporter {
  /**
   * Adds counts; publishes now, or once the interval is over.
   * @throws TypeError for anything but whole numbers from 0 on, with nothing added: counts never fall, and what a store
   * cannot keep would spoil every heartbeat from then on
   */
  report(added: Partial<Counts>, message?: string): void;
  /** @throws TypeError for anything but a whole number from 0 on */
  setTotal(total: number): void;
  /** As of now. */
  current(): Progress;
  /** Ends the publishing; what was not published is in the settlement. */
  stop(): void;
}

/**
 * @param options.start what earlier attempts committed
 * @param options.intervalMs the least time between two publications
 */
export function createProgressReporter(options: {
  readonly clock: Clock;
  readonly total: number | null;
  readonly start: Counts;
  readonly intervalMs: number;
  readonly publish: (progress: Progress) => void;
}): ProgressReporter {
  const startedAt = options.clock.now().getTime();
  const startProcessed = processedOf(options.start);
  let { total } = options;
  let counts: Counts = options.start;
  let message: string | null = null;
  let lastPublished = Number.NEGATIVE_INFINITY;
  let cancelTimer: (() => void) | undefined;
  let isStopped = false;

  const current = (): Progress =>
    progressOf(total, counts, {
      elapsedMs: options.clock.now().getTime() - startedAt,
      attempted: processedOf(counts) - startProcessed,
      message,
    });
  const publish = (): void => {
    cancelTimer = undefined;
    if (!isStopped) {
      lastPublished = options.clock.now().getTime();
      options.publish(current());
    }
  };
  const schedule = (): void => {
    const waitMs = lastPublished + options.intervalMs - options.clock.now().getTime();
    if (waitMs <= 0) {
      cancelTimer?.();
      publish();
    } else {
      cancelTimer ??= options.clock.after(waitMs, publish);
    }
  };
  return {
    report(added, text) {
      const whole = { ...NO_COUNTS, ...added };
      const sum = addCounts(counts, whole);
      refuse(describeMiscounts(whole) ?? describeMiscounts(sum));
      counts = sum;
      message = text == null ? message : toStorableText(text);
      schedule();
    },
    setTotal(value) {
      refuse(describeMiscount("total", value));
      total = value;
      schedule();
    },
    current,
    stop() {
      isStopped = true;
      cancelTimer?.();
    },
  };
}

function refuse(problem: string | undefined): void {
  if (problem !== undefined) {
    throw new TypeError(problem);
  }
}
