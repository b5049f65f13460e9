import { isAppError } from "./app-error.ts";

/** Structured logging: the subset of pino that the project uses. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Logs nothing; for tests, and for embedding services with a log of their own. */
export function createSilentLogger(): Logger {
  const ignore = (): void => undefined;
  return { debug: ignore, info: ignore, warn: ignore, error: ignore };
}

/** The logger with these fields on each line. */
export function loggerWith(logger: Logger, fields: object): Logger {
  return {
    debug: (more, message) => logger.debug({ ...fields, ...more }, message),
    info: (more, message) => logger.info({ ...fields, ...more }, message),
    warn: (more, message) => logger.warn({ ...fields, ...more }, message),
    error: (more, message) => logger.error({ ...fields, ...more }, message),
  };
}

/**
 * An error as the fields of a log line. An unreachable store gives its message only, since the owner of the connection
 * logs the outage; any other error is given in full.
 */
export function errorFields(error: unknown): { readonly reason: string } | { readonly err: unknown } {
  return isAppError(error, "UNAVAILABLE") ? { reason: error.message } : { err: error };
}

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
