import { updatedAtField } from "../../../core/records/model.ts";
import type { ColumnShape, TableShape } from "../table-shape.ts";
import { returnedKey } from "./bulk-target.ts";

/** Where there is nothing to assign the rows are locked, so that their links change like columns would. */
export function updateSql(table: TableShape, assignments: readonly string[], condition: string): string {
  return assignments.length === 0
    ? `SELECT ${returnedKey(table)} FROM ${table.table} t JOIN target ON ${condition} FOR UPDATE OF t`
    : `UPDATE ${table.table} t SET ${assignments.join(", ")} FROM target WHERE ${condition} RETURNING ${returnedKey(table)}`;
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

/** Prisma keeps `timestamp` columns in UTC, whatever the session's time zone. */
export function nowFor({ type }: ColumnShape): string {
  return type.includes("with time zone") ? "now()" : "now() AT TIME ZONE 'UTC'";
}

/** @throws TypeError for a field that is no column: a fault of ours, for changes are checked before */
export function requiredColumn(table: TableShape, name: string): ColumnShape {
  const column = table.columns.get(name);
  if (column === undefined) {
    throw new TypeError(
      `${table.model.name} has no column field ${name}; the change should have been checked`,
    );
  }
  return column;
}
