import { isAppError } from "./app-error.ts";

/**
 * An error as the fields of a log line. An unreachable store gives its message only, since the owner of the connection
 * logs the outage; any other error is given in full.
 */
export function errorFields(error: unknown): { readonly reason: string } | { readonly err: unknown } {
  return isAppError(error, "UNAVAILABLE") ? { reason: error.message } : { err: error };
}
