import type { ErrorCode } from "../../kernel/error-codes.ts";
import type { TaskError, TaskErrorOutcome } from "../../core/tasks/task-error.ts";

/** A task's error as LIST_TASK_ERRORS hands it over. */
export interface TaskErrorRow {
  /** bigint comes as text. */
  readonly position: string;
  readonly record_id: string | null;
  readonly outcome: TaskErrorOutcome;
  readonly code: ErrorCode;
  readonly message: string;
  readonly field: string | null;
  readonly index: number | null;
}

/** The error of a row. */
export function toTaskError({
  position,
  record_id: recordId,
  field,
  index,
  ...rest
}: TaskErrorRow): TaskError {
  return {
    ...rest,
    recordId,
    position: Number(position),
    ...(field === null ? {} : { field }),
    ...(index === null ? {} : { index }),
  };
}
