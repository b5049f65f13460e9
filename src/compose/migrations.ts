import { readAppTables } from "../adapters/postgres/app-tables.ts";
import { schemaOfUrl } from "../adapters/postgres/connection/schema-of-url.ts";
import { hasCurrentFunctions, SQL_FOLDER } from "../adapters/postgres/database-functions.ts";
import { listMigrationNames } from "../adapters/prisma/migration-folder.ts";
import { findPrismaPaths } from "../adapters/prisma/prisma-paths.ts";
import { readAppliedMigrations } from "../adapters/prisma/read-applied-migrations.ts";
import { withSession } from "./create-database.ts";
import { AppError } from "../kernel/app-error.ts";
import type { Logger } from "../kernel/logger.ts";
import type { SqlSession } from "../kernel/sql-session.ts";
import { join } from "node:path";

/** A folder of migrations, and the schema of their history. */
export interface MigrationSource {
  /** Absolute; in Prisma's layout. */
  readonly folder: string;
  /** The PostgreSQL schema of the history table. */
  readonly schema: string;
}

/** The engine's own tables. */
export const ENGINE_MIGRATIONS: MigrationSource = {
  folder: join(SQL_FOLDER, "migrations"),
  schema: "powercrud",
};

/** Listed like a migration's name, for the engine's database functions. */
export const ENGINE_FUNCTIONS = "functions";

/** A project and its database. */
export interface MigratedProject {
  /** The project's folder, absolute. */
  readonly projectDir: string;
  readonly databaseUrl: string;
}

/**
 * The migrations that the database lacks: the engine's first, then the app's, and last "functions" if the engine's database
 * functions are out of date. Changes nothing. A database whose tables were made without migrations lacks none of the app's.
 * @param project if undefined, the app's migrations are not checked
 * @throws AppError UNAVAILABLE
 */
export async function findPendingMigrations(
  session: SqlSession,
  project: MigratedProject | undefined,
): Promise<readonly string[]> {
  const pending = [...(await pendingOf(session, ENGINE_MIGRATIONS))];
  if (project !== undefined) {
    const schema = schemaOfUrl(project.databaseUrl);
    if ((await readAppTables(session, schema)) !== "UNMANAGED") {
      pending.push(...(await pendingOf(session, { folder: await migrationsOf(project.projectDir), schema })));
    }
  }
  return (await hasCurrentFunctions(session)) ? pending : [...pending, ENGINE_FUNCTIONS];
}

/** The migrations of a folder that the database lacks. */
export async function pendingOf(
  session: SqlSession,
  { folder, schema }: MigrationSource,
): Promise<readonly string[]> {
  const applied = await readAppliedMigrations(session, schema);
  return (await listMigrationNames(folder)).filter((name) => !applied.has(name));
}

/** Health checks ask again and again; a project's folders do not move while a process runs. */
const migrationFolders = new Map<string, Promise<string>>();

/** The folder of a project's migrations. */
function migrationsOf(projectDir: string): Promise<string> {
  const known = migrationFolders.get(projectDir);
  if (known !== undefined) {
    return known;
  }
  const finding = findPrismaPaths(projectDir).then(({ migrations }) => migrations);
  migrationFolders.set(projectDir, finding);
  finding.catch(() => migrationFolders.delete(projectDir));
  return finding;
}

/** The options of {@link requireMigrated}. */
interface RequireMigratedOptions extends MigratedProject {
  readonly logger: Logger;
}

/**
 * Refuses a database that lacks migrations. For roles with several processes, where the operator runs the migrations.
 * @throws AppError MIGRATION_FAILED that names the pending migrations and the command to run
 */
export async function requireMigrated(options: RequireMigratedOptions): Promise<void> {
  const { databaseUrl, logger } = options;
  const applicationName = "powercrud migrations";
  const pending = await withSession({ databaseUrl, applicationName, logger }, (session) =>
    findPendingMigrations(session, options),
  );
  if (pending.length > 0) {
    throw pendingError(pending);
  }
}

/** The refusal of a database that lacks migrations. */
export function pendingError(pending: readonly string[]): AppError {
  return new AppError(
    "MIGRATION_FAILED",
    `the database lacks migrations: ${pending.join(", ")}; run: npx powercrud migrate`,
    { details: { pending } },
  );
}
