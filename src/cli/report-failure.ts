import { inspect } from "node:util";

import { isAppError } from "../kernel/app-error.ts";

/**
 * What to tell the operator about an error: its message, line by line, without what only a developer reads.
 * @param isDebug adds the stack and the causes
 */
export function reportFailure(error: unknown, isDebug: boolean): string {
  const message = error instanceof Error ? error.message : String(error);
  const lines = (isAppError(error) ? message : `unexpected: ${message}`).split("\n").filter(Boolean);
  const report = lines.map((line) => `powercrud: ${line}\n`).join("");
  return isDebug ? `${report}${inspect(error, { depth: 4 })}\n` : report;
}
