import { castText, requiredColumn } from "./bulk-target.ts";
import { keyList } from "../records/record-ids.ts";
import type { TableShape } from "../records/table-shape.ts";

/**
 * The common table expression `listed`: the places `at`, from 0, of the values of a unique key, and the values `v0`, `v1`
 * …, typed as in the table so that the key's index serves. $1 and the following parameters: texts of each field.
 */
export function listedKeysSql(table: TableShape, fields: readonly string[]): string {
  const lists = fields.map((_field, part) => `$${part + 1}::text[]`);
  const names = fields.map((_field, part) => `c${part}`);
  const values = fields.map(
    (field, part) => `${castText(requiredColumn(table, field), `c${part}`)} AS v${part}`,
  );
  return `listed AS MATERIALIZED (
  SELECT (at - 1)::integer AS at, ${values.join(", ")}
    FROM unnest(${lists.join(", ")}) WITH ORDINALITY AS given(${names.join(", ")}, at)
)`;
}

/** `t.email = listed.v0`; for several fields joined by AND. */
export function listedMatches(table: TableShape, fields: readonly string[]): string {
  return fields
    .map((field, part) => `t.${requiredColumn(table, field).name} = listed.v${part}`)
    .join(" AND ");
}

/**
 * The records with the listed values of a unique key: their places and their own keys (see record-ids).
 * @param isLocking locks them against other writers
 */
export function namedRecordsSql(table: TableShape, fields: readonly string[], isLocking: boolean): string {
  return `
WITH ${listedKeysSql(table, fields)}
SELECT listed.at, ${keyList(table.model, "t")}
  FROM listed JOIN ${table.table} t ON ${listedMatches(table, fields)}${isLocking ? " FOR UPDATE OF t" : ""}`;
}

/** $1 task, $2 ids. Those of the ids that are in the task's chunks. */
export const IDS_IN_CHUNKS = `
SELECT DISTINCT id FROM powercrud.chunk c, unnest(c.ids) AS id
 WHERE c.task_id = $1::uuid AND c.ids && $2::text[] AND id = ANY ($2::text[])`;
