import { toStorableText } from "../../kernel/storable-text.ts";
import type { RecordProblem } from "../refusals/problems.ts";

/** Whether a record was tried and failed, or was left out. */
export type TaskErrorOutcome = "FAILED" | "SKIPPED";

/** What a task could not do to one record, and why. */
export interface NewTaskError extends RecordProblem {
  /** Null where the problem is not one record's. */
  readonly recordId: string | null;
  readonly outcome: TaskErrorOutcome;
  /** Its place in the list that the caller gave, from 0; for operations on lists of records. */
  readonly index?: number;
}

/** The error with texts that every store can keep: apps and handlers say what they like. */
export function storableError(error: NewTaskError): NewTaskError {
  const { recordId, message, field } = error;
  return {
    ...error,
    recordId: recordId === null ? null : toStorableText(recordId),
    message: toStorableText(message),
    ...(field === undefined ? {} : { field: toStorableText(field) }),
  };
}

/** As recorded. */
export interface TaskError extends NewTaskError {
  /** Grows in the order in which a task's errors were recorded; not without gaps. */
  readonly position: number;
}
