import type { ColumnShape, TableShape } from "../table-shape.ts";
import { castText } from "./cast-text.ts";

/**
 * The select list that turns a column `id`, canonical text, into the key's columns `k0`, `k1` …, typed as in the
 * table so that its primary key index serves. A composite id is the base64url of a JSON array (see
 * core/records/record-key).
 */
export function keyColumns(table: TableShape): string {
  const [only] = table.key;
  if (table.key.length === 1 && only !== undefined) {
    return `${castText(only, "id")} AS k0`;
  }
  return table.key.map((column, at) => `${castText(column, compositePart(at))} AS k${at}`).join(", ");
}

/** `t.a = target.k0 AND t.b = target.k1` */
export function keyMatches(table: TableShape, left: string, right: string): string {
  return table.key.map((column: ColumnShape, at) => `${left}.${column.name} = ${right}.k${at}`).join(" AND ");
}

/** `t.a AS k0, t.b AS k1` */
export function returnedKey(table: TableShape): string {
  return table.key.map((column, at) => `t.${column.name} AS k${at}`).join(", ");
}

/** `changed.k0 = target.k0 AND …` */
export function sameKey(table: TableShape, left: string, right: string): string {
  return table.key.map((_, at) => `${left}.k${at} = ${right}.k${at}`).join(" AND ");
}

function compositePart(at: number): string {
  const base64 = "rpad(translate(id, '-_', '+/'), ((length(id) + 3) / 4) * 4, '=')";
  return `(convert_from(decode(${base64}, 'base64'), 'UTF8')::jsonb ->> ${at})`;
}
