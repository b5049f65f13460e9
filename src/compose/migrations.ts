import { hasCurrentFunctions } from "../adapters/postgres/database-functions.ts";
import { listMigrationNames } from "../adapters/prisma/migration-folder.ts";
import { readAppliedMigrations } from "../adapters/prisma/read-applied-migrations.ts";
import { withSession } from "./create-database.ts";
import { AppError } from "../kernel/app-error.ts";
import type { Logger } from "../kernel/logger.ts";
import type { SqlSession } from "../kernel/sql-session.ts";
import { join } from "node:path";

/** A folder of migrations, and the schema of their history. */
interface MigrationSource {
  /** Absolute; in Prisma's layout. */
  readonly folder: string;
  /** The PostgreSQL schema of the history table. */
  readonly schema: string;
}

/** The engine's own tables. */
export const ENGINE_MIGRATIONS: MigrationSource = {
  folder: join(import.meta.dirname, "../adapters/postgres/migrations"),
  schema: "powercrud",
};

/** Listed like a migration's name, for the engine's database functions. */
export const ENGINE_FUNCTIONS = "functions";

/**
 * The tables of the app's models.
 * @param projectDir the folder that holds `prisma/`, absolute
 */
export function appMigrations(projectDir: string): MigrationSource {
  return { folder: join(projectDir, "prisma/migrations"), schema: "public" };
}

/**
 * The migrations that the database lacks: the engine's first, then the app's, and last "functions" if the engine's database
 * functions are out of date. Changes nothing.
 * @param projectDir the folder that holds `prisma/`, absolute; if undefined, the app's are not checked
 * @throws AppError UNAVAILABLE
 */
export async function findPendingMigrations(
  session: SqlSession,
  projectDir: string | undefined,
): Promise<readonly string[]> {
  const pending: string[] = [];
  for (const { folder, schema } of sourcesOf(projectDir)) {
    const applied = await readAppliedMigrations(session, schema);
    const names = await listMigrationNames(folder);
    pending.push(...names.filter((name) => !applied.has(name)));
  }
  return (await hasCurrentFunctions(session)) ? pending : [...pending, ENGINE_FUNCTIONS];
}

function sourcesOf(projectDir: string | undefined): readonly MigrationSource[] {
  return projectDir === undefined ? [ENGINE_MIGRATIONS] : [ENGINE_MIGRATIONS, appMigrations(projectDir)];
}

/** The options of {@link requireMigrated}. */
interface RequireMigratedOptions {
  readonly databaseUrl: string;
  /** The folder that holds `prisma/`, absolute. */
  readonly projectDir: string;
  readonly logger: Logger;
}

/**
 * Refuses a database that lacks migrations. For roles with several processes, where the operator runs the migrations.
 * @throws AppError MIGRATION_FAILED that names the pending migrations and the command to run
 */
export async function requireMigrated(options: RequireMigratedOptions): Promise<void> {
  const { databaseUrl, projectDir, logger } = options;
  const applicationName = "powercrud migrations";
  const pending = await withSession({ databaseUrl, applicationName, logger }, (session) =>
    findPendingMigrations(session, projectDir),
  );
  if (pending.length > 0) {
    throw new AppError(
      "MIGRATION_FAILED",
      `the database lacks migrations: ${pending.join(", ")}; run: npx powercrud migrate`,
      { details: { pending } },
    );
  }
}
