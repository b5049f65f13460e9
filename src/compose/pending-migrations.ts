import { hasCurrentFunctions } from "../adapters/postgres/database-functions.ts";
import { listMigrationNames } from "../adapters/prisma/migration-folder.ts";
import { readAppliedMigrations } from "../adapters/prisma/read-applied-migrations.ts";
import type { MigrationSource } from "./migration-sources.ts";
import { appMigrations, ENGINE_FUNCTIONS, ENGINE_MIGRATIONS } from "./migration-sources.ts";
import { withSession } from "./with-session.ts";
import { AppError } from "../kernel/app-error.ts";
import type { Logger } from "../kernel/logger.ts";
import type { SqlSession } from "../kernel/sql-session.ts";

/**
 * The migrations that this checkout has and the database lacks: the engine's first, then the app's; last "functions" if
 * the engine's functions are not those of this checkout. Changes nothing.
 * @param projectDir the folder that holds `prisma/`, absolute; without it the app's are not looked for
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

/** Which database, and by which migrations. */
interface RequireMigratedOptions {
  readonly databaseUrl: string;
  /** The folder that holds `prisma/`, absolute. */
  readonly projectDir: string;
  readonly logger: Logger;
}

/**
 * Refuses a database that this checkout would have to migrate first. For processes of which there are several: they
 * leave the migrating to one of them, or to the operator.
 * @throws AppError MIGRATION_FAILED that names what is pending and says what to run
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
