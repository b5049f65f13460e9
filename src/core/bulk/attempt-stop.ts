import { AppError, isAppError } from "../../kernel/app-error.ts";

/** What an attempt throws that has lost its task. */
export function fenced(): AppError {
  return new AppError("ATTEMPT_FENCED", "Another attempt has taken the task over.");
}

/** Whether it was thrown because the task is to be cancelled. */
export function isCancellation(error: unknown): boolean {
  return isAppError(error, "CANCELLED");
}
