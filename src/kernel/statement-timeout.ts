import { isAnywhereIn } from "./unavailable-error.ts";

/** The longest time for a statement, in ms, including the wait for a row that another session holds. */
export const STATEMENT_TIMEOUT_MS = 60_000;

/** PostgreSQL's code for a statement that was cancelled. */
const QUERY_CANCELED = "57014";

/** What happened, for the caller. Messages add what to do. */
export const GIVEN_UP = `A statement was given up after ${STATEMENT_TIMEOUT_MS / 1000} s, most likely because another database session holds one of the records.`;

/** Whether the server cancelled a statement. */
export function isStatementTimeout(error: unknown): boolean {
  return isAnywhereIn(
    error,
    ({ code, originalCode }) => code === QUERY_CANCELED || originalCode === QUERY_CANCELED,
  );
}
