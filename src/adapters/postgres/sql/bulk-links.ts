import type { LinkOperator } from "../../../core/bulk/row-field.ts";
import type { JoinTable } from "../join-table.ts";

/** A change of links, for all rows of a common table expression. */
export interface LinkChange {
  readonly join: JoinTable;
  readonly operator: LinkOperator;
  /** Ids of the far records as a JSON array in a text; may name a column of `target`. */
  readonly ids: string;
}

/**
 * The common table expressions, each under a name of its own, that change the links of rows.
 * @param rows the expression with the near records' keys in `k0`
 * @param prefix begins each of their names
 */
export function linkSql(
  { join, operator, ids }: LinkChange,
  rows: string,
  prefix: string,
): readonly string[] {
  const wanted = `
  SELECT DISTINCT ${rows}.k0 AS near, far::${join.far.type} AS far
    FROM ${rows} JOIN target ON target.k0 = ${rows}.k0, jsonb_array_elements_text(${ids}::jsonb) AS far`;
  const wantedName = `${prefix}_wanted`;
  const near = `j.${join.near.name}`;
  const far = `j.${join.far.name}`;
  const add = `${prefix}_added AS (
  INSERT INTO ${join.table} (${join.near.name}, ${join.far.name}) SELECT near, far FROM ${wantedName}
  ON CONFLICT DO NOTHING
)`;
  const remove = `${prefix}_removed AS (
  DELETE FROM ${join.table} j USING ${wantedName} w WHERE ${near} = w.near AND ${far} = w.far
)`;
  const dropOthers = `${prefix}_dropped AS (
  DELETE FROM ${join.table} j USING ${rows} JOIN target ON target.k0 = ${rows}.k0
   WHERE ${near} = ${rows}.k0 AND ${ids} IS NOT NULL
     AND NOT EXISTS (SELECT FROM ${wantedName} w WHERE w.near = ${near} AND w.far = ${far})
)`;
  const steps: Readonly<Record<LinkOperator, readonly string[]>> = {
    add: [add],
    remove: [remove],
    set: [dropOthers, add],
  };
  return [`${wantedName} AS MATERIALIZED (${wanted}\n)`, ...steps[operator]];
}
