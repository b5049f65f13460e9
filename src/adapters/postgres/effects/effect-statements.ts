import type { Model } from "../../../core/records/model.ts";
import { quoteName } from "../../../kernel/sql-session.ts";
import { keyColumns, keyMatches } from "../sql/bulk-target.ts";
import type { JoinTable, TableShape } from "../records/table-shape.ts";
import type { Effect } from "./effect-graph.ts";
import type { ForeignKey, TableName } from "./foreign-keys.ts";
import { keyList } from "../records/record-ids.ts";

// Values travel from statement to statement as text, which every type has, and are cast back to their column's.

/**
 * Reads columns of the records with the ids $1, an array, as text under their own names.
 * @param isLocking whether the records are locked, too
 */
export function rootsSql(shape: TableShape, columns: readonly string[], isLocking = false): string {
  return `
WITH target AS MATERIALIZED (SELECT ${keyColumns(shape)} FROM unnest($1::text[]) AS id)
SELECT ${textOf(columns)} FROM target JOIN ${shape.table} AS own ON ${keyMatches(shape, "own", "target")}
${isLocking ? "FOR UPDATE OF own" : ""}`;
}

/** The keys, as {@link keyList} gives them, of what the records with the ids $1, an array, are linked with. */
export function linkedSql(shape: TableShape, join: JoinTable, target: Model, maxRows?: number): string {
  const far = join.far.name.replaceAll('"', "");
  return `
WITH target AS MATERIALIZED (SELECT ${keyColumns(shape)} FROM unnest($1::text[]) AS id)
SELECT DISTINCT ${keyList(target, "own", [far])}
  FROM target JOIN ${join.table} AS own ON own.${join.near.name} = target.k0 ${limitSql(maxRows)}`;
}

/**
 * The keys, as {@link keyList} gives them, of the records that an effect reaches; see {@link parentsSql}.
 * @param maxRows of more, so many are read
 */
export function reachedSql(
  { foreignKey, keyColumns: columns }: Effect,
  model: Model,
  maxRows?: number,
): string {
  return `SELECT DISTINCT ${keyList(model, "own", columns)} FROM ${parentsSql(foreignKey)} ${limitSql(maxRows)}`;
}

/** Locks the rows that an effect changes, in a fixed order, and reads columns of them as text; see {@link parentsSql}. */
export function lockChangedSql({ foreignKey }: Effect, columns: readonly string[]): string {
  const order = columns.map((column) => `own.${quoteName(column)}`).join(", ");
  return `SELECT ${textOf(columns)} FROM ${parentsSql(foreignKey)} ORDER BY ${order} FOR UPDATE OF own`;
}

/** The same without locking them, of many at most `maxRows`. */
export function changedSql({ foreignKey }: Effect, columns: readonly string[], maxRows: number): string {
  return `SELECT DISTINCT ${textOf(columns)} FROM ${parentsSql(foreignKey)} ${limitSql(maxRows)}`;
}

/** `a.x = b.y AND …`: the rows of the one that refer to the other. */
export function refersSql({ columns, referenced }: ForeignKey, from: string, to: string): string {
  return columns
    .map((column, at) => `${from}.${quoteName(column)} = ${to}.${quoteName(referenced[at] ?? "")}`)
    .join(" AND ");
}

export function tableSql({ schema, table }: TableName): string {
  return `${quoteName(schema)}.${quoteName(table)}`;
}

/** The referring rows; their parents' values come as one array of text per column of the foreign key. */
function parentsSql({ from, columns, types }: ForeignKey): string {
  const parameters = columns.map((_column, at) => `$${at + 1}::text[]`).join(", ");
  const names = columns.map((_column, at) => `value${at}`);
  const conditions = columns.map(
    (column, at) => `own.${quoteName(column)} = parent.${names[at]}::${types[at]}`,
  );
  return `unnest(${parameters}) AS parent(${names.join(", ")}) JOIN ${tableSql(from)} AS own ON ${conditions.join(" AND ")}`;
}

function textOf(columns: readonly string[]): string {
  return columns.length === 0
    ? "1"
    : columns.map((column) => `own.${quoteName(column)}::text AS ${quoteName(column)}`).join(", ");
}

function limitSql(maxRows: number | undefined): string {
  return maxRows === undefined ? "" : `LIMIT ${maxRows}`;
}
