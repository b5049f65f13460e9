import type { SqlSession } from "../../src/kernel/sql-session.ts";

/** The ids of the tasks that hold locks, in order. */
export async function lockOwners(session: SqlSession): Promise<readonly string[]> {
  const rows = await session.query<{ owner: string }>(
    "SELECT DISTINCT owner::text AS owner FROM powercrud.lock WHERE ticket IS NULL ORDER BY 1",
  );
  return rows.map(({ owner }) => owner);
}
