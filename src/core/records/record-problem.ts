import type { ErrorCode } from "../../kernel/error-codes.ts";

/** Why a record could not be written, in words for the person who asked. */
export interface RecordProblem {
  readonly code: ErrorCode;
  readonly message: string;
  /** The field at fault, where one is. */
  readonly field?: string;
}
