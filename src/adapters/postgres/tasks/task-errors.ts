import type { ErrorCode } from "../../../kernel/error-codes.ts";
import type { NewTaskError, TaskError, TaskErrorOutcome } from "../../../core/tasks/task-error.ts";
import { storableError } from "../../../core/tasks/task-error.ts";

/** Task errors as columns for INSERT_TASK_ERRORS: record ids, outcomes, codes, messages, fields, indexes, models. */
export function taskErrorColumns(given: readonly NewTaskError[]): readonly (readonly unknown[])[] {
  const errors = given.map(storableError);
  return [
    errors.map((error) => error.recordId),
    errors.map((error) => error.outcome),
    errors.map((error) => error.code),
    errors.map((error) => error.message),
    errors.map((error) => error.field ?? null),
    errors.map((error) => error.index ?? null),
    errors.map((error) => error.model ?? null),
  ];
}

/** A row of LIST_TASK_ERRORS. */
export interface TaskErrorRow {
  /** The driver returns bigint as text. */
  readonly position: string;
  readonly record_id: string | null;
  readonly outcome: TaskErrorOutcome;
  readonly code: ErrorCode;
  readonly message: string;
  readonly field: string | null;
  readonly index: number | null;
  readonly model: string | null;
}

/** The error of a row. */
export function toTaskError({
  position,
  record_id: recordId,
  field,
  index,
  model,
  ...rest
}: TaskErrorRow): TaskError {
  return {
    ...rest,
    recordId,
    position: Number(position),
    ...(field === null ? {} : { field }),
    ...(index === null ? {} : { index }),
    ...(model === null ? {} : { model }),
  };
}
