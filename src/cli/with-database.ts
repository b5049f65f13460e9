import { createDatabase } from "../compose/create-database.ts";
import type { CliContext } from "./cli-context.ts";

/** Starts the database, calls `work`, and stops the database, also after a failure. */
export async function withDatabase(
  context: Pick<CliContext, "database">,
  work: (databaseUrl: string) => Promise<void>,
): Promise<void> {
  const database = createDatabase(context.database);
  try {
    await database.start();
    await work(database.url);
  } finally {
    await database.stop();
  }
}
