import type { Model, TableName } from "../../../core/records/model.ts";
import { quoteName } from "../../../kernel/sql-session.ts";
import { keyMatches, withTargets } from "../sql/bulk-target.ts";
import type { JoinTable, TableShape } from "../records/table-shape.ts";
import type { Effect } from "./effect-graph.ts";
import type { ForeignKey } from "./foreign-keys.ts";
import { keyList } from "../records/record-ids.ts";

// Values pass from one statement to the next as text, and are cast back to the type of their column.

/**
 * Reads columns of the records with the ids $1, an array, as text under their own names.
 * @param isLocking whether the records are locked, too
 */
export function rootsSql(shape: TableShape, columns: readonly string[], isLocking = false): string {
  return `
${withTargets(shape)}
SELECT ${namedTexts(columns)} FROM target JOIN ${shape.table} AS own ON ${keyMatches(shape, "own", "target")}
${isLocking ? "FOR UPDATE OF own" : ""}`;
}

/** Reads the keys, as {@link keyList} does, of the records that are linked with the records with the ids $1, an array. */
export function linkedSql(shape: TableShape, join: JoinTable, target: Model, maxRows?: number): string {
  const far = join.far.name.replaceAll('"', "");
  return `
${withTargets(shape)}
SELECT DISTINCT ${keyList(target, "own", [far])}
  FROM target JOIN ${join.table} AS own ON own.${join.near.name} = target.k0 ${limitSql(maxRows)}`;
}

/**
 * Reads the keys, as {@link keyList} does, of the records that an effect reaches; see {@link parentsSql}.
 * @param maxRows the most keys to read
 */
export function reachedSql(
  { foreignKey, keyColumns: columns }: Effect,
  model: Model,
  maxRows?: number,
): string {
  return `SELECT DISTINCT ${keyList(model, "own", columns)} FROM ${parentsSql(foreignKey)} ${limitSql(maxRows)}`;
}

/** Locks the rows that an effect changes, in a fixed order, and reads some columns as text; see {@link parentsSql}. */
export function lockChangedSql({ foreignKey }: Effect, columns: readonly string[]): string {
  const order = columns.map((column) => `own.${quoteName(column)}`).join(", ");
  return `SELECT ${namedTexts(columns)} FROM ${parentsSql(foreignKey)} ORDER BY ${order} FOR UPDATE OF own`;
}

/** The same without locks, for at most `maxRows` rows. */
export function changedSql({ foreignKey }: Effect, columns: readonly string[], maxRows: number): string {
  return `SELECT DISTINCT ${namedTexts(columns)} FROM ${parentsSql(foreignKey)} ${limitSql(maxRows)}`;
}

/** `a.x = b.y AND …`: joins referring rows with the rows that they refer to. */
export function refersSql({ columns, referenced }: ForeignKey, from: string, to: string): string {
  return columns
    .map((column, at) => `${from}.${quoteName(column)} = ${to}.${quoteName(referenced[at] ?? "")}`)
    .join(" AND ");
}

export function tableSql({ schema, table }: TableName): string {
  return `${quoteName(schema)}.${quoteName(table)}`;
}

/** Joins the referring rows with their parents, whose values are parameters: one text array per column of the foreign key. */
export function parentsSql({ from, columns, types }: ForeignKey): string {
  const parameters = columns.map((_column, at) => `$${at + 1}::text[]`).join(", ");
  const names = columns.map((_column, at) => `value${at}`);
  const conditions = columns.map(
    (column, at) => `own.${quoteName(column)} = parent.${names[at]}::${types[at]}`,
  );
  return `unnest(${parameters}) AS parent(${names.join(", ")}) JOIN ${tableSql(from)} AS own ON ${conditions.join(" AND ")}`;
}

function namedTexts(columns: readonly string[]): string {
  return columns.length === 0
    ? "1"
    : columns.map((column) => `own.${quoteName(column)}::text AS ${quoteName(column)}`).join(", ");
}

/** `own.a::text, own.b::text` */
export function textOf(alias: string, columns: readonly string[]): string {
  return columns.map((column) => `${alias}.${quoteName(column)}::text`).join(", ");
}

function limitSql(maxRows: number | undefined): string {
  return maxRows === undefined ? "" : `LIMIT ${maxRows}`;
}
