import { AppError } from "../../kernel/app-error.ts";
import { findMissingIndexes } from "../../compose/find-missing-indexes.ts";
import { migrateDatabase } from "../../compose/migrate-database.ts";
import type { MigrateReport } from "../../compose/migrate-options.ts";
import type { CliContext } from "../cli-context.ts";
import { withDatabase } from "../with-database.ts";

/** The options of `powercrud migrate`. */
export interface MigrateOptions {
  /** Makes a new migration of this name. */
  readonly name?: string;
  /** Makes it without applying it. */
  readonly createOnly?: boolean;
}

/**
 * `powercrud migrate`: applies pending migrations; with a name, also makes one from the changes of the Prisma schema.
 * @throws AppError MIGRATION_FAILED, also for a new migration that was not applied because it would lose data
 */
export async function migrate(context: CliContext, options: MigrateOptions): Promise<void> {
  const { name, createOnly: isDraft = false } = options;
  if (name !== undefined && !/^\w{1,100}$/.test(name)) {
    throw new AppError("MIGRATION_FAILED", "--name takes letters, digits and underscores, such as add_book");
  }
  await withDatabase(context, async (databaseUrl) => {
    const report = await migrateDatabase({
      databaseUrl,
      projectDir: context.projectDir,
      isEmbedded: context.database.databaseUrl === undefined,
      ...(name === undefined ? {} : { newMigration: { name, isDraft, now: new Date() } }),
    });
    printReport(context, report, name);
    await printMissingIndexes(context, databaseUrl);
  });
}

/** Prints SQL that makes the indexes which lists and searches lack. Whether they are worth their writes, the team decides. */
async function printMissingIndexes(context: CliContext, databaseUrl: string): Promise<void> {
  if (!context.hasProjectFile) {
    return;
  }
  const { logger } = context;
  const missing = await context
    .loadProject()
    .then((config) => findMissingIndexes({ config, databaseUrl, logger }))
    .catch((error: unknown) => {
      const [reason = ""] = String(error instanceof Error ? error.message : error).split("\n");
      context.say(`warning: it was not examined which indexes are missing: ${reason}`);
      return [];
    });
  if (missing.length === 0) {
    return;
  }
  context.print(
    "-- Lists and searches would use these indexes. Make those that are worth their writes (docs/queries.md):",
  );
  for (const { reason, sql } of missing) {
    context.print(`-- ${reason}`);
    sql.forEach((statement) => context.print(`${statement};`));
  }
}

function printReport(context: CliContext, report: MigrateReport, name: string | undefined): void {
  for (const migration of [...report.engineApplied, ...report.appApplied]) {
    context.print(`applied ${migration}`);
  }
  warnAbout(context, report);
  if (report.heldBack === "DESTRUCTIVE") {
    throw new AppError(
      "MIGRATION_FAILED",
      `${report.written} would lose data and was not applied; look it over, then run: npx powercrud migrate`,
    );
  }
  if (report.written !== undefined) {
    context.print(`wrote ${report.written}`);
  } else if (name !== undefined) {
    context.print("the Prisma schema has no change, so there is no new migration");
  }
  if (report.isUnmanaged === true) {
    context.print(
      "the engine's tables are up to date; the others were left alone, since the database has no migration history",
    );
  } else if (report.heldBack === undefined && report.drift === undefined) {
    context.print("the database is up to date");
  }
}

/** Warns of problems with migrations that were applied all the same. */
export function warnAbout({ say }: Pick<CliContext, "say">, report: MigrateReport): void {
  if (report.missing.length > 0) {
    say(`warning: the database has migrations that this checkout lacks: ${report.missing.join(", ")}`);
  }
  if (report.drift !== undefined) {
    say(
      "warning: the Prisma schema has changes that no migration makes; " +
        "run: npx powercrud migrate --name <what_changed>",
    );
  }
}
