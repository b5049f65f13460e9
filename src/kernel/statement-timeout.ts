import { isAnywhereIn } from "./unavailable-error.ts";

/** How long the server lets a statement take, in ms; also while it waits for a row that another session holds. */
export const STATEMENT_TIMEOUT_MS = 60_000;

/** PostgreSQL's word for a statement that was ended before it was done. */
const QUERY_CANCELED = "57014";

/** What happened, for the person who asked; what to do follows it. */
export const GIVEN_UP = `A statement was given up after ${STATEMENT_TIMEOUT_MS / 1000} s, most likely because another database session holds one of the records.`;

/** Whether the server gave up on a statement. */
export function isStatementTimeout(error: unknown): boolean {
  return isAnywhereIn(
    error,
    ({ code, originalCode }) => code === QUERY_CANCELED || originalCode === QUERY_CANCELED,
  );
}
