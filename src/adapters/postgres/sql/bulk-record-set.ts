import type { BulkOperation } from "../../../core/bulk/bulk-writer.ts";
import type { TableShape } from "../table-shape.ts";
import { changeSql } from "./bulk-change.ts";
import { keyColumns, keyMatches, sameKey } from "./bulk-target.ts";

/** Changes the given records and returns the ids that were not there. */
export function recordSetSql(
  table: TableShape,
  operation: BulkOperation,
  ids: readonly string[],
): { readonly text: string; readonly values: readonly unknown[] } {
  const change = changeSql(table, operation, 2);
  const text = `
WITH target AS MATERIALIZED (
  SELECT id, ${keyColumns(table)} FROM unnest($1::text[]) AS id
), changed AS (
  ${change.text}
)
SELECT target.id FROM target WHERE NOT EXISTS (SELECT FROM changed WHERE ${sameKey(table, "changed", "target")})`;
  return { text, values: [ids, ...change.values] };
}

/** Locks the given records against other writers and returns the ids of those that are there. */
export function lockRecordsSql(table: TableShape): string {
  return `
WITH target AS MATERIALIZED (SELECT id, ${keyColumns(table)} FROM unnest($1::text[]) AS id)
SELECT target.id FROM target JOIN ${table.table} t ON ${keyMatches(table, "t", "target")} FOR UPDATE OF t`;
}
