import { isLacking } from "../../../core/filters/operators.ts";
import type { Aggregate, GroupKey } from "../../../core/records/aggregates.ts";
import { AppError } from "../../../kernel/app-error.ts";
import type { Statement } from "../filters/column-to-sql.ts";
import type { ColumnShape, TableShape } from "../records/table-shape.ts";
import { requiredColumn } from "../sql/bulk-target.ts";

/** A value of a group in SQL. */
export interface GroupValue {
  readonly sql: string;
  /** The value as a column; without its name. */
  readonly shape: Omit<ColumnShape, "name">;
}

/** A figure over the rows of the table. @param alias the table's name in the statement */
export function figureToSql(
  table: TableShape,
  alias: string,
  { operation, column, field }: Aggregate,
): GroupValue {
  const value = (sql: string, type: string): GroupValue => ({
    sql,
    shape: { field, type, nativeType: type },
  });
  if (column === undefined || operation === "count") {
    return value("count(*)", "bigint");
  }
  const shape = requiredColumn(table, column.name);
  const name = `${alias}.${shape.name}`;
  switch (operation) {
    case "min":
    case "max":
      return { sql: `${operation}(${name})`, shape: { ...shape, field } };
    case "countDistinct":
      checkComparable(shape);
      return value(`count(DISTINCT ${name})`, "bigint");
    case "sum":
    case "avg":
      return value(
        `${operation}(${name}::${WIDE_TYPES[column.type] ?? "numeric"})::${RESULT_TYPES[field.type] ?? "numeric"}`,
        RESULT_TYPES[field.type] ?? "numeric",
      );
  }
}

/** Types in which sums and averages of a column are computed; some native types, such as money and oid, have none. */
const WIDE_TYPES: Readonly<Record<string, string>> = { Int: "bigint", Float: "double precision" };
const RESULT_TYPES: Readonly<Record<string, string>> = { BigInt: "bigint", Float: "double precision" };

/** The value that a group's rows share. */
export function keyToSql(
  table: TableShape,
  alias: string,
  { column, period, field }: GroupKey,
  timeZone: string,
  statement: Statement,
): GroupValue {
  const shape = requiredColumn(table, column.name);
  const name = `${alias}.${shape.name}`;
  checkComparable(shape);
  if (period === undefined) {
    return { sql: name, shape: { ...shape, field } };
  }
  const unit = `'${period.toLowerCase()}'`;
  if (shape.nativeType === "date") {
    return { sql: `date_trunc(${unit}, ${name}::timestamp)::date`, shape: { ...shape, field } };
  }
  if (!shape.nativeType.startsWith("timestamp")) {
    const message = `by: ${field.apiName} is not possible: ${column.apiName} holds times of day, not moments.`;
    throw new AppError("VALIDATION_FAILED", message, { details: { field: "by" } });
  }
  // A column without a time zone holds UTC.
  const moment = shape.nativeType.includes("without time zone") ? `${name} AT TIME ZONE 'UTC'` : name;
  const type = "timestamp with time zone";
  const sql = `date_trunc(${unit}, ${moment}, ${statement.parameter(timeZone)}::text)`;
  return { sql, shape: { field, type, nativeType: type } };
}

/** @throws AppError VALIDATION_FAILED for a native type whose values the database cannot compare */
function checkComparable({ field, nativeType }: ColumnShape): void {
  if (isLacking({ ...field, nativeType }, "equals")) {
    const message = `${field.apiName} cannot be grouped or counted: the database cannot compare values of its type, ${nativeType}.`;
    throw new AppError("VALIDATION_FAILED", message, { details: { field: field.apiName } });
  }
}
