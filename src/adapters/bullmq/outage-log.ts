import type { Logger } from "../../kernel/logger.ts";

/** Logs what BullMQ reports of its connections: once for each outage, not once for each try to reconnect. */
export interface OutageLog {
  report(error: Error & { readonly code?: string }): void;
  /** Something worked: the next error is a new one. */
  reset(): void;
}

/** Only the message is logged: Redis' errors carry the command that failed, which may be the one with the password. */
export function createOutageLog(logger: Logger, message: string): OutageLog {
  let last: string | undefined;
  return {
    report(error) {
      // A name with several addresses fails with one error for each, under an empty message.
      const reason = error.message === "" ? (error.code ?? error.name) : error.message;
      if (reason !== last) {
        last = reason;
        logger.warn({ reason }, message);
      }
    },
    reset: () => void (last = undefined),
  };
}
