import { changeSql } from "./bulk-change.ts";
import { leftOutSql } from "./bulk-next-chunk.ts";
import { plainChangeSql, rowColumns, targetList } from "./bulk-rows.ts";
import { keyMatches, withTargets } from "./bulk-target.ts";
import type { ColumnShape, TableShape } from "../records/table-shape.ts";
import type { BulkOperation } from "../../../core/bulk/record-writer.ts";
import type { RecordBatch } from "../../../core/tasks/record-batch.ts";
import { quoteName } from "../../../kernel/sql-session.ts";

/** A record that was not changed. */
export interface LeftOutRow {
  readonly id: string;
  readonly index: number | null;
  readonly is_stale: boolean;
}

/** Changes the given records and returns those that it did not change. */
export function recordSetSql(
  table: TableShape,
  operation: BulkOperation,
  { ids, fields, columns }: RecordBatch,
): { readonly text: string; readonly values: readonly unknown[] } {
  const own = [ids, ...columns];
  const lists = own.map((_list, at) => `$${at + 1}::text[]`).join(", ");
  const change = changeSql(table, operation, fields, own.length + 1);
  const text = `
WITH target AS MATERIALIZED (
  SELECT ${targetList(table, fields)} FROM unnest(${lists}) AS listed(${rowColumns(fields)})
), ${change.text}
${leftOutSql(table, fields)}`;
  return { text, values: [...own, ...change.values] };
}

/** An operation of a single write. */
type RowOperation = Exclude<BulkOperation, { readonly operation: "UPDATE" }>;

/**
 * Guards one record and changes it, in one statement. Returns a row if the record was written: its key's columns, then what
 * is asked for. The change waits for the guard, and is made only if no task holds the record. The guard is a volatile
 * function, so its queries see what was committed while it waited. The change sees the row as it is at the moment of locking
 * it, which is how READ COMMITTED updates rows. $1 model, $2 id, $3 lock scope; then the record's texts, one for each field.
 * @param returned the values of the row, from the written record as `t`; none for a delete
 */
export function guardedRecordSql(
  table: TableShape,
  operation: RowOperation,
  fields: readonly string[],
  returned: readonly string[],
): string {
  const texts = ["$2", ...fields.map((_field, at) => `$${at + 4}`)].map((parameter) => `${parameter}::text`);
  const target = `SELECT ${targetList(table, fields)} FROM (VALUES (${texts.join(", ")})) AS listed(${rowColumns(fields)})`;
  const plain = plainChangeSql(table, operation.operation, fields, { guard: GUARD, returned });
  if (plain !== undefined) {
    return `WITH target AS (${target}) ${plain}`;
  }
  const named = returned.map((value, at) => `${value} AS r${at}`);
  const change = changeSql(table, operation, fields, fields.length + 4, named);
  return `
WITH target AS MATERIALIZED (
  ${target}
   WHERE ${GUARD}
), ${change.text}
SELECT * FROM changed`;
}

const GUARD = "powercrud.enter_free_record($1::text, $2::text, $3::text)";

/** $1 ids. Locks the existing records against other writers and returns their ids. */
export function lockRecordsSql(table: TableShape): string {
  return `
${withTargets(table)}
SELECT target.id FROM target JOIN ${table.table} t ON ${keyMatches(table, "t", "target")} FOR UPDATE OF t`;
}

/** The name of the id, as given by the caller, among a loaded record's fields. No field name begins with `$`. */
export const LOADED_ID = "$id";

/** $1 ids. The existing records by field name, locked against other writers. */
export function loadRecordsSql(table: TableShape): string {
  const columns = [...table.columns.values()].map(
    (column) => `${plainValue(column)} AS ${quoteName(column.field.name)}`,
  );
  return `
${withTargets(table)}
SELECT target.id AS ${quoteName(LOADED_ID)}, ${columns.join(", ")}
  FROM target JOIN ${table.table} t ON ${keyMatches(table, "t", "target")} FOR UPDATE OF t`;
}

/** Enums are read as text: drivers do not know an app's own types. */
function plainValue({ field, name }: ColumnShape): string {
  const text = field.isList ? "::text[]" : "::text";
  return `t.${name}${field.kind === "enum" ? text : ""}`;
}
