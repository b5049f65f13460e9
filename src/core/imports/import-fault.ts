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
  if (error.code === "FORBIDDEN" || error.code === "UNAVAILABLE") {
    return { kind: error.code, message };
  }
  return error.code === "LIMIT_EXCEEDED"
    ? { kind: "LIMIT", message, limit: limit ?? 0, matched: null, line }
    : { ...invalid(problems ?? [{ code: "VALIDATION_FAILED", message }], message), line };
}
