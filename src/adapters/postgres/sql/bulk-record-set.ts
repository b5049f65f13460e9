import type { BulkOperation } from "../../../core/bulk/bulk-writer.ts";
import type { RecordBatch } from "../../../core/tasks/record-batch.ts";
import type { TableShape } from "../table-shape.ts";
import { changeSql } from "./bulk-change.ts";
import { leftOutSql } from "./bulk-next-chunk.ts";
import { rowColumns, targetList } from "./bulk-rows.ts";
import { keyColumns, keyMatches } from "./bulk-target.ts";

/** A record that was not changed. */
export interface LeftOutRow {
  readonly id: string;
  readonly index: number | null;
  readonly is_stale: boolean;
}

/** Changes the given records and returns those that it left out. */
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

/** Locks the given records against other writers and returns the ids of those that are there. */
export function lockRecordsSql(table: TableShape): string {
  return `
WITH target AS MATERIALIZED (SELECT id, ${keyColumns(table)} FROM unnest($1::text[]) AS id)
SELECT target.id FROM target JOIN ${table.table} t ON ${keyMatches(table, "t", "target")} FOR UPDATE OF t`;
}
