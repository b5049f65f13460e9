import { isAppError } from "./app-error.ts";

/**
 * An error as the fields of a log line: a store that is out of reach by its message alone, since whoever holds the
 * connection tells of the outage; any other error in full.
 */
export function errorFields(error: unknown): { readonly reason: string } | { readonly err: unknown } {
  return isAppError(error, "UNAVAILABLE") ? { reason: error.message } : { err: error };
}
