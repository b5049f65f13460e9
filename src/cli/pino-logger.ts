import pino from "pino";

import type { Logger } from "../kernel/logger.ts";

/** The least severe messages that are written; `silent` writes none. */
type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** The loggers of a process. */
export interface PinoLoggers {
  readonly logger: Logger;
  /** Writes at every level but `silent`. */
  readonly auditLogger: Logger;
}

/** Members whose values nobody should read in a log, wherever they are. */
const SECRETS = ["password", "secret", "token", "authorization", "cookie", "apiKey", "connectionString"];

/**
 * Writes JSON lines to standard error, synchronously: the last lines before a crash must not be lost. Passwords in addresses,
 * credentials, and values of records in the database's messages are left out.
 * @param stream for tests. Default: standard error
 */
export function createPinoLoggers(
  level: LogLevel,
  stream: pino.DestinationStream = pino.destination({ fd: process.stderr.fd, sync: true }),
): PinoLoggers {
  const logger = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: describeError },
      formatters: { level: (label) => ({ level: label }), log: redactTexts },
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: "[redacted]" },
    },
    stream,
  );
  const auditLevel = level === "silent" ? "silent" : "info";
  return { logger, auditLogger: logger.child({}, { level: auditLevel }) };
}

/** The useful parts of an error. Leaves out the rest, since drivers attach connections with passwords to their errors. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) {
    return error;
  }
  const { name, message, stack, cause } = error;
  const { code } = error as { code?: unknown };
  const hide = isAboutValue(code) ? hideValue(message) : redactText;
  return {
    type: name,
    code,
    message: hide(message),
    ...(stack === undefined ? {} : { stack: hide(stack) }),
    ...(cause === undefined ? {} : { cause: describeError(cause) }),
  };
}

/** PostgreSQL's classes of errors about data: their messages quote the value. */
function isAboutValue(code: unknown): boolean {
  return typeof code === "string" && /^2[23][\dA-Z]{3}$/.test(code);
}

/** Leaves out the value at the end of a message such as `invalid input syntax for type uuid: "x"`, also in the stack. */
function hideValue(message: string): (text: string) => string {
  const hidden = message.replace(/: ".*"$/s, ': "[redacted]"');
  return (text) => redactText(text.replace(message, () => hidden));
}

function redactTexts(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" ? redactText(value) : value,
    ]),
  );
}

/** Passwords in addresses, and what follows the name of a scheme of authentication. */
function redactText(text: string): string {
  return text
    .replaceAll(/(\w+:\/\/[^\s:@/]*):[^\s@/]+@/g, "$1:[redacted]@")
    .replaceAll(/\b(Bearer|Basic) [\w.~+/=-]+/g, "$1 [redacted]")
    .replaceAll(/\bwhsec_[\w+/=]+/g, "whsec_[redacted]");
}
