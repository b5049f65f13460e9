import type { Logger } from "../kernel/logger.ts";
import { AppError } from "../kernel/app-error.ts";
import { reachDatabase } from "../adapters/postgres/connection/reach-database.ts";
import { withSession } from "./create-database.ts";
import { findPendingMigrations } from "./migrations.ts";

const MAY_CREATE = `
SELECT current_user AS "user", current_database() AS database,
       has_database_privilege(current_database(), 'CREATE')
         OR to_regnamespace('powercrud') IS NOT NULL AND to_regnamespace('bullmq') IS NOT NULL AS "mayCreate"`;

/**
 * Looks whether the engine's schema can be made in a database, and whether it lacks something. Changes nothing.
 * @returns the engine's migrations that the database lacks
 * @throws AppError START_FAILED for a database that cannot be reached, or whose user may create no schema
 */
export async function examineEngineTarget(databaseUrl: string, logger: Logger): Promise<readonly string[]> {
  await reachDatabase(databaseUrl);
  return withSession({ databaseUrl, applicationName: "powercrud init", logger }, async (session) => {
    const [rights] = await session.query<{ user: string; database: string; mayCreate: boolean }>(MAY_CREATE);
    if (rights?.mayCreate === false) {
      throw new AppError(
        "START_FAILED",
        `the database's user ${rights.user} may not create the schemas that the engine needs. As its owner, run: ` +
          `GRANT CREATE ON DATABASE "${rights.database}" TO "${rights.user}"`,
      );
    }
    return findPendingMigrations(session, undefined);
  });
}
