import pino from "pino";

import type { Logger } from "../kernel/logger.ts";

/** The least severe messages that are written; `silent` writes none. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Writes JSON lines to standard error, at once: what is logged before a crash must not be lost with it. */
export function createPinoLogger(level: LogLevel): Logger {
  return pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: process.stderr.fd, sync: true }),
  );
}
