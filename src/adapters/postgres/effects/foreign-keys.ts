import type { EmulatedKey, TableName } from "../../../core/records/model.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import { quoteName } from "../../../kernel/sql-session.ts";

/** What a foreign key does to referring rows when the row that they refer to is deleted, or its key changes. */
export type ReferentialAction = "REFUSE" | "CASCADE" | "SET";

export function isSameTable(one: TableName, other: TableName): boolean {
  return one.table === other.table && one.schema === other.schema;
}

/** A foreign key from the database's catalog, which may differ from the data model, or an emulated one. */
export interface ForeignKey {
  /** The referring table, and its columns. */
  readonly from: TableName;
  readonly columns: readonly string[];
  /** The table referred to, its columns in the same order, and their types as PostgreSQL writes them. */
  readonly to: TableName;
  readonly referenced: readonly string[];
  readonly types: readonly string[];
  readonly onDelete: ReferentialAction;
  readonly onUpdate: ReferentialAction;
}

// Leaves out the keys of partitions, which repeat their table's (conparentid). Types have no length: a cast must not
// truncate values.
const FOREIGN_KEYS = `
SELECT from_space.nspname::text AS from_schema, from_table.relname::text AS from_table,
       to_space.nspname::text AS to_schema, to_table.relname::text AS to_table,
       confdeltype::text AS on_delete, confupdtype::text AS on_update, part.*
  FROM pg_constraint
  JOIN pg_class from_table ON from_table.oid = conrelid
  JOIN pg_namespace from_space ON from_space.oid = from_table.relnamespace
  JOIN pg_class to_table ON to_table.oid = confrelid
  JOIN pg_namespace to_space ON to_space.oid = to_table.relnamespace
 CROSS JOIN LATERAL (
   SELECT array_agg(a.attname::text ORDER BY position) AS columns,
          array_agg(b.attname::text ORDER BY position) AS referenced,
          array_agg(format_type(b.atttypid, -1) ORDER BY position) AS types
     FROM unnest(conkey, confkey) WITH ORDINALITY AS pair(from_number, to_number, position)
     JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = from_number
     JOIN pg_attribute b ON b.attrelid = confrelid AND b.attnum = to_number
 ) part
 WHERE contype = 'f' AND conparentid = 0
 ORDER BY from_schema, from_table, conname`;

interface ForeignKeyRow {
  readonly from_schema: string;
  readonly from_table: string;
  readonly to_schema: string;
  readonly to_table: string;
  readonly on_delete: string;
  readonly on_update: string;
  readonly columns: readonly string[];
  readonly referenced: readonly string[];
  readonly types: readonly string[];
}

/** By pg_constraint's letters. Those that are not listed (NO ACTION, RESTRICT) refuse. */
const ACTIONS: Readonly<Record<string, ReferentialAction>> = { c: "CASCADE", n: "SET", d: "SET" };

/** Reads all foreign keys of the database from its catalog. */
export async function readForeignKeys(session: SqlSession): Promise<readonly ForeignKey[]> {
  const rows = await session.query<ForeignKeyRow>(FOREIGN_KEYS);
  return rows.map(({ columns, referenced, types, ...row }) => ({
    from: { schema: row.from_schema, table: row.from_table },
    to: { schema: row.to_schema, table: row.to_table },
    columns,
    referenced,
    types,
    onDelete: ACTIONS[row.on_delete] ?? "REFUSE",
    onUpdate: ACTIONS[row.on_update] ?? "REFUSE",
  }));
}

/** $1 table, $2 names of its columns. Their types in the same order. */
const TYPES = `
SELECT ARRAY(
  SELECT format_type(atttypid, -1) FROM unnest($2::text[]) WITH ORDINALITY AS wanted (name, place)
    JOIN pg_attribute ON attname = name WHERE attrelid = to_regclass($1::text) ORDER BY place
) AS types`;

/** Prisma refuses a schema with other actions where it has no foreign keys. */
const EMULATED: Readonly<Partial<Record<EmulatedKey["onDelete"], ReferentialAction>>> = {
  Cascade: "CASCADE",
  SetNull: "SET",
};

/** Emulated keys in the form of the catalog's. */
export type EmulatedKeys = () => Promise<readonly ForeignKey[]>;

/** The types are read on first use and kept: migrations run before the service starts. */
export function createEmulatedKeys(session: SqlSession, keys: readonly EmulatedKey[]): EmulatedKeys {
  let reading: Promise<readonly ForeignKey[]> | undefined;
  return () => {
    reading ??= Promise.all(keys.map((key) => readEmulated(session, key))).catch((error: unknown) => {
      reading = undefined;
      throw error;
    });
    return reading;
  };
}

async function readEmulated(session: SqlSession, key: EmulatedKey): Promise<ForeignKey> {
  const table = `${quoteName(key.to.schema)}.${quoteName(key.to.table)}`;
  const [row] = await session.query<{ types: readonly string[] }>(TYPES, [table, key.referenced]);
  return {
    ...key,
    types: row?.types ?? [],
    onDelete: EMULATED[key.onDelete] ?? "REFUSE",
    onUpdate: EMULATED[key.onUpdate] ?? "REFUSE",
  };
}
