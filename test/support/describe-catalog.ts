import { Client } from "pg";

/**
 * Everything that `pg_dump --schema-only` would say of the schemas that are not the engine's, and the rows of the migration
 * history: tables, columns, constraints, indexes, triggers, views, sequences, types, functions, rights and comments.
 */
const DESCRIBE = `
WITH app AS (
  SELECT oid, nspname, nspacl FROM pg_namespace
   WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'powercrud', 'bullmq')
), line (kind, name, text) AS (
  SELECT 'schema', nspname, nspacl::text FROM app
  UNION ALL
  SELECT 'relation', c.oid::regclass::text,
         concat_ws(' ', relkind, relacl, reloptions, relrowsecurity, relpersistence, obj_description(c.oid, 'pg_class'),
                   CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END)
    FROM pg_class c JOIN app ON app.oid = relnamespace
  UNION ALL
  SELECT 'column', attrelid::regclass || '.' || attnum,
         concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated, attisdropped,
                   attacl, pg_get_expr(adbin, adrelid), col_description(attrelid, attnum))
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN app ON app.oid = relnamespace
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
   WHERE attnum > 0
  UNION ALL
  SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(con.oid)
    FROM pg_constraint con JOIN app ON app.oid = connamespace
  UNION ALL
  SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN app ON app.oid = relnamespace
  UNION ALL
  SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(t.oid)
    FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid JOIN app ON app.oid = relnamespace
  UNION ALL
  SELECT 'sequence', seqrelid::regclass::text, concat_ws(' ', seqtypid::regtype, seqstart, seqincrement, seqmax, seqmin)
    FROM pg_sequence JOIN pg_class c ON c.oid = seqrelid JOIN app ON app.oid = relnamespace
  UNION ALL
  SELECT 'type', t.oid::regtype::text,
         concat_ws(' ', typtype, typacl, (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder)
                                            FROM pg_enum WHERE enumtypid = t.oid))
    FROM pg_type t JOIN app ON app.oid = typnamespace
  UNION ALL
  SELECT 'function', p.oid::regprocedure::text, concat_ws(' ', p.proacl, pg_get_functiondef(p.oid))
    FROM pg_proc p JOIN app ON app.oid = pronamespace WHERE prokind <> 'a'
)
SELECT concat_ws(' ', kind, name, text) AS line FROM line ORDER BY kind, name, text`;

const HAS_HISTORY = "SELECT to_regclass('public._prisma_migrations') IS NOT NULL AS found";
const HISTORY = "SELECT to_jsonb(m)::text AS line FROM public._prisma_migrations m ORDER BY 1";

/** The app's part of a database's catalog as text, to compare with that of another moment. */
export async function describeCatalog(databaseUrl: string): Promise<string> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const lines = async (sql: string): Promise<string[]> =>
      (await client.query<{ line: string }>(sql)).rows.map(({ line }) => line);
    const { rows } = await client.query<{ found: boolean }>(HAS_HISTORY);
    return [...(await lines(DESCRIBE)), ...(rows[0]?.found === true ? await lines(HISTORY) : [])].join("\n");
  } finally {
    await client.end();
  }
}
