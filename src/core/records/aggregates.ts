import { oncePer } from "../../kernel/once-per.ts";
import { firstFree } from "./api-name.ts";
import { isFilterable, isReadable } from "./field-switches.ts";
import type { ColumnField, Model, ScalarField, ScalarType } from "./model.ts";
import { columnsOf, computedField } from "./model.ts";

/** What can be computed of the values of a column. */
export type ColumnOperation = "min" | "max" | "sum" | "avg" | "countDistinct";

/** A figure over many records. */
export interface Aggregate {
  readonly operation: "count" | ColumnOperation;
  /** Undefined for the number of records. */
  readonly column: ColumnField | undefined;
  /** The figure as if it were a column, called `count` or `sum.population`; with the switches of its column. */
  readonly field: ScalarField;
}

/** The number of records as if it were a column. */
export const RECORD_COUNT: ScalarField = computedField("count", "count", "Int");

/** What a group's records have in common: the value of a column, or the period in which its moment lies. */
export interface GroupKey {
  readonly column: ColumnField;
  readonly period: Period | undefined;
  /** The value as if it were a column, called `key.status` or `key.soldAt_MONTH`. Null where the column is. */
  readonly field: ColumnField;
}

/** A period of time that moments are grouped by; weeks begin on Monday. */
export type Period = "HOUR" | "DAY" | "WEEK" | "MONTH" | "YEAR";

const PERIODS: readonly Period[] = ["HOUR", "DAY", "WEEK", "MONTH", "YEAR"];

type ResultTypes = Readonly<Partial<Record<ScalarType, ScalarType>>>;

const SAME: ResultTypes = {
  Int: "Int",
  BigInt: "BigInt",
  Float: "Float",
  Decimal: "Decimal",
  DateTime: "DateTime",
};

/** The type of each operation's result, by the column's type. No digit is lost where the column has all of them. */
const RESULT_TYPES: Readonly<Record<Exclude<ColumnOperation, "countDistinct">, ResultTypes>> = {
  min: SAME,
  max: SAME,
  // A sum of many BigInts can exceed 64 bits.
  sum: { Int: "BigInt", BigInt: "Decimal", Float: "Float", Decimal: "Decimal" },
  avg: { Int: "Float", BigInt: "Decimal", Float: "Float", Decimal: "Decimal" },
};

/** All figures that callers may ask for of the model's records. */
export const aggregatesOf: (model: Model) => readonly Aggregate[] = oncePer(findAggregates);

function findAggregates(model: Model): readonly Aggregate[] {
  const columns = columnsOf(model).filter((column) => isReadable(column) && !column.isList);
  const operations = [
    ...(Object.keys(RESULT_TYPES) as (keyof typeof RESULT_TYPES)[]),
    "countDistinct" as const,
  ];
  return [
    { operation: "count", column: undefined, field: RECORD_COUNT },
    ...operations.flatMap((operation) =>
      columns.flatMap((column): readonly Aggregate[] => {
        const type = resultType(operation, column);
        if (type === undefined) {
          return [];
        }
        const { name, apiName, switches, nativeType } = column;
        const plain = computedField(
          `${operation}.${name}`,
          `${operation}.${apiName}`,
          type,
          operation !== "countDistinct",
        );
        const isSame = operation === "min" || operation === "max";
        const field = {
          ...plain,
          ...(switches === undefined ? {} : { switches }),
          ...(isSame && nativeType !== undefined ? { nativeType } : {}),
        };
        return [{ operation, column, field }];
      }),
    ),
  ];
}

function resultType(operation: ColumnOperation, column: ColumnField): ScalarType | undefined {
  if (operation === "countDistinct") {
    return isComparable(column) ? "Int" : undefined;
  }
  return column.kind === "enum" ? undefined : RESULT_TYPES[operation][column.type];
}

/** Whether the database can tell which of the column's values are equal. */
function isComparable({ type }: ColumnField): boolean {
  return type !== "Json" && type !== "Bytes";
}

/** The figures as a model of their own, whose filters are conditions on groups. */
export const figuresModel: (model: Model) => Model = oncePer((model) => ({
  ...model,
  fields: aggregatesOf(model).map(({ field }) => field),
}));

/** Everything that callers may group the model's records by. */
export const groupKeysOf: (model: Model) => readonly GroupKey[] = oncePer(findGroupKeys);

/** Words that GraphQL does not take as values of an enum. */
const NO_VALUES = ["true", "false", "null"];

function findGroupKeys(model: Model): readonly GroupKey[] {
  const columns = columnsOf(model).filter(
    (column) => isFilterable(column) && isComparable(column) && !column.isList,
  );
  const taken = new Set([...NO_VALUES, ...columns.map(({ apiName }) => apiName)]);
  const named = (column: ColumnField, period: Period | undefined, apiName: string): GroupKey => {
    // With a dot, so that it is not a figure's.
    const name = `key.${column.name}${period === undefined ? "" : `_${period}`}`;
    return { column, period, field: { ...column, name, apiName, isNullable: true } };
  };
  return columns.flatMap((column) => [
    named(column, undefined, NO_VALUES.includes(column.apiName) ? `${column.apiName}_` : column.apiName),
    ...(column.type === "DateTime" ? PERIODS : []).map((period) => {
      const apiName = firstFree(`${column.apiName}_${period}`, (free) => !taken.has(free));
      taken.add(apiName);
      return named(column, period, apiName);
    }),
  ]);
}
