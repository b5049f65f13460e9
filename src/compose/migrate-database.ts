import { AppError, isAppError } from "../kernel/app-error.ts";
import { applyFunctions } from "../adapters/postgres/database-functions.ts";
import { takeAlong } from "../adapters/postgres/earlier-migrations.ts";
import { listMigrationNames, readMigrationFolder, scriptOf } from "../adapters/prisma/migration-folder.ts";
import type { MigrationRun, SchemaEngine } from "../adapters/prisma/schema-engine.ts";
import { openSchemaEngine } from "../adapters/prisma/schema-engine.ts";
import { migrateApp } from "./migrate-app.ts";
import type { MigrateOptions, MigrateReport } from "./migrate-options.ts";
import { ENGINE_FUNCTIONS, ENGINE_MIGRATIONS } from "./migrations.ts";

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
