import type { ErrorCode } from "./error-codes.ts";

/** Options of an {@link AppError}. */
export interface AppErrorOptions {
  /** The error underneath; logged, never shown to callers. */
  readonly cause?: unknown;
  /** Plain data that is safe to show to the caller: a field name, a limit, an id. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The only error class of the project: a code from the closed list, and a message that the caller may read. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, "cause" in options ? { cause: options.cause } : undefined);
    this.name = "AppError";
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** Whether the error is an {@link AppError}, with that code if one is given. */
export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code);
}
