import { isAppError } from "./app-error.ts";
import { errorFields } from "./error-fields.ts";
import type { Logger } from "./logger.ts";

/** Logs the failures of work that is repeated. */
export interface FailureLog {
  /** The work failed. @param fields logged beside the error */
  failed(error: unknown, fields?: object): void;
  /** The work succeeded. */
  worked(): void;
}

/**
 * An outage of a store is logged when it begins, as a warning, and when it ends; failures in between are logged at debug.
 * Every other error is logged in full.
 * @param what the work, as the beginning of a sentence, such as "a sweep"
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
