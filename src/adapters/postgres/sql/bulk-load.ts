import { quoteName } from "../../../kernel/sql-session.ts";
import type { ColumnShape, TableShape } from "../table-shape.ts";
import { keyColumns, keyMatches } from "./bulk-target.ts";

/** Beside a record's fields: its id as it was asked for. No field begins like that. */
export const LOADED_ID = "$id";

/** $1 ids. The records that are there, by field name, locked against other writers. */
export function loadRecordsSql(table: TableShape): string {
  const columns = [...table.columns.values()].map(
    (column) => `${plainValue(column)} AS ${quoteName(column.field.name)}`,
  );
  return `
WITH target AS MATERIALIZED (SELECT id, ${keyColumns(table)} FROM unnest($1::text[]) AS id)
SELECT target.id AS ${quoteName(LOADED_ID)}, ${columns.join(", ")}
  FROM target JOIN ${table.table} t ON ${keyMatches(table, "t", "target")} FOR UPDATE OF t`;
}

/** Drivers know nothing of an app's own types, so enums come as texts. */
function plainValue({ field, name }: ColumnShape): string {
  const text = field.isList ? "::text[]" : "::text";
  return `t.${name}${field.kind === "enum" ? text : ""}`;
}
