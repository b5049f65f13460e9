import type { Clock } from "./clock.ts";
import type { FailureLog } from "./logger.ts";

/** Work in passes that never overlap: after any number of requests during a pass, one more follows. */
export interface Passes {
  /** Asks for a pass: now, or once more after the one under way. */
  ask(): void;
  /** Whether one more pass follows, or would if it could. */
  readonly isAsked: boolean;
  readonly isUnderWay: boolean;
  /** No pass begins any more. Resolves once the one under way has ended. */
  end(): Promise<void>;
}

/** The options of {@link createPasses}. */
export interface PassesOptions {
  readonly pass: () => Promise<void>;
  /** Told how the passes end. */
  readonly failures: FailureLog;
  readonly clock: Pick<Clock, "after">;
  /** After a pass that failed the next one begins when it is asked for, or else after this time, in ms. */
  readonly retryMs: number;
}

export function createPasses({ pass, failures, clock, retryMs }: PassesOptions): Passes {
  let isAsked = false;
  let isOver = false;
  let cancelRetry = (): void => undefined;
  let running: Promise<void> | undefined;
  const isDue = (): boolean => isAsked && !isOver;
  const run = async (): Promise<void> => {
    try {
      while (isDue()) {
        isAsked = false;
        await pass();
        failures.worked();
      }
    } catch (error) {
      failures.failed(error);
      cancelRetry = isOver ? cancelRetry : clock.after(retryMs, ask);
    } finally {
      running = undefined;
    }
  };
  const ask = (): void => {
    isAsked = true;
    if (!isOver && running === undefined) {
      cancelRetry();
      running = run();
    }
  };
  return {
    ask,
    get isAsked() {
      return isAsked;
    },
    get isUnderWay() {
      return running !== undefined;
    },
    async end() {
      isOver = true;
      cancelRetry();
      await running;
    },
  };
}
