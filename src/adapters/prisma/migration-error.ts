import { stripVTControlCharacters } from "node:util";

import type { DatabaseError } from "pg";

import { AppError } from "../../kernel/app-error.ts";

/** The migration that was being applied. */
interface FailedMigration {
  readonly file: string;
  readonly script: string;
}

/**
 * One clear message from what the schema engine throws.
 * @param scriptError PostgreSQL's own error, if it was PostgreSQL that refused the script
 */
export function migrationError(
  error: unknown,
  scriptError?: DatabaseError,
  migration?: FailedMigration,
): AppError {
  if (scriptError !== undefined && migration !== undefined) {
    const line = lineOf(migration.script, scriptError.position);
    return new AppError("MIGRATION_FAILED", `${migration.file}${line}: ${scriptError.message}`, {
      cause: scriptError,
    });
  }
  if (codeOf(error) === "P3005") {
    return new AppError(
      "MIGRATION_FAILED",
      "the database has tables but no migration history; use an empty database, or record what it has with: " +
        "npx prisma migrate resolve --applied <migration>",
      { cause: error },
    );
  }
  return new AppError("MIGRATION_FAILED", readableText(error), { cause: error });
}

/** Without colours, and without the engine's list of its own functions. */
function readableText(error: unknown): string {
  const text = stripVTControlCharacters(error instanceof Error ? error.message : String(error));
  return text.replace(/\n\s*0: [a-z_]+::[\s\S]*$/, "").trim();
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

/** PostgreSQL counts characters from 1. */
function lineOf(script: string, position: string | undefined): string {
  return position === undefined ? "" : `:${script.slice(0, Number(position) - 1).split("\n").length}`;
}
