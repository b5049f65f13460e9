import { createDatabase } from "../compose/create-database.ts";
import type { CliContext } from "./cli-context.ts";

/** Runs the work with the database that the config names, started before and stopped after it, whatever happens. */
export async function withDatabase(
  { config, logger }: Pick<CliContext, "config" | "logger">,
  work: (databaseUrl: string) => Promise<void>,
): Promise<void> {
  const database = createDatabase({ databaseUrl: config.databaseUrl, dataDir: config.dataDir, logger });
  try {
    await database.start();
    await work(database.url);
  } finally {
    await database.stop();
  }
}
