import type { JoinTable, TableShape } from "../records/table-shape.ts";
import {
  castText,
  keepSql,
  keptValues,
  keyColumns,
  keyMatches,
  nowFor,
  requiredColumn,
  returnedKey,
  sameKey,
  touches,
  updateSql,
} from "./bulk-target.ts";
import type { BulkOperation } from "../../../core/bulk/record-writer.ts";
import type { LinkOperator, RowField, RowPart } from "../../../core/bulk/row-field.ts";
import { parseRowField } from "../../../core/bulk/row-field.ts";
import { updatedAtField } from "../../../core/records/model.ts";

type RowOperation = Extract<BulkOperation["operation"], "CREATE" | "UPDATE_EACH" | "UPSERT">;

/** A field with its place among the columns: its values are in `target.v<at>`. */
type PlacedField = RowField & { readonly at: number };

/** The names of the id and of the columns beside it: `id, c0, c1 …` */
export function rowColumns(fields: readonly string[]): string {
  return ["id", ...fields.map((_field, at) => `c${at}`)].join(", ");
}

/**
 * The select list of `target`: the id, the key's columns, and the columns beside them, typed as in the table. Reads rows
 * with {@link rowColumns}.
 */
export function targetList(table: TableShape, fields: readonly string[]): string {
  const values = fields.map((text, at) => `${typedValue(table, parseRowField(text), `c${at}`)} AS v${at}`);
  return ["id", keyColumns(table), ...values].join(", ");
}

function typedValue(table: TableShape, field: RowField, text: string): string {
  switch (field.kind) {
    case "VALUE":
    case "KEY":
      return castText(requiredColumn(table, field.field), text);
    case "LINKS":
    case "NEW_ID":
      return text;
    case "EXPECTED":
      return `${text}::timestamptz`;
    case "INDEX":
      return `${text}::integer`;
  }
}

/** The common table expressions of an operation that gives each record its own values. */
export function rowChangeSql(
  table: TableShape,
  operation: RowOperation,
  fields: readonly string[],
  returned: readonly string[] = [],
): string {
  const placed = placedFields(fields);
  switch (operation) {
    case "CREATE":
      return [
        `changed AS (\n  ${insertSql(table, placed, "target", returned)}\n)`,
        ...linkChanges(table, placed, "create", "changed"),
        ...keepSql(table),
      ].join(", ");
    case "UPDATE_EACH":
      return [
        `changed AS (\n  ${eachSql(table, placed, returned)}\n)`,
        ...linkChanges(table, placed, "update", "changed"),
        ...keepSql(table),
      ].join(", ");
    case "UPSERT":
      return [
        `updated AS (\n  ${eachSql(table, placed, returned)}\n)`,
        `absent AS (\n  SELECT * FROM target WHERE NOT EXISTS (SELECT FROM updated WHERE ${sameKey(table, "updated", "target")})\n)`,
        `inserted AS (\n  ${insertSql(table, placed, "absent", returned)}\n)`,
        "changed AS (\n  SELECT * FROM updated UNION ALL SELECT * FROM inserted\n)",
        ...linkChanges(table, placed, "update", "updated"),
        ...linkChanges(table, placed, "create", "inserted"),
      ].join(", ");
  }
}

/**
 * The same for an update or a delete of one record that changes nothing else, as a statement by itself: PostgreSQL takes the
 * row of `target` for constants, where common table expressions would cost as much as a tenth of the write. Undefined for
 * other operations.
 * @param guard a condition that is asked only for a row that is there, and before it is locked
 */
export function plainChangeSql(
  table: TableShape,
  operation: BulkOperation["operation"],
  fields: readonly string[],
  { guard, returned }: { readonly guard: string; readonly returned: readonly string[] },
): string | undefined {
  const placed = placedFields(fields);
  const condition = `${placedMatches(table, placed)} AND ${guard}`;
  if (operation === "DELETE") {
    return deleteSql(table, condition);
  }
  const isPlain = operation === "UPDATE_EACH" && placed.every(({ kind }) => kind !== "LINKS");
  return isPlain ? updateSql(table, assignmentsOf(table, placed), condition, returned) : undefined;
}

/** The column with the `@updatedAt` that records must still have; undefined if none is expected. */
export function expectedColumn(fields: readonly string[]): string | undefined {
  const found = placedFields(fields).find(({ kind }) => kind === "EXPECTED");
  return found === undefined ? undefined : `v${found.at}`;
}

/** The column with the records' indexes in the caller's list. */
export function indexColumn(fields: readonly string[]): string | undefined {
  const found = placedFields(fields).find(({ kind }) => kind === "INDEX");
  return found === undefined ? undefined : `v${found.at}`;
}

function placedFields(fields: readonly string[]): readonly PlacedField[] {
  return fields.map((text, at) => ({ ...parseRowField(text), at }));
}

