import { isAppError } from "../../kernel/app-error.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import { invalid } from "../refusals/problems.ts";
import type { ImportRefusal } from "./import-ports.ts";

/** Why a file was not read, for the caller; undefined for a fault of the service. @param bytes that have come */
export function refusalOf(error: unknown, bytes: number): ImportRefusal | undefined {
  const { code } = error as { readonly code?: unknown };
  if (code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE") {
    const message = `The upload broke off after ${bytes} bytes. Nothing was changed.`;
    return { kind: "UNAVAILABLE", message };
  }
  if (!isAppError(error) || error.code === "INTERNAL") {
    return undefined;
  }
  const message = `${error.message} Nothing was changed.`;
  const { line, problems, limit } = error.details as {
    readonly line?: number;
    readonly problems?: readonly RecordProblem[];
    readonly limit?: number;
  };
  switch (error.code) {
    case "FORBIDDEN":
      return { kind: "FORBIDDEN", message };
    case "UNAVAILABLE":
      return { kind: "UNAVAILABLE", message };
    case "LIMIT_EXCEEDED":
      return { kind: "LIMIT", message, limit: limit ?? 0, matched: null, line };
    default:
      return { ...invalid(problems ?? [{ code: "VALIDATION_FAILED", message }], message), line };
  }
}
