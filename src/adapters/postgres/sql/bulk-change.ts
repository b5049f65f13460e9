import type { Json } from "../../../kernel/json.ts";
import type { BulkOperation } from "../../../core/bulk/bulk-writer.ts";
import type { FieldChange, RecordChange } from "../../../core/records/change.ts";
import { updatedAtField } from "../../../core/records/model.ts";
import type { ColumnShape, TableShape } from "../table-shape.ts";
import { keyMatches, returnedKey } from "./bulk-target.ts";

/** A data-changing statement over the common table expression `target`, and its parameters. */
export interface ChangeSql {
  readonly text: string;
  readonly values: readonly unknown[];
}

const ARITHMETIC: Readonly<Record<string, string>> = { increment: "+", decrement: "-", multiply: "*" };

/**
 * `UPDATE … FROM target` or `DELETE … USING target`, returning the keys that were there. Every parameter is text,
 * cast to its column's type by PostgreSQL itself, so one rule serves every type.
 * @param firstParameter number of the first free parameter
 */
export function changeSql(table: TableShape, operation: BulkOperation, firstParameter: number): ChangeSql {
  if (operation.operation === "DELETE") {
    return {
      text: `DELETE FROM ${table.table} t USING target WHERE ${keyMatches(table, "t", "target")} RETURNING ${returnedKey(table)}`,
      values: [],
    };
  }
  const { assignments, values } = assignmentsOf(table, operation.change, firstParameter);
  return {
    text: `UPDATE ${table.table} t SET ${assignments.join(", ")} FROM target WHERE ${keyMatches(table, "t", "target")} RETURNING ${returnedKey(table)}`,
    values,
  };
}

function assignmentsOf(
  table: TableShape,
  change: RecordChange,
  firstParameter: number,
): { assignments: readonly string[]; values: readonly unknown[] } {
  const assignments: string[] = [];
  const values: unknown[] = [];
  for (const [name, fieldChange] of Object.entries(change)) {
    const column = requiredColumn(table, name);
    const [operator, value] = onlyMember(fieldChange);
    const parameter = castParameter(column, firstParameter + values.length);
    const sign = ARITHMETIC[operator];
    assignments.push(
      `${column.name} = ${sign === undefined ? parameter : `t.${column.name} ${sign} ${parameter}`}`,
    );
    values.push(encodeValue(column, value));
  }
  const touched = updatedAtField(table.model);
  if (touched !== undefined) {
    assignments.push(touchAssignment(requiredColumn(table, touched.name)));
  }
  return { assignments, values };
}

/** Prisma keeps `timestamp` columns in UTC, whatever the session's time zone. */
function touchAssignment(column: ColumnShape): string {
  const isZoned = column.type.includes("with time zone");
  return `${column.name} = ${isZoned ? "now()" : "now() AT TIME ZONE 'UTC'"}`;
}

function castParameter(column: ColumnShape, number: number): string {
  if (column.field.type === "Bytes") {
    return column.field.isList
      ? `(SELECT array_agg(decode(part, 'base64')) FROM unnest($${number}::text[]) part)`
      : `decode($${number}::text, 'base64')`;
  }
  return `$${number}::text${column.field.isList ? "[]" : ""}::${column.type}`;
}

function encodeValue({ field }: ColumnShape, value: Json): unknown {
  if (field.isList && Array.isArray(value)) {
    return value.map((item: Json) => encodeItem(field.type, item));
  }
  return encodeItem(field.type, value);
}

function encodeItem(type: string, value: Json): string | null {
  if (value === null) {
    return null;
  }
  if (type === "Json" || typeof value === "object") {
    return JSON.stringify(value);
  }
  return type === "DateTime" ? new Date(String(value)).toISOString() : String(value);
}

function requiredColumn(table: TableShape, name: string): ColumnShape {
  const column = table.columns.get(name);
  if (column === undefined) {
    throw new TypeError(
      `${table.model.name} has no column field ${name}; the change should have been checked`,
    );
  }
  return column;
}

function onlyMember(change: FieldChange): readonly [string, Json] {
  const [member] = Object.entries(change) as [string, Json][];
  if (member === undefined) {
    throw new TypeError("a field change without an operation; it should have been checked");
  }
  return member;
}
