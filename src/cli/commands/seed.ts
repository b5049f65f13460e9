import { migrateDatabase } from "../../compose/migrate-database.ts";
import type { CliContext } from "../cli-context.ts";
import { showProgress } from "../show-progress.ts";
import { withDatabase } from "../with-database.ts";
import { warnAbout } from "./migrate.ts";

/** `powercrud seed`: migrates, and puts in the project's first records. */
export async function seed(context: CliContext): Promise<void> {
  await withDatabase(context, async (databaseUrl) => {
    const { projectDir, database } = context;
    const isEmbedded = database.databaseUrl === undefined;
    warnAbout(context, await migrateDatabase({ databaseUrl, projectDir, isEmbedded }));
    context.print((await seedWithProgress(context, databaseUrl)) ?? "the project has no seed");
  });
}

/**
 * Seeds a migrated database, and shows the progress.
 * @returns a sentence about what the seed did; undefined if the project has none
 */
export async function seedWithProgress(
  context: CliContext,
  databaseUrl: string,
): Promise<string | undefined> {
  const { readVariables, logger, stopSignal: signal } = context;
  const config = await context.loadProject();
  // Loads Prisma's client, which takes a while; only now, since the database has started meanwhile.
  const { seedDatabase } = await import("../../compose/seed-database.ts");
  const shown = showProgress(process.stderr, (line) => context.say(line), "seeding", " records");
  const progress = (done: number, total: number): void => shown.update({ done, total });
  try {
    return await seedDatabase({ config, databaseUrl, readVariables, progress, signal, logger });
  } finally {
    shown.end();
  }
}
