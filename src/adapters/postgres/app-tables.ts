import type { SqlSession } from "../../kernel/sql-session.ts";
import { quoteName } from "../../kernel/sql-session.ts";

/**
 * What a database has beside the engine's schemas: no table; tables with the history of Prisma's migrations; or tables
 * without, which were made by other means.
 */
export type AppTables = "EMPTY" | "MIGRATED" | "UNMANAGED";

/** The schemas of the engine and of its queue. */
const OWN_SCHEMAS = ["powercrud", "bullmq"];

/** $1 the engine's schemas, $2 the history table. Tables and views that belong to an extension do not count. */
const LIST_TABLES = `
SELECT c.oid = to_regclass($2::text) AS "isHistory"
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
 WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname <> ALL ($1::text[])
   AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
 GROUP BY 1`;

/** @param schema the PostgreSQL schema of the history */
export async function readAppTables(session: SqlSession, schema: string): Promise<AppTables> {
  const history = `${quoteName(schema)}._prisma_migrations`;
  const kinds = await session.query<{ isHistory: boolean | null }>(LIST_TABLES, [OWN_SCHEMAS, history]);
  if (kinds.some(({ isHistory }) => isHistory === true)) {
    return "MIGRATED";
  }
  return kinds.length === 0 ? "EMPTY" : "UNMANAGED";
}

/** $1 the engine's schemas. Those that have tables, "public" first. */
const LIST_SCHEMAS = `
SELECT nspname AS name FROM pg_namespace n
 WHERE nspname <> ALL ($1::text[]) AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
   AND EXISTS (SELECT FROM pg_class c WHERE relnamespace = n.oid AND relkind IN ('r', 'p')
     AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e'))
 ORDER BY nspname <> 'public', nspname`;

/** The PostgreSQL schemas that have tables of the app. */
export async function listAppSchemas(session: SqlSession): Promise<readonly string[]> {
  const rows = await session.query<{ name: string }>(LIST_SCHEMAS, [OWN_SCHEMAS]);
  return rows.map(({ name }) => name);
}
