import { AppError, isAppError } from "../../kernel/app-error.ts";

/** Node's codes of a network that does not carry. */
const NETWORK_CODES: ReadonlySet<string> = new Set([
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

/** ioredis gives these errors no code. */
const CLIENT_MESSAGE =
  /^(?:Connection is closed|Stream isn't writeable|Command timed out|Socket timeout|Command aborted due to connection close|Reached the max retries per request limit)/;

/**
 * What a server answers that cannot serve at the moment: it is loading, a replica, has lost its master or its cluster,
 * or has no memory left. Scripts of Redis 6 have it in the middle of the message, after a dash.
 */
const SERVER_ANSWER = /(?:^|: -)(?:LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|OOM)\b/;

/** What is read of an error; all of it optional. */
interface ErrorParts {
  readonly code?: unknown;
  readonly message?: unknown;
  /** Of an AggregateError: what Node throws when a name has several addresses. */
  readonly errors?: unknown;
}

/** AppError UNAVAILABLE, with the error as its cause, where the connection or the server is the matter; else the error itself. */
export function toRedisUnavailable(error: unknown): unknown {
  if (isAppError(error) || !isUnavailable(error)) {
    return error;
  }
  return new AppError("UNAVAILABLE", "Redis cannot be reached.", { cause: error });
}

function isUnavailable(error: unknown): boolean {
  if (typeof error !== "object" || error === null) {
    return false;
  }
  const { code, message, errors }: ErrorParts = error;
  return (
    (typeof code === "string" && NETWORK_CODES.has(code)) ||
    (typeof message === "string" && (CLIENT_MESSAGE.test(message) || SERVER_ANSWER.test(message))) ||
    (Array.isArray(errors) && errors.some((inner) => isUnavailable(inner)))
  );
}
