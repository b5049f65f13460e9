import { isAppError } from "../../kernel/app-error.ts";
import type { Logger } from "../../kernel/logger.ts";
import { errorFields } from "../../kernel/logger.ts";
import { GIVEN_UP, isStatementTimeout } from "../../kernel/unavailable-error.ts";
import type { UnavailableRefusal } from "./refusals.ts";

/**
 * The refusal for an error: a store is out of reach, or the database gave up waiting for a row that others hold.
 * @param what for the log: `a launch was refused`
 * @throws every other error, as it is
 */
export function unavailableRefusal(
  logger: Logger,
  error: unknown,
  what: string,
  fields: object = {},
): UnavailableRefusal {
  if (isAppError(error, "UNAVAILABLE")) {
    logger.debug({ ...errorFields(error), ...fields }, `${what}: a store is out of reach`);
    return { kind: "UNAVAILABLE", message: error.message };
  }
  if (isStatementTimeout(error)) {
    logger.warn({ ...errorFields(error), ...fields }, `${what}: the database gave up on a statement`);
    return { kind: "UNAVAILABLE", message: `${GIVEN_UP} Nothing was changed. Try again later.` };
  }
  throw error;
}
