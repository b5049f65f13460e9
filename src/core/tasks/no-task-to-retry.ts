import { AppError } from "../../kernel/app-error.ts";

/** What a store throws that is to keep a retry of a task that was deleted since it was looked at. */
export function noTaskToRetry(id: string): AppError {
  return new AppError("NOT_FOUND", `There is no task ${id} any more.`);
}
