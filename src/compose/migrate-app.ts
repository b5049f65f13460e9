import { join, relative } from "node:path";

import { AppError } from "../kernel/app-error.ts";
import { readAppTables } from "../adapters/postgres/app-tables.ts";
import { schemaOfUrl } from "../adapters/postgres/connection/schema-of-url.ts";
import { readMigrationFolder, writeMigration } from "../adapters/prisma/migration-folder.ts";
import { findPrismaPaths, readSchemaFiles } from "../adapters/prisma/prisma-paths.ts";
import type { Datamodel, SchemaEngine } from "../adapters/prisma/schema-engine.ts";
import { openSchemaEngine } from "../adapters/prisma/schema-engine.ts";
import type { AppReport, MigrateOptions } from "./migrate-options.ts";
import { pendingError, pendingOf } from "./migrations.ts";

/** Statements that lose data. */
const DESTRUCTIVE = /\bDROP\s+(?:TABLE|COLUMN)\b/i;

/**
 * Brings the app's tables up to date, as far as they are ours to change:
 * - A database with a migration history, or without any table, gets the project's pending migrations.
 * - A database with tables and no history was made by other means; it is left alone.
 * - The embedded database of a project without migrations follows the Prisma schema, as with `prisma db push`.
 * @throws AppError MIGRATION_FAILED
 */
export async function migrateApp(options: MigrateOptions): Promise<AppReport> {
  const { databaseUrl, projectDir } = options;
  const paths = await findPrismaPaths(projectDir);
  if (paths.schema === undefined) {
    throw new AppError(
      "MIGRATION_FAILED",
      `${projectDir} has no Prisma schema: prisma.config.ts names none, and there is no prisma/schema.prisma`,
    );
  }
  const schema = schemaOfUrl(databaseUrl);
  const datamodels = await readSchemaFiles(projectDir, paths.schema);
  const engine = await openSchemaEngine({ databaseUrl, schema, isSchemaCreated: false, datamodels });
  try {
    const state = await readAppTables(engine.session, schema);
    const list = await readMigrationFolder(paths.migrations);
    const project = { ...options, migrations: paths.migrations, datamodels };
    const hasMigrations = list.migrationDirectories.length > 0 || options.newMigration !== undefined;
    if (!hasMigrations && state !== "MIGRATED" && options.isEmbedded === true) {
      return await pushSchema(engine, datamodels);
    }
    if (state === "UNMANAGED") {
      refuseNewMigration(options);
      return { appApplied: [], missing: [], isUnmanaged: true };
    }
    if (options.isCareful === true && state === "MIGRATED") {
      const pending = await pendingOf(engine.session, { folder: paths.migrations, schema });
      if (pending.length > 0) {
        throw pendingError(pending);
      }
    }
    const { applied, missing } = await engine.applyMigrations(list);
    return await makeMigration(engine, project, { appApplied: applied, missing });
  } finally {
    await engine.close();
  }
}

async function pushSchema(engine: SchemaEngine, datamodels: readonly Datamodel[]): Promise<AppReport> {
  const losses = await engine.push(datamodels);
  if (losses.length > 0) {
    throw new AppError(
      "MIGRATION_FAILED",
      [
        "The embedded database has no migrations, so it follows the Prisma schema; but that would lose data:",
        ...losses.map((loss) => `- ${loss}`),
        "Take the change back, or use a new database: another POWERCRUD_DATA_DIR, or DATABASE_URL.",
      ].join("\n"),
    );
  }
  return { appApplied: [], missing: [] };
}

function refuseNewMigration({ newMigration }: MigrateOptions): void {
  if (newMigration !== undefined) {
    throw new AppError(
      "MIGRATION_FAILED",
      "the database has tables but no migration history, so a migration of the changes would lack what is there already. " +
        "Make a first migration with all that the database has, and record it as applied: " +
        "https://www.prisma.io/docs/orm/prisma-migrate/workflows/baselining",
    );
  }
}

interface Project extends MigrateOptions {
  /** The folder of the migrations, absolute. */
  readonly migrations: string;
  readonly datamodels: readonly Datamodel[];
}

/** Reports changes of the Prisma schema that are in no migration; with `newMigration`, makes one of them. */
async function makeMigration(
  engine: SchemaEngine,
  { projectDir, migrations, datamodels, newMigration }: Project,
  report: AppReport,
): Promise<AppReport> {
  const script = await engine.diffToDatamodels(datamodels);
  if (script === undefined) {
    return report;
  }
  if (newMigration === undefined) {
    return { ...report, drift: script };
  }
  const name = await writeMigration(migrations, { ...newMigration, script });
  const written = join(relative(projectDir, migrations), name, "migration.sql");
  if (newMigration.isDraft || DESTRUCTIVE.test(script)) {
    return { ...report, written, heldBack: newMigration.isDraft ? "DRAFT" : "DESTRUCTIVE" };
  }
  const next = await engine.applyMigrations(await readMigrationFolder(migrations));
  return { ...report, written, appApplied: [...report.appApplied, ...next.applied] };
}
