import { AppError, isAppError } from "../kernel/app-error.ts";
import { applyFunctions } from "../adapters/postgres/database-functions.ts";
import { takeAlong } from "../adapters/postgres/earlier-migrations.ts";
import { listMigrationNames, readMigrationFolder, scriptOf } from "../adapters/prisma/migration-folder.ts";
import type { MigrationRun, SchemaEngine } from "../adapters/prisma/schema-engine.ts";
import { openSchemaEngine } from "../adapters/prisma/schema-engine.ts";
import { migrateApp } from "./migrate-app.ts";
import { ENGINE_FUNCTIONS, ENGINE_MIGRATIONS } from "./migrations.ts";

/** The options of {@link migrateDatabase}. */
export interface MigrateOptions {
  readonly databaseUrl: string;
  /** The project's folder, absolute. */
  readonly projectDir: string;
  /**
   * Whether the database is the embedded one. In a project without migrations its tables follow the Prisma schema.
   * Default false.
   */
  readonly isEmbedded?: boolean;
  /** Refuses the app's pending migrations where a database has a history already, and applies none. Default false. */
  readonly isCareful?: boolean;
  /** Makes a new migration from the changes of the Prisma schema, after the pending ones are applied. Default: none. */
  readonly newMigration?: NewMigration;
}

/** A migration to make. */
export interface NewMigration {
  /** Letters, digits and underscores. */
  readonly name: string;
  /** True: writes it and leaves it to the next run to apply it. */
  readonly isDraft: boolean;
  readonly now: Date;
}

/** The report of a migration run. */
export interface MigrateReport {
  /**
   * The names of the applied engine migrations, and last "functions" if the engine's database functions were replaced.
   * The engine's tables and functions are in the PostgreSQL schema `powercrud`.
   */
  readonly engineApplied: readonly string[];
  /** The names of the app's migrations that were applied. */
  readonly appApplied: readonly string[];
  /** Migrations that the database has and the project lacks. */
  readonly missing: readonly string[];
  /** The file of the new migration, relative to the project; only if one was wanted and there was a change. */
  readonly written?: string;
  /** Why the new migration was not applied: only a draft was wanted, or it would lose data. */
  readonly heldBack?: "DRAFT" | "DESTRUCTIVE";
  /** True where the database has tables and no migration history; the app's tables were left alone. */
  readonly isUnmanaged?: true;
  /** SQL for changes of the Prisma schema that are in no migration. */
  readonly drift?: string;
}

/** The report about the app's tables. */
export type AppReport = Omit<MigrateReport, "engineApplied">;

/**
 * Brings a database up to date: first the engine's own tables and functions, then the app's tables (see {@link migrateApp}).
 * Uses Prisma's schema engine and history table, so `prisma migrate deploy` works on the same database. Concurrent runs
 * wait for each other.
 * @throws AppError MIGRATION_FAILED
 */
export async function migrateDatabase(options: MigrateOptions): Promise<MigrateReport> {
  const engineRun = await migrateEngine(options.databaseUrl);
  const appRun = await migrateApp(options);
  return {
    ...appRun,
    engineApplied: engineRun.applied,
    missing: [...engineRun.missing, ...appRun.missing],
  };
}

/**
 * Creates or updates the engine's own tables and functions, which are in the PostgreSQL schema `powercrud`. Changes
 * nothing else.
 * @throws AppError MIGRATION_FAILED
 */
export async function migrateEngine(databaseUrl: string): Promise<MigrationRun> {
  const engine = await openSchemaEngine({ databaseUrl, schema: ENGINE_MIGRATIONS.schema });
  try {
    return await applyEngineMigrations(engine);
  } finally {
    await engine.close();
  }
}

async function applyEngineMigrations(engine: SchemaEngine): Promise<MigrationRun> {
  const migrations = await readMigrationFolder(ENGINE_MIGRATIONS.folder);
  try {
    const [first] = await listMigrationNames(ENGINE_MIGRATIONS.folder);
    if (first !== undefined) {
      await takeAlong(engine.session, { name: first, script: scriptOf(migrations, first) });
    }
    const run = await engine.applyMigrations(migrations);
    const isChanged = await applyFunctions(engine.session);
    return isChanged ? { ...run, applied: [...run.applied, ENGINE_FUNCTIONS] } : run;
  } catch (cause) {
    throw isAppError(cause) ? cause : new AppError("MIGRATION_FAILED", String(cause), { cause });
  }
}