function valuesOf(
  placed: readonly PlacedField[],
  part: RowPart,
): readonly (Extract<RowField, { kind: "VALUE" }> & { readonly at: number })[] {
  return placed.flatMap((field) => (field.kind === "VALUE" && field.part === part ? [field] : []));
}

function eachSql(table: TableShape, placed: readonly PlacedField[], returned: readonly string[]): string {
  return updateSql(table, assignmentsOf(table, placed), placedMatches(table, placed), returned);
}

function assignmentsOf(table: TableShape, placed: readonly PlacedField[]): readonly string[] {
  const assignments = valuesOf(placed, "update").map(
    ({ field, at }) => `${requiredColumn(table, field).name} = target.v${at}`,
  );
  return [...assignments, ...touches(table)];
}

/** Deletes the records of `target` that are not stale. */
export function deleteTargets(table: TableShape, fields: readonly string[]): string {
  return deleteSql(table, placedMatches(table, placedFields(fields)));
}

function deleteSql(table: TableShape, condition: string): string {
  return `DELETE FROM ${table.table} t USING target WHERE ${condition} RETURNING ${returnedKey(table)}`;
}

function placedMatches(table: TableShape, placed: readonly PlacedField[]): string {
  const expected = placed.find(({ kind }) => kind === "EXPECTED");
  const touched = updatedAtField(table.model);
  const isAsExpected =
    expected === undefined || touched === undefined
      ? ""
      : ` AND (target.v${expected.at} IS NULL OR ${updatedAtText(table, touched.name)} = target.v${expected.at})`;
  return `${keyMatches(table, "t", "target")}${isAsExpected}`;
}

/** Cut to the millisecond, the precision of JavaScript's dates. `timestamp` columns are in UTC. */
function updatedAtText(table: TableShape, name: string): string {
  const { name: column, type } = requiredColumn(table, name);
  const zoned = type.includes("with time zone") ? `t.${column}` : `t.${column} AT TIME ZONE 'UTC'`;
  return `date_trunc('milliseconds', ${zoned})`;
}

function insertSql(
  table: TableShape,
  placed: readonly PlacedField[],
  rows: string,
  returned: readonly string[],
): string {
  const keyNames = new Set(table.key.map(({ field }) => field.name));
  const values = valuesOf(placed, "create").filter(({ field }) => !keyNames.has(field));
  const touched = updatedAtField(table.model);
  const touchedColumn = touched === undefined ? [] : [requiredColumn(table, touched.name)];
  const names = [
    ...table.key.map(({ name }) => name),
    ...values.map(({ field }) => requiredColumn(table, field).name),
    ...touchedColumn.map(({ name }) => name),
  ];
  const sources = [
    ...table.key.map((_column, at) => `${rows}.k${at}`),
    ...values.map(({ at }) => `${rows}.v${at}`),
    ...touchedColumn.map(nowFor),
  ];
  // Others may have created a record of the same key since it was looked up. Without this, one of them would fail the set.
  const isTaken = placed.some(({ kind }) => kind === "KEY") ? " ON CONFLICT DO NOTHING" : "";
  // The key of a GENERATED ALWAYS AS IDENTITY column was drawn from its sequence beforehand.
  return `INSERT INTO ${table.table} AS t (${names.join(", ")})
  OVERRIDING SYSTEM VALUE SELECT ${sources.join(", ")} FROM ${rows}${isTaken} RETURNING ${[returnedKey(table), ...returned, ...keptValues(table, null)].join(", ")}`;
}

function linkChanges(
  table: TableShape,
  placed: readonly PlacedField[],
  part: RowPart,
  rows: string,
): readonly string[] {
  return placed.flatMap((field) => {
    if (field.kind !== "LINKS" || field.part !== part) {
      return [];
    }
    const join = table.joinTables.get(field.field);
    if (join === undefined) {
      throw new TypeError(
        `${table.model.name} has no links ${field.field}; the change should have been checked`,
      );
    }
    return linkSql(
      { join, operator: field.operator, ids: `target.v${field.at}` },
      rows,
      `${part}_link${field.at}`,
    );
  });
}

/** A change of links, for all rows of a common table expression. */
interface LinkChange {
  readonly join: JoinTable;
  readonly operator: LinkOperator;
  /** Ids of the far records as a JSON array in a text; may name a column of `target`. */
  readonly ids: string;
}

/**
 * The common table expressions that change the links of rows.
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
     AND (${near}, ${far}) NOT IN (SELECT near, far FROM ${wantedName})
)`;
  const steps: Readonly<Record<LinkOperator, readonly string[]>> = {
    add: [add],
    remove: [remove],
    set: [dropOthers, add],
  };
  return [`${wantedName} AS MATERIALIZED (${wanted}\n)`, ...steps[operator]];
}
