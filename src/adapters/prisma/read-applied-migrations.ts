import type { SqlSession } from "../../kernel/sql-session.ts";

const HAS_HISTORY = "SELECT to_regclass($1::text) IS NOT NULL AS found";

/**
 * The names of the applied migrations in Prisma's history table of a PostgreSQL schema; none if there is no such table. Only
 * reads, and needs no schema engine.
 */
export async function readAppliedMigrations(
  session: SqlSession,
  schema: string,
): Promise<ReadonlySet<string>> {
  const table = `"${schema}"._prisma_migrations`;
  const [history] = await session.query<{ found: boolean }>(HAS_HISTORY, [table]);
  if (history?.found !== true) {
    return new Set();
  }
  const rows = await session.query<{ name: string }>(
    `SELECT migration_name AS name FROM ${table} WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`,
  );
  return new Set(rows.map(({ name }) => name));
}
