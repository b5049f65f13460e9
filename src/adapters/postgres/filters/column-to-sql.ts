import type { Json, JsonObject } from "../../../kernel/json.ts";
import type { ListOperator, ValueOperator } from "../../../core/filters/operators.ts";
import { toColumnText } from "../../../core/records/column-text.ts";
import type { ColumnField } from "../../../core/records/model.ts";
import { castText } from "../sql/bulk-target.ts";
import type { ColumnShape, TableShape } from "../records/table-shape.ts";

/** A statement under construction: collects its parameters and names its tables. */
export interface Statement {
  /** The parameters' values, in order. */
  readonly values: unknown[];
  /** Adds a parameter. @returns its placeholder: `$3` */
  parameter(value: unknown): string;
  /** A new name for a table: `t2`. */
  alias(): string;
}

export function createStatement(): Statement {
  const values: unknown[] = [];
  let tables = 0;
  return {
    values,
    parameter: (value) => `$${values.push(value)}`,
    alias: () => `t${(tables += 1)}`,
  };
}

/** One operator on one column. */
export interface ColumnTest {
  readonly table: TableShape;
  readonly field: ColumnField;
  /** The table's name in the statement. */
  readonly alias: string;
  readonly isNegated: boolean;
  /** The operator and those given with it, which can include `mode` and `path`. */
  readonly operators: JsonObject;
  readonly operator: string;
  readonly operand: Json;
}

/** The condition in SQL. @throws TypeError for an operator that the column does not have */
export function columnToSql(statement: Statement, test: ColumnTest): string {
  const { table, field, operator, operand } = test;
  const shape = table.columns.get(field.name);
  const translate = (field.isList ? LIST_SQL : field.type === "Json" ? JSON_SQL : VALUE_SQL)[operator];
  if (shape === undefined || translate === undefined) {
    throw new TypeError(
      `a filter uses "${operator}" on ${table.model.name}.${field.name}, which does not have this operator`,
    );
  }
  const column = `${test.alias}.${shape.name}`;
  return translate({ ...test, statement, shape, column }, operand);
}

interface Translation extends ColumnTest {
  readonly statement: Statement;
  readonly shape: ColumnShape;
  /** Quoted, with its table. */
  readonly column: string;
}

type Translate = (test: Translation, operand: Json) => string;

const isNull: Translate = ({ column }, operand) =>
  operand === true ? `${column} IS NULL` : `(NOT ${column} IS NULL)`;

/** Compares with one value. A null, which only an app's own scope can contain, matches null. */
function comparison(sign: string, like?: string): Translate {
  return (test, operand) => {
    if (operand === null) {
      return `${test.column} IS ${sign === "=" ? "" : "NOT "}NULL`;
    }
    if (!isInsensitive(test)) {
      return `${test.column} ${sign} ${castOperand(test, operand)}`;
    }
    return like === undefined
      ? `LOWER(${test.column}) ${sign} LOWER(${castOperand(test, operand)})`
      : `${test.column} ${like} ${test.statement.parameter(escapeLike(operand))}::text`;
  };
}

/** @param ifEmpty the condition for an empty list; needed for types without comparison, too */
function listComparison(sign: string, ifEmpty: string): Translate {
  return (test, operand) => {
    if ((operand as readonly Json[]).length === 0) {
      return ifEmpty;
    }
    const values = castOperands(test, operand as readonly Json[]);
    return isInsensitive(test)
      ? `LOWER(${test.column}) ${sign} (ARRAY(SELECT LOWER(item) FROM unnest(${values}) AS item))`
      : `${test.column} ${sign} (${values})`;
  };
}

function pattern(before: string, after: string): Translate {
  return (test, operand) => {
    const parameter = test.statement.parameter(`${before}${escapeLike(operand)}${after}`);
    return isInsensitive(test)
      ? `${test.column} ILIKE ${parameter}::text`
      : `${test.column}::text LIKE ${parameter}::text`;
  };
}

const VALUE_SQL: Readonly<Record<string, Translate>> = {
  equals: comparison("=", "ILIKE"),
  not: comparison("<>", "NOT ILIKE"),
  in: listComparison("= ANY", "FALSE"),
  notIn: listComparison("<> ALL", "TRUE"),
  lt: comparison("<"),
  lte: comparison("<="),
  gt: comparison(">"),
  gte: comparison(">="),
  contains: pattern("%", "%"),
  startsWith: pattern("", "%"),
  endsWith: pattern("%", ""),
  isNull,
} satisfies Partial<Record<ValueOperator, Translate>>;

