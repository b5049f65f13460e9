import { isAppError } from "../../../kernel/app-error.ts";
import type { Clock } from "../../../kernel/clock.ts";
import type { Logger } from "../../../kernel/logger.ts";
import { errorFields } from "../../../kernel/logger.ts";
import { toUnavailableError } from "../../../kernel/unavailable-error.ts";

/** Tries again with growing pauses. */
export interface Retry {
  /** Tries after a pause, and again until it works. Does nothing while a try is due. */
  start(): void;
  /** It works: the next start begins with short pauses again. */
  reset(): void;
  /** No more tries. */
  stop(): void;
}

const FIRST_WAIT_MS = 50;
const MAX_WAIT_MS = 5_000;

/** Waits 50 ms before the first try, twice as long before each next one, 5 s at most. */
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
        // The loss was logged already.
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
