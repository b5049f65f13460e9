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
import {
  openSchemaEngine,
  type Datamodel,
  type MigrationRun,
  type SchemaEngine,
} from "../adapters/prisma/schema-engine.ts";
import { appMigrations, ENGINE_FUNCTIONS, ENGINE_MIGRATIONS } from "./migration-sources.ts";

/** What to migrate, and from where. */
export interface MigrateOptions {
  readonly databaseUrl: string;
  /** The folder that holds `prisma/`, absolute. */
  readonly projectDir: string;
  /** Makes a migration of this name from what the Prisma schema changes, after all that is pending was applied. */
  readonly newMigration?: NewMigration;
}

/** A migration to be made. */
export interface NewMigration {
  /** Letters, digits and underscores. */
  readonly name: string;
  /** Writes it, but leaves applying it to the next run. */
  readonly isDraft: boolean;
  readonly now: Date;
}

/** What a migration run did. */
export interface MigrateReport {
  /** Of the engine's own tables, in the PostgreSQL schema `powercrud`; last "functions", if those were made anew. */
  readonly engineApplied: readonly string[];
  /** Of the app's models. */
  readonly appApplied: readonly string[];
  /** Migrations that the database has and this checkout lacks. */
  readonly missing: readonly string[];
  /** The file of the new migration, relative to the project; only if one was asked for and there was a change. */
  readonly written?: string;
  /** Why the new migration was written but not applied, if it was not. */
  readonly heldBack?: "DRAFT" | "DESTRUCTIVE";
  /** The SQL of what the Prisma schema has and no migration makes. */
  readonly drift?: string;
}

const APP_SCHEMA = "prisma/schema.prisma";
/** What loses data when it is applied. */
const DESTRUCTIVE = /\bDROP\s+(?:TABLE|COLUMN)\b/i;

/**
 * Brings a database up to date: first the engine's own tables and functions, then the app's tables, with Prisma's own
 * schema engine and its own history, so `prisma migrate deploy` may be used by turns. Several at once wait for each
 * other.
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
