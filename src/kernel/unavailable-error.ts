import { AppError, isAppError } from "./app-error.ts";
import { NETWORK_CODES } from "./network-codes.ts";

/**
 * SQLSTATEs that say the server, not the statement, is the matter: class 08 (connection), class 57P (shut-down,
 * crash, starting up, session ended from outside), 53300 (no connection left), 25P03 and 25P04 (the server ended
 * a transaction that dawdled).
 */
const SQL_STATE = /^(?:08...|57P0[1-5]|53300|25P0[34])$/;

/** Prisma's codes of a database that does not answer or lets nobody in, and what its driver adapters call the same. */
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

/** pg gives these errors no code; Prisma may put a few lines before them. */
const DRIVER_MESSAGE =
  /(?:^|\n)(?:Connection terminated|timeout (?:expired|exceeded)|Query read timeout|Client (?:was closed|has encountered a connection error)|Cannot use a pool after calling end)/;

/** How deep causes are followed; drivers wrap once or twice. */
const MAX_DEPTH = 4;

/** Whether the error says that PostgreSQL could not be reached, or that the connection broke. */
export function isConnectionError(error: unknown): boolean {
  return isAnywhereIn(error, saysSoItself);
}

/** Whether it is true of the error or of one that it was caused by. */
export function isAnywhereIn(error: unknown, isTrue: (error: ErrorParts) => boolean, depth = 0): boolean {
  if (typeof error !== "object" || error === null || depth > MAX_DEPTH) {
    return false;
  }
  return isTrue(error) || errorsWithin(error).some((inner) => isAnywhereIn(inner, isTrue, depth + 1));
}

/** What is read of an error; all of it optional. */
interface ErrorParts {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  /** Of an AggregateError: what Node throws when a name has several addresses. */
  readonly errors?: unknown;
  /** Of what a driver adapter of Prisma gives as its cause. */
  readonly kind?: unknown;
  /** Of the same: what PostgreSQL said. */
  readonly originalCode?: unknown;
  /** Of Prisma's own errors; holds the driver adapter's. */
  readonly meta?: { readonly driverAdapterError?: unknown };
}

function saysSoItself({ code, kind, originalCode, message }: ErrorParts): boolean {
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

/** AppError UNAVAILABLE, with the error as its cause, if the connection is the matter; otherwise the error itself. */
export function toUnavailableError(error: unknown): unknown {
  if (isAppError(error) || !isConnectionError(error)) {
    return error;
  }
  return new AppError("UNAVAILABLE", "The database cannot be reached.", { cause: error });
}
