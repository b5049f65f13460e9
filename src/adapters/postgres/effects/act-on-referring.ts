import type { TableName } from "../../../core/records/model.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import { quoteName } from "../../../kernel/sql-session.ts";
import { parentsSql, tableSql, textOf } from "./effect-statements.ts";
import type { ForeignKey, ReferentialAction } from "./foreign-keys.ts";
import { isSameTable } from "./foreign-keys.ts";

/** Values of a row as text, by column. */
type Row = Readonly<Record<string, string | null>>;

/** A change to rows that others may refer to. */
export interface ReferringChange {
  readonly table: TableName;
  /** Whether the rows were deleted. */
  readonly isGone: boolean;
  /** The columns that foreign keys refer to, as they were and as they are now. */
  readonly rows: readonly { readonly old: Row; readonly now?: Row | undefined }[];
}

/** An emulated foreign key that a write would break, in the form of the database's own error. */
export class ForeignKeyViolation extends Error {
  /** SQLSTATE. */
  readonly code = "23503";
  readonly detail: string;

  private constructor(message: string, detail: string) {
    super(message);
    this.detail = detail;
  }

  /** Rows still refer to a row that was to be deleted, or to get other values. */
  static ofReferring(
    { from, to, referenced }: ForeignKey,
    values: readonly (string | null)[],
  ): ForeignKeyViolation {
    return new ForeignKeyViolation(
      `update or delete on table "${to.table}" violates a foreign key on table "${from.table}"`,
      `${keyDetail(referenced, values)} is still referenced from table "${from.table}".`,
    );
  }

  /** A row refers to one that is not there. */
  static ofMissing(
    { from, to, columns }: ForeignKey,
    values: readonly (string | null)[],
  ): ForeignKeyViolation {
    return new ForeignKeyViolation(
      `insert or update on table "${from.table}" violates a foreign key`,
      `${keyDetail(columns, values)} is not present in table "${to.table}".`,
    );
  }
}

function keyDetail(columns: readonly string[], values: readonly (string | null)[]): string {
  return `Key (${columns.map(quoteName).join(", ")})=(${values.join(", ")})`;
}

/**
 * Does to the rows that refer to changed ones what the emulated foreign keys say, and so on from table to table: one
 * statement per key and level, however many rows there are.
 * @throws ForeignKeyViolation where a key refuses
 */
export async function actOnReferring(
  session: SqlSession,
  keys: readonly ForeignKey[],
  { table, isGone, rows }: ReferringChange,
): Promise<void> {
  for (const key of keys.filter(({ to }) => isSameTable(to, table))) {
    const { referenced } = key;
    const changed = rows.filter(
      ({ old, now }) =>
        referenced.every((column) => (old[column] ?? null) !== null) &&
        (now === undefined || referenced.some((column) => now[column] !== old[column])),
    );
    if (changed.length > 0) {
      const next = await actOnKey(session, keys, key, isGone ? key.onDelete : key.onUpdate, {
        table,
        isGone,
        rows: changed,
      });
      await actOnReferring(session, keys, next);
    }
  }
}

/** @returns the change to the referring rows */
async function actOnKey(
  session: SqlSession,
  keys: readonly ForeignKey[],
  key: ForeignKey,
  action: ReferentialAction,
  { isGone, rows }: ReferringChange,
): Promise<ReferringChange> {
  const { from, columns, referenced, types } = key;
  const olds = referenced.map((column) => rows.map(({ old }) => old[column] ?? null));
  if (action === "REFUSE") {
    const [row] = await session.query<{ values: readonly string[] }>(
      `SELECT ARRAY[${textOf("own", columns)}] AS values FROM ${parentsSql(key)} LIMIT 1`,
      olds,
    );
    if (row !== undefined) {
      throw ForeignKeyViolation.ofReferring(key, row.values);
    }
    return { table: from, isGone: false, rows: [] };
  }
  const isDelete = action === "CASCADE" && isGone;
  // The columns of the referring rows that others refer to.
  const further = [
    ...new Set(keys.filter(({ to }) => isSameTable(to, from)).flatMap((other) => other.referenced)),
  ];
  const news = referenced.map((column) =>
    rows.map(({ now }) => (action === "CASCADE" ? (now?.[column] ?? null) : null)),
  );
  const parameters = [...olds, ...(isDelete ? [] : news)];
  const names = parameters.map((_values, at) => `value${at}`);
  const lists = parameters.map((_values, at) => `$${at + 1}::text[]`).join(", ");
  const parents = `unnest(${lists}) AS parent(${names.join(", ")})`;
  const matches = columns
    .map((column, at) => `own.${quoteName(column)} = parent.value${at}::${types[at]}`)
    .join(" AND ");
  const texts = [
    ...further.map((column) => textOf("own", [column])),
    ...columns.map((_column, at) => `parent.value${at}`),
  ];
  const returned = `RETURNING ARRAY[${texts.join(", ")}] AS values`;
  const assigned = columns
    .map((column, at) => `${quoteName(column)} = parent.value${columns.length + at}::${types[at]}`)
    .join(", ");
  const text = isDelete
    ? `DELETE FROM ${tableSql(from)} AS own USING ${parents} WHERE ${matches} ${returned}`
    : `UPDATE ${tableSql(from)} AS own SET ${assigned} FROM ${parents} WHERE ${matches} ${returned}`;
  const found = await session.query<{ values: readonly (string | null)[] }>(text, parameters);
  return {
    table: from,
    isGone: isDelete,
    rows: found.map(({ values }) => {
      const now = Object.fromEntries(further.map((column, at) => [column, values[at] ?? null]));
      // The key's own columns held what they referred to.
      const was = Object.fromEntries(
        columns.map((column, at) => [column, values[further.length + at] ?? null]),
      );
      return isDelete ? { old: now } : { old: { ...now, ...was }, now };
    }),
  };
}
