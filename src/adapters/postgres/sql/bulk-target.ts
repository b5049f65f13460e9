import type { ColumnShape, TableShape } from "../records/table-shape.ts";
import { updatedAtField } from "../../../core/records/model.ts";

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

/** $1 ids. Opens a statement with the rows `target`: each id with its key's columns. */
export function withTargets(table: TableShape): string {
  return `WITH target AS MATERIALIZED (SELECT id, ${keyColumns(table)} FROM unnest($1::text[]) AS id)`;
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

/**
 * Without assignments, only locks the rows, so that their links can be changed under the same lock.
 * @param returned what the rows have besides the key, from the table as `t`
 */
export function updateSql(
  table: TableShape,
  assignments: readonly string[],
  condition: string,
  returned: readonly string[] = [],
): string {
  const columns = (old: string): string =>
    [returnedKey(table), ...returned, ...keptValues(table, old)].join(", ");
  if (assignments.length === 0) {
    return `SELECT ${columns("t")} FROM ${table.table} t JOIN target ON ${condition} FOR UPDATE OF t`;
  }
  const isJoined = table.kept !== undefined && !table.hasOld;
  const before = isJoined ? ` JOIN ${table.table} o ON ${keyMatches(table, "o", "target")}` : "";
  return `UPDATE ${table.table} t SET ${assignments.join(", ")} FROM target${before} WHERE ${condition} RETURNING ${columns(isJoined ? "o" : "old")}`;
}

/** The values that a dry run keeps of a written row `t`, before (`b0` …) and after (`a0` …). @param old null: a new row */
export function keptValues(table: TableShape, old: string | null): readonly string[] {
  return (table.kept ?? []).flatMap((field, at) => {
    const { name, type } = requiredColumn(table, field.name);
    return [`${old === null ? `NULL::${type}` : `${old}.${name}`} AS b${at}`, `t.${name} AS a${at}`];
  });
}

/** The records of a dry run, with the values before and after the write. Gone with the transaction. */
export const KEPT_TABLE = "pg_temp.powercrud_kept";

/** Common table expressions that keep the values of `changed`. */
export function keepSql({ key, kept }: TableShape): readonly string[] {
  if (kept === undefined) {
    return [];
  }
  const columns = [
    ...key.map((_column, at) => `k${at}`),
    ...kept.flatMap((_field, at) => [`b${at}`, `a${at}`]),
  ];
  return [`kept AS (INSERT INTO ${KEPT_TABLE} SELECT ${columns.join(", ")} FROM changed)`];
}

/** `"updated_at" = now()`, for models that have one. */
export function touches(table: TableShape): readonly string[] {
  const touched = updatedAtField(table.model);
  if (touched === undefined) {
    return [];
  }
  const column = requiredColumn(table, touched.name);
  return [`${column.name} = ${nowFor(column)}`];
}

/** Prisma keeps `timestamp` columns in UTC, regardless of the session's time zone. */
export function nowFor({ type }: ColumnShape): string {
  return type.includes("with time zone") ? "now()" : "now() AT TIME ZONE 'UTC'";
}

/** @throws TypeError for a field that is not a column; changes are checked earlier, so this is a bug */
export function requiredColumn(table: TableShape, name: string): ColumnShape {
  const column = table.columns.get(name);
  if (column === undefined) {
    throw new TypeError(
      `${table.model.name} has no column field ${name}; the change should have been checked`,
    );
  }
  return column;
}

/**
 * Turns a text (see core's column-text) into a value as Prisma would write it. PostgreSQL casts to the column's type, so
 * one rule serves nearly every type.
 * @param expression of type text: a parameter, or a column
 */
export function castText(column: ColumnShape, expression: string): string {
  const { field, type } = column;
  if (!field.isList) {
    return `${readable(column, expression)}::${type}`;
  }
  return (
    `CASE WHEN ${expression} IS NOT NULL THEN ` +
    `ARRAY(SELECT ${readable(column, "item")} FROM jsonb_array_elements_text(${expression}::jsonb) AS item)::${type} END`
  );
}

/** The text of one value, in a form that PostgreSQL can cast to the column's type. */
function readable({ field, type }: ColumnShape, text: string): string {
  if (field.type === "Bytes") {
    return `decode(${text}, 'base64')`;
  }
  if (type.startsWith("time with")) {
    // The UTC time of day, cut from a full timestamp. Without its zone, as Prisma does: `timetz` would keep it.
    return `rtrim(split_part(${text}, 'T', 2), 'Z')`;
  }
  // The type money does not parse exponents.
  return type.startsWith("money") ? `${text}::numeric` : text;
}
