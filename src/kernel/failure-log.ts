import { isAppError } from "./app-error.ts";
import { errorFields } from "./error-fields.ts";
import type { Logger } from "./logger.ts";

/** Logs how something fares that is done again and again. */
export interface FailureLog {
  /** It failed. @param fields shown beside the error */
  failed(error: unknown, fields?: object): void;
  /** It went well. */
  worked(): void;
}

/**
 * That a store is out of reach is logged at its begin, as a warning, and at its end; each failure in between at debug.
 * Every other error is logged in full.
 * @param what it is, as the beginning of a sentence, such as "a sweep"
 */
export function createFailureLog(logger: Logger, what: string): FailureLog {
  let isOut = false;
  return {
    failed(error, fields = {}) {
      const line = { ...errorFields(error), ...fields };
      if (isOut && isAppError(error, "UNAVAILABLE")) {
        logger.debug(line, `${what} failed again`);
        return;
      }
      isOut = isAppError(error, "UNAVAILABLE");
      logger.warn(line, `${what} failed; it is tried again`);
    },
    worked() {
      if (isOut) {
        isOut = false;
        logger.info({}, `${what} went well again`);
      }
    },
  };
}
