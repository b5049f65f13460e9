import { AppError, isAppError } from "./app-error.ts";

/**
 * SQLSTATEs of a server that cannot serve any statement: class 08 (connection), class 57P (shut-down, crash, starting
 * up, session ended from outside), class 53 (its disk or its memory is full, no connection left), 58030 (its disk fails), 25P03
 * and 25P04 (the server ended an idle transaction).
 */
const SQL_STATE = /^(?:08...|57P0[1-5]|53...|58030|25P0[34])$/;

/** Prisma's codes for a database that does not answer or refuses the login, and those of its driver adapters. */
const PRISMA_CODES: ReadonlySet<string> = new Set([
  "P1000",
  "P1001",
  "P1002",
  "P1003",
  "P1008",
  "P1010",
  "P1011",
  "P1017",
  "P2024",
  "P2028",
  "P2037",
  "AuthenticationFailed",
  "ConnectionClosed",
  "DatabaseAccessDenied",
  "DatabaseDoesNotExist",
  "DatabaseNotReachable",
  "SocketTimeout",
  "TlsConnectionError",
  "TooManyConnections",
]);

/** Messages of pg's errors without a code; Prisma may put a few lines before them. */
const DRIVER_MESSAGE =
  /(?:^|\n)(?:Connection terminated|timeout (?:expired|exceeded)|Query read timeout|Client (?:was closed|has encountered a connection error)|Cannot use a pool after calling end)/;

/** How many levels of causes are followed; drivers wrap once or twice. */
const MAX_DEPTH = 4;

/** Whether the error says that PostgreSQL could not be reached, or that the connection broke. */
export function isConnectionError(error: unknown): boolean {
  return isAnywhereIn(error, isItselfConnectionError);
}

/** Whether the predicate is true of the error or of one of its causes. */
function isAnywhereIn(error: unknown, isTrue: (error: ErrorParts) => boolean, depth = 0): boolean {
  if (typeof error !== "object" || error === null || depth > MAX_DEPTH) {
    return false;
  }
  return isTrue(error) || errorsWithin(error).some((inner) => isAnywhereIn(inner, isTrue, depth + 1));
}

/** The parts of an error that are read; all optional. */
interface ErrorParts {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  /** The errors of an AggregateError, which Node throws if a host name has several addresses. */
  readonly errors?: unknown;
  /** The kind of error in the cause that a Prisma driver adapter gives. */
  readonly kind?: unknown;
  /** PostgreSQL's code in that cause. */
  readonly originalCode?: unknown;
  /** Prisma's own errors hold the driver adapter's here. */
  readonly meta?: { readonly driverAdapterError?: unknown };
}

function isItselfConnectionError({ code, kind, originalCode, message }: ErrorParts): boolean {
  return (
    [code, kind, originalCode].some(
      (one) =>
        typeof one === "string" && (SQL_STATE.test(one) || NETWORK_CODES.has(one) || PRISMA_CODES.has(one)),
    ) ||
    (typeof message === "string" && DRIVER_MESSAGE.test(message))
  );
}

function errorsWithin({ cause, errors, meta }: ErrorParts): readonly unknown[] {
  return [cause, meta?.driverAdapterError, ...(Array.isArray(errors) ? (errors as unknown[]) : [])];
}

/** AppError UNAVAILABLE, with the error as its cause, if the connection failed; otherwise the error itself. */
export function toUnavailableError(error: unknown): unknown {
  if (isAppError(error) || !isConnectionError(error)) {
    return error;
  }
  return new AppError("UNAVAILABLE", "The database cannot be reached.", { cause: error });
}

/** Node's codes for network failures. */
export const NETWORK_CODES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
]);

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
