import { AppError } from "../../kernel/app-error.ts";

/** The error for a schema that cannot be served. @param problems each with its model and its remedy, in words */
export function refusedSchema(
  problems: readonly string[],
  code: "INVALID_CONFIG" | "MIGRATION_FAILED" = "INVALID_CONFIG",
): AppError {
  const [first = "", ...others] = problems;
  const message =
    others.length === 0
      ? first
      : [
          `The schema cannot be served, for ${problems.length} reasons:`,
          ...problems.map((one) => `- ${one}`),
        ].join("\n");
  return new AppError(code, message, { details: { problems } });
}