/** Compares a JSON value, or its part at `path`. For a nullable column, null matches SQL's NULL. */
function jsonComparison(sign: string): Translate {
  return (test, operand) => {
    const part =
      test.operators["path"] === undefined ? `${test.column}::jsonb` : `(${jsonPart(test, "#>")})::jsonb`;
    if (operand === null && test.field.isNullable) {
      return `${part} IS ${sign === "=" ? "" : "NOT "}NULL`;
    }
    return `${part} ${sign} ${test.statement.parameter(JSON.stringify(operand))}::text::jsonb`;
  };
}

function jsonPattern(before: string, after: string): Translate {
  return (test, operand) => {
    const parameter = test.statement.parameter(`${before}${escapeLike(operand)}${after}`);
    return ofJsonType(test, "string", `(${jsonPart(test, "#>>")}) LIKE ${parameter}::text`);
  };
}

/** Under NOT, Prisma matches only values of the type that fail the condition, not values of other types. */
function ofJsonType(test: Translation, type: string, condition: string): string {
  const typeOf = `jsonb_typeof((${jsonPart(test, "#>")})::jsonb)`;
  return test.isNegated
    ? `(${condition} OR ${typeOf} <> '${type}')`
    : `(${condition} AND ${typeOf} = '${type}')`;
}

function jsonPart({ statement, column, operators }: Translation, operator: "#>" | "#>>"): string {
  return `${column}${operator}${statement.parameter(operators["path"] ?? [])}::text[]`;
}

const JSON_SQL: Readonly<Record<string, Translate>> = {
  equals: jsonComparison("="),
  not: jsonComparison("<>"),
  stringContains: jsonPattern("%", "%"),
  stringStartsWith: jsonPattern("", "%"),
  stringEndsWith: jsonPattern("%", ""),
  arrayContains: (test, operand) => {
    const items = test.statement.parameter(JSON.stringify(operand));
    return ofJsonType(test, "array", `(${jsonPart(test, "#>")})::jsonb @> ${items}::text::jsonb`);
  },
  isNull,
} satisfies Partial<Record<ValueOperator, Translate>>;

const LIST_SQL: Readonly<Record<string, Translate>> = {
  equals: (test, operand) => {
    if (operand === null) {
      return `${test.column} IS NULL`;
    }
    // The type json has no comparison.
    const type = test.field.type === "Json" ? "::jsonb[]" : "";
    return `${test.column}${type} = ${castOperands(test, operand as readonly Json[])}${type}`;
  },
  has: (test, operand) => `${test.column} @> ${castOperands(test, [operand])}`,
  hasSome: (test, operand) => `${test.column} && ${castOperands(test, operand as readonly Json[])}`,
  hasEvery: (test, operand) => `${test.column} @> ${castOperands(test, operand as readonly Json[])}`,
  // A list that was never set is null in the database; the API shows it as empty.
  isEmpty: ({ column }, operand) =>
    operand === true ? `(cardinality(${column}) = 0 OR ${column} IS NULL)` : `cardinality(${column}) > 0`,
  isNull,
} satisfies Record<ListOperator, Translate>;

/** The operand as a parameter, cast to the column's type. */
function castOperand({ statement, shape }: Translation, operand: Json): string {
  return castText(shape, `${statement.parameter(toColumnText(shape.field, operand))}::text`);
}

/** The operands as one parameter: an array of the column's type, or of the item type for a list column. */
function castOperands({ statement, shape }: Translation, operands: readonly Json[]): string {
  const item = itemShape(shape);
  const parameter = statement.parameter(operands.map((operand) => toColumnText(item.field, operand)));
  return castText(item, "x") === `x::${item.type}`
    ? `${parameter}::text[]::${item.type}[]`
    : `ARRAY(SELECT ${castText(item, "x")} FROM unnest(${parameter}::text[]) AS x)`;
}

/** The column as if it held one item of its list. */
function itemShape(shape: ColumnShape): ColumnShape {
  const type = shape.type.replace(/\[\]$/, "");
  return { ...shape, type, field: { ...shape.field, isList: false } };
}

function isInsensitive({ operators }: Translation): boolean {
  return operators["mode"] === "INSENSITIVE";
}

/** Escapes `%`, `_` and `\`, so that they match themselves. */
function escapeLike(text: Json): string {
  return (text as string).replaceAll(/[\\%_]/g, (character) => `\\${character}`);
}
