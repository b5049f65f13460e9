import type { Logger } from "../../kernel/logger.ts";

/** Logs BullMQ's connection errors: once per outage, not once per try to reconnect. */
export interface OutageLog {
  report(error: Error & { readonly code?: string }): void;
  /** A call worked: the next error is a new outage. */
  reset(): void;
}

/** Logs only the message: errors from Redis carry the failed command, which may hold the password. */
export function createOutageLog(logger: Logger, message: string): OutageLog {
  let last: string | undefined;
  return {
    report(error) {
      // For a host name with several addresses the message is empty.
      const reason = error.message === "" ? (error.code ?? error.name) : error.message;
      if (reason !== last) {
        last = reason;
        logger.warn({ reason }, message);
      }
    },
    reset: () => void (last = undefined),
  };
}
