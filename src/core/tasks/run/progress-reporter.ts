import type { Clock } from "../../../kernel/clock.ts";
import { toStorableText } from "../../../kernel/json.ts";
import type { Counts, Progress } from "../progress.ts";
import {
  addCounts,
  countsOf,
  describeMiscount,
  describeMiscounts,
  NO_COUNTS,
  processedOf,
  progressOf,
} from "../progress.ts";

/** Adds up an attempt's counts, and sends them on, throttled. */
export interface ProgressReporter {
  /**
   * Adds counts.
   * @throws TypeError for anything but whole numbers from 0 on, with nothing added: counts never fall, and every
   * heartbeat would fail on counts that a store cannot keep
   */
  report(added: Partial<Counts>, message?: string): void;
  /** @throws TypeError for anything but a whole number from 0 on */
  setTotal(total: number): void;
  /** The progress as of now. */
  current(): Progress;
  /** Sends nothing more: the settlement has the final counts. */
  stop(): void;
}

/** Where progress goes: to subscribers, or to the store. */
export interface ProgressOutlet {
  /** The least time between two sends. */
  readonly intervalMs: number;
  /** True: the first send waits for an interval, too. Default: the first progress is sent at once. */
  readonly isPatient?: boolean;
  /** Nothing more is sent while a promise is pending. One of false asks to send again. Must not throw or reject. */
  send(progress: Progress): void | Promise<boolean>;
}

/** @param options.start what earlier attempts committed */
export function createProgressReporter(options: {
  readonly clock: Clock;
  readonly total: number | null;
  readonly start: Counts;
  readonly outlets: readonly ProgressOutlet[];
}): ProgressReporter {
  const { clock, start } = options;
  const startedAt = clock.now().getTime();
  let { total } = options;
  // What it starts from may be a whole progress, whose total is not the one that is set here.
  let counts: Counts = countsOf(start);
  let message: string | null = null;

  const current = (): Progress =>
    progressOf(total, counts, {
      elapsedMs: clock.now().getTime() - startedAt,
      attempted: processedOf(counts) - processedOf(start),
      message,
    });
  const throttles = options.outlets.map((outlet) =>
    createThrottle(clock, outlet, () => outlet.send(current())),
  );
  const moved = (): void => throttles.forEach((throttle) => throttle.ask());
  return {
    report(added, text) {
      const whole = { ...NO_COUNTS, ...added };
      const sum = addCounts(counts, whole);
      refuse(describeMiscounts(whole) ?? describeMiscounts(sum));
      counts = sum;
      message = text == null ? message : toStorableText(text);
      moved();
    },
    setTotal(value) {
      refuse(describeMiscount("total", value));
      total = value;
      moved();
    },
    current,
    stop: () => throttles.forEach((throttle) => throttle.stop()),
  };
}

function refuse(problem: string | undefined): void {
  if (problem !== undefined) {
    throw new TypeError(problem);
  }
}

/** Runs an action at most once per interval, however often it is asked for. The last request is never lost. */
interface Throttle {
  /** Runs the action now, or once the interval since the last run is over and that run has ended. */
  ask(): void;
  /** No more runs. */
  stop(): void;
}

function createThrottle(
  clock: Clock,
  { intervalMs, isPatient = false }: Pick<ProgressOutlet, "intervalMs" | "isPatient">,
  action: () => void | Promise<boolean>,
): Throttle {
  let lastRun = isPatient ? clock.now().getTime() : Number.NEGATIVE_INFINITY;
  let cancelTimer: (() => void) | undefined;
  let isRunning = false;
  let isAsked = false;
  let isStopped = false;

  const ended = (isDone: boolean): void => {
    isRunning = false;
    if (isAsked || !isDone) {
      ask();
    }
  };
  const run = (): void => {
    cancelTimer = undefined;
    isAsked = false;
    lastRun = clock.now().getTime();
    const running = action();
    if (running !== undefined) {
      isRunning = true;
      void running.then(ended);
    }
  };
  const ask = (): void => {
    isAsked = true;
    if (isStopped || isRunning || cancelTimer !== undefined) {
      return;
    }
    // At most an interval, also where the clock was set back.
    const waitMs = Math.min(intervalMs, lastRun + intervalMs - clock.now().getTime());
    if (waitMs <= 0) {
      run();
    } else {
      cancelTimer = clock.after(waitMs, run);
    }
  };
  return {
    ask,
    stop() {
      isStopped = true;
      cancelTimer?.();
    },
  };
}
