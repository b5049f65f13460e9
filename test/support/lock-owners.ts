import type { SqlSession } from "../../src/kernel/sql-session.ts";

/** The tasks that hold any lock, in the order of their ids. */
export async function lockOwners(session: SqlSession): Promise<readonly string[]> {
  const rows = await session.query<{ owner: string }>(
    "SELECT DISTINCT owner::text AS owner FROM powercrud.lock WHERE ticket IS NULL ORDER BY 1",
  );
  return rows.map(({ owner }) => owner);
}
