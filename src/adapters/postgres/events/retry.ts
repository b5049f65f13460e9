import { isAppError } from "../../../kernel/app-error.ts";
import type { Clock } from "../../../kernel/clock.ts";
import type { Logger } from "../../../kernel/logger.ts";
import { errorFields } from "../../../kernel/logger.ts";
import { toUnavailableError } from "../../../kernel/unavailable-error.ts";

/** Repeats an attempt with growing pauses. */
export interface Retry {
  /** Tries after a pause, and repeats until it succeeds. Does nothing while a try is scheduled. */
  start(): void;
  /** After a success: the next start begins with short pauses again. */
  reset(): void;
  /** Cancels all tries, for good. */
  stop(): void;
}

const FIRST_WAIT_MS = 50;
const MAX_WAIT_MS = 5_000;

/** Waits 50 ms before the first try, then twice as long before each next one, at most 5 s. */
export function createRetry(options: {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly what: string;
  readonly attempt: () => Promise<unknown>;
}): Retry {
  let waitMs = FIRST_WAIT_MS;
  let cancel: (() => void) | undefined;
  let isStopped = false;
  const start = (): void => {
    if (isStopped || cancel !== undefined) {
      return;
    }
    cancel = options.clock.after(waitMs, () => {
      cancel = undefined;
      options.attempt().catch((error: unknown) => {
        const failure = toUnavailableError(error);
        // The lost connection itself was logged before.
        const level = isAppError(failure, "UNAVAILABLE") ? "debug" : "warn";
        options.logger[level]({ ...errorFields(failure), waitMs }, `${options.what} is still down`);
        start();
      });
    });
    waitMs = Math.min(MAX_WAIT_MS, waitMs * 2);
  };
  return {
    start,
    reset: () => void (waitMs = FIRST_WAIT_MS),
    stop() {
      isStopped = true;
      cancel?.();
    },
  };
}
