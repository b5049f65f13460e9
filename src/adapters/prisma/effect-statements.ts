import type { Model } from "../../core/records/model.ts";
import type { Effect } from "./effect-graph.ts";
import type { ForeignKey, TableName } from "./foreign-keys.ts";
import { quoteName } from "./quote-name.ts";

// Values travel from statement to statement as text, which every type has, and are cast back to their column's.

/** Locks one record, by its key's values, and reads columns of it as text under their own names. */
export function rootSql(model: Model, columns: readonly string[]): string {
  const conditions = model.key.map((field, at) => `own.${quoteName(field.column)} = $${at + 1}`);
  return `SELECT ${textOf(columns)} FROM ${tableSql(model)} AS own WHERE ${conditions.join(" AND ")} FOR UPDATE`;
}

/** The keys, under the names of the model's key fields, of the records that an effect reaches; see {@link parentsSql}. */
export function reachedSql({ foreignKey, keyColumns }: Effect, model: Model): string {
  const keys = model.key.map(
    (field, at) => `own.${quoteName(keyColumns[at] ?? field.column)} AS ${quoteName(field.name)}`,
  );
  return `SELECT ${keys.join(", ")} FROM ${parentsSql(foreignKey)}`;
}

/** Locks the rows that an effect changes, in a fixed order, and reads columns of them as text; see {@link parentsSql}. */
export function changedSql({ foreignKey }: Effect, columns: readonly string[]): string {
  const order = columns.map((column) => `own.${quoteName(column)}`).join(", ");
  return `SELECT ${textOf(columns)} FROM ${parentsSql(foreignKey)} ORDER BY ${order} FOR UPDATE OF own`;
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

function tableSql({ schema, table }: TableName): string {
  return `${quoteName(schema)}.${quoteName(table)}`;
}
