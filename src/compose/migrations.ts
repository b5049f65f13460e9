import { listMigrationNames } from "../adapters/prisma/migration-folder.ts";
import { readAppliedMigrations } from "../adapters/prisma/read-applied-migrations.ts";
import { withSession } from "./create-database.ts";
import type { Examination } from "../core/health/health-check.ts";
import { AppError } from "../kernel/app-error.ts";
import type { Logger } from "../kernel/logger.ts";
import type { SqlSession } from "../kernel/sql-session.ts";
import { join } from "node:path";

/** A folder of migrations, and where their history stands. */
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

/**
 * The tables of the app's models.
 * @param projectDir the folder that holds `prisma/`, absolute
 */
export function appMigrations(projectDir: string): MigrationSource {
  return { folder: join(projectDir, "prisma/migrations"), schema: "public" };
}

/**
 * The migrations that this checkout has and the database lacks: the engine's first, then the app's. Changes nothing.
 * @param projectDir the folder that holds `prisma/`, absolute; without it the app's are not looked for
 * @throws AppError UNAVAILABLE
 */
async function findPendingMigrations(
  session: SqlSession,
  projectDir: string | undefined,
): Promise<readonly string[]> {
  const pending: string[] = [];
  for (const { folder, schema } of sourcesOf(projectDir)) {
    const applied = await readAppliedMigrations(session, schema);
    const names = await listMigrationNames(folder);
    pending.push(...names.filter((name) => !applied.has(name)));
  }
  return pending;
}

function sourcesOf(projectDir: string | undefined): readonly MigrationSource[] {
  return projectDir === undefined ? [ENGINE_MIGRATIONS] : [ENGINE_MIGRATIONS, appMigrations(projectDir)];
}

/**
 * Whether the database has all migrations that this checkout has.
 * @param projectDir the folder that holds `prisma/`, absolute; without it only the engine's own are looked for
 */
export function examineMigrations(session: SqlSession, projectDir: string | undefined): Examination {
  return {
    name: "migrations",
    async examine() {
      const pending = await findPendingMigrations(session, projectDir);
      return pending.length === 0
        ? { status: "OK", message: "All migrations are applied." }
        : {
            status: "FAILED",
            message: `The database lacks migrations: ${pending.join(", ")}. Run: npx powercrud migrate.`,
          };
    },
  };
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
