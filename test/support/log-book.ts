import type { Logger } from "../../src/kernel/logger.ts";

/** A logger that keeps its lines. */
export interface LogBook extends Logger {
  readonly lines: { readonly level: string; readonly fields: object; readonly message: string }[];
}

export function createLogBook(): LogBook {
  const lines: LogBook["lines"] = [];
  const write =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push({ level, fields, message });
  return { lines, debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}
