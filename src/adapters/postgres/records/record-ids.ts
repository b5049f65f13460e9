import type { ColumnField, Model } from "../../../core/records/model.ts";
import { formatRecordKey } from "../../../core/records/record-key.ts";
import { quoteName } from "../../../kernel/sql-session.ts";

/** A row with a record's key in its columns `k0`, `k1` …; see {@link keyList}. */
export type KeyRow = Readonly<Record<`k${number}`, unknown>>;

/**
 * The select list that reads a model's key as `k0`, `k1` …
 * @param columns the columns with the key's values, in the order of the model's key. Default: the model's own columns
 */
export function keyList(model: Model, alias: string, columns: readonly string[] = []): string {
  const parts = model.key.map((field, at) => {
    const column = `${alias}.${quoteName(columns[at] ?? field.column)}`;
    return `${readable(field, column)} AS k${at}`;
  });
  return parts.join(", ");
}

/** The canonical id of the record whose key a row holds. */
export function idOfRow(model: Model, row: KeyRow): string {
  const values = model.key.map((field, at) => {
    const value = row[`k${at}`];
    return [field.name, field.type === "DateTime" ? new Date(Number(value)) : value] as const;
  });
  return formatRecordKey(model, Object.fromEntries(values));
}

/** Reads times as milliseconds since 1970: drivers differ in whether they take a time without a zone as local or UTC. */
function readable({ type }: ColumnField, column: string): string {
  return type === "DateTime" ? `round(extract(epoch FROM ${column}) * 1000)::float8` : column;
}
