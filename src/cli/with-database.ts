import { createDatabase } from "../compose/create-database.ts";
import type { CliContext } from "./cli-context.ts";

/** Runs the work with the database that the operator wants, started before and stopped after it, whatever happens. */
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
