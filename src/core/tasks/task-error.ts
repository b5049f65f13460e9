import { toStorableText } from "../../kernel/json.ts";
import type { ErrorCode } from "../../kernel/error-codes.ts";

/** Whether a record was tried and failed, or was left out. */
export type TaskErrorOutcome = "FAILED" | "SKIPPED";

/** What a task could not do to one record, and why. */
export interface NewTaskError {
  /** Null where the problem is not about one record. */
  readonly recordId: string | null;
  /** The record's model. Left out: the task's. */
  readonly model?: string;
  readonly outcome: TaskErrorOutcome;
  readonly code: ErrorCode;
  readonly message: string;
  /** The field at fault, if there is one. */
  readonly field?: string;
  /** Index of the record in the caller's list, from 0; for operations on lists of records. */
  readonly index?: number;
}

/** The error with texts that every store can keep. Apps and handlers may give any text. */
export function storableError(error: NewTaskError): NewTaskError {
  const { recordId, message, field } = error;
  return {
    ...error,
    recordId: recordId === null ? null : toStorableText(recordId),
    message: toStorableText(message),
    ...(field === undefined ? {} : { field: toStorableText(field) }),
  };
}

/** A recorded error. */
export interface TaskError extends NewTaskError {
  /** Grows in the order in which a task's errors were recorded, with gaps. */
  readonly position: number;
}
