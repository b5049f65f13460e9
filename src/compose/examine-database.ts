import type { SqlSession } from "../kernel/sql-session.ts";
import type { Examination } from "../core/health/health-check.ts";

/** Whether the database answers. */
export function examineDatabase(session: SqlSession): Examination {
  return {
    name: "database",
    async examine() {
      await session.query("SELECT 1 AS answer");
      return { status: "OK", message: "PostgreSQL answers." };
    },
  };
}
