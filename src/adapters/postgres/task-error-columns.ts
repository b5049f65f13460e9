import type { NewTaskError } from "../../core/tasks/task-error.ts";
import { storableError } from "../../core/tasks/task-error.ts";

/** Task errors as columns for `unnest`: record ids, outcomes, codes, messages, fields, indexes. */
export function taskErrorColumns(told: readonly NewTaskError[]): readonly (readonly unknown[])[] {
  const errors = told.map(storableError);
  return [
    errors.map((error) => error.recordId),
    errors.map((error) => error.outcome),
    errors.map((error) => error.code),
    errors.map((error) => error.message),
    errors.map((error) => error.field ?? null),
    errors.map((error) => error.index ?? null),
  ];
}
