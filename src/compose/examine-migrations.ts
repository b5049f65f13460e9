import type { SqlSession } from "../kernel/sql-session.ts";
import type { Examination } from "../core/health/health-check.ts";
import { findPendingMigrations } from "./find-pending-migrations.ts";

/**
 * Whether the database has all migrations that this checkout has.
 * @param projectDir the folder that holds `prisma/`, absolute; without it only the engine's own are looked for
 */
export function examineMigrations(session: SqlSession, projectDir: string | undefined): Examination {
  return {
    name: "migrations",
    async examine() {
      const pending = await findPendingMigrations(session, projectDir);
      return pending.length === 0
        ? { status: "OK", message: "All migrations are applied." }
        : {
            status: "FAILED",
            message: `The database lacks migrations: ${pending.join(", ")}. Run: npx powercrud migrate.`,
          };
    },
  };
}
