import { migrateDatabase } from "../../compose/migrate-database.ts";
import type { CliContext } from "../cli-context.ts";
import { warnAbout } from "./migrate.ts";
import { runRole } from "../run-role.ts";
import { seedWithProgress } from "./seed.ts";

/** `powercrud start`: runs everything in one process, on a database that it migrates and seeds. See {@link runRole}. */
export function start(context: CliContext): Promise<void> {
  return runRole(context, "start", (databaseUrl) => migrateAndSeed(context, databaseUrl));
}

async function migrateAndSeed(context: CliContext, databaseUrl: string): Promise<void> {
  const { logger, projectDir, database } = context;
  const isEmbedded = database.databaseUrl === undefined;
  const report = await migrateDatabase({ databaseUrl, projectDir, isEmbedded, isCareful: !isEmbedded });
  warnAbout(context, report);
  logger.info({ applied: [...report.engineApplied, ...report.appApplied] }, "the database is migrated");
  const seeded = await seedWithProgress(context, databaseUrl);
  if (seeded !== undefined) {
    logger.info({}, seeded);
  }
}
