import { keyColumns, keyMatches } from "../sql/bulk-target.ts";
import type { TableShape } from "../table-shape.ts";
import { refersSql, tableSql } from "./effect-statements.ts";
import { keyList } from "./record-ids.ts";
import type { ReferencePath } from "./reference-paths.ts";

/** Of the records with the ids $1, an array, each `record` with the key of the record that it refers to, if any. */
export function referenceSql(shape: TableShape, { steps, model }: ReferencePath): string {
  const joins = steps.map((step, at) => {
    const from = at === 0 ? "own" : `step${at - 1}`;
    return `JOIN ${tableSql(step.to)} AS step${at} ON ${refersSql(step, from, `step${at}`)}`;
  });
  return `
WITH target AS MATERIALIZED (SELECT id AS record, ${keyColumns(shape)} FROM unnest($1::text[]) AS id)
SELECT target.record, ${keyList(model, `step${steps.length - 1}`)}
  FROM target JOIN ${shape.table} AS own ON ${keyMatches(shape, "own", "target")} ${joins.join(" ")}`;
}
