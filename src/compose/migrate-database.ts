import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";

import { AppError, isAppError } from "../kernel/app-error.ts";
import { applyFunctions } from "../adapters/postgres/database-functions.ts";
import { takeAlong } from "../adapters/postgres/earlier-migrations.ts";
import {
  listMigrationNames,
  readMigrationFolder,
  scriptOf,
  writeMigration,
} from "../adapters/prisma/migration-folder.ts";
import type { Datamodel, MigrationRun, SchemaEngine } from "../adapters/prisma/schema-engine.ts";
import { openSchemaEngine } from "../adapters/prisma/schema-engine.ts";
import { ENGINE_MIGRATIONS, appMigrations } from "./migrations.ts";
import { ENGINE_FUNCTIONS } from "./migrations.ts";

/** The options of {@link migrateDatabase}. */
export interface MigrateOptions {
  readonly databaseUrl: string;
  /** The folder that holds `prisma/`, absolute. */
  readonly projectDir: string;
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
  /** SQL for changes of the Prisma schema that are in no migration. */
  readonly drift?: string;
}

const APP_SCHEMA = "prisma/schema.prisma";
/** Statements that lose data. */
const DESTRUCTIVE = /\bDROP\s+(?:TABLE|COLUMN)\b/i;

/**
 * Brings a database up to date: first the engine's own tables and functions, then the app's tables. Uses Prisma's schema
 * engine and history table, so `prisma migrate deploy` works on the same database. Concurrent runs wait for each other.
 * @throws AppError MIGRATION_FAILED
 */
export async function migrateDatabase(options: MigrateOptions): Promise<MigrateReport> {
  const { databaseUrl, projectDir } = options;
  const engineRun = await withEngine({ databaseUrl, schema: ENGINE_MIGRATIONS.schema }, migrateEngine);
  const datamodel = await readDatamodel(projectDir);
  const { schema } = appMigrations(projectDir);
  const appRun = await withEngine({ databaseUrl, schema, datamodel }, (engine) =>
    migrateApp(engine, datamodel, options),
  );
  return {
    ...appRun,
    engineApplied: engineRun.applied,
    missing: [...engineRun.missing, ...appRun.missing],
  };
}

async function migrateEngine(engine: SchemaEngine): Promise<MigrationRun> {
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

type AppReport = Omit<MigrateReport, "engineApplied">;

async function migrateApp(
  engine: SchemaEngine,
  datamodel: Datamodel,
  { projectDir, newMigration }: MigrateOptions,
): Promise<AppReport> {
  const { folder } = appMigrations(projectDir);
  const { applied, missing } = await engine.applyMigrations(await readMigrationFolder(folder));
  const script = await engine.diffToDatamodel(datamodel);
  if (script === undefined) {
    return { appApplied: applied, missing };
  }
  if (newMigration === undefined) {
    return { appApplied: applied, missing, drift: script };
  }
  const name = await writeMigration(folder, { ...newMigration, script });
  const written = join(relative(projectDir, folder), name, "migration.sql");
  if (newMigration.isDraft || DESTRUCTIVE.test(script)) {
    const heldBack = newMigration.isDraft ? "DRAFT" : "DESTRUCTIVE";
    return { appApplied: applied, missing, written, heldBack };
  }
  const next = await engine.applyMigrations(await readMigrationFolder(folder));
  return { appApplied: [...applied, ...next.applied], missing, written };
}

async function readDatamodel(projectDir: string): Promise<Datamodel> {
  const path = join(projectDir, APP_SCHEMA);
  try {
    return { path: APP_SCHEMA, content: await readFile(path, "utf8") };
  } catch (cause) {
    throw new AppError("MIGRATION_FAILED", `${path} cannot be read`, { cause });
  }
}

async function withEngine<Result>(
  options: Parameters<typeof openSchemaEngine>[0],
  work: (engine: SchemaEngine) => Promise<Result>,
): Promise<Result> {
  const engine = await openSchemaEngine(options);
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}
