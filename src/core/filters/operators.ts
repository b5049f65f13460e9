import type { Json } from "../../kernel/json.ts";
import type { ColumnField, Field } from "../records/model.ts";
import { isLeast, isGreatest } from "./column-bounds.ts";
import type { Verdict } from "./verdict.ts";
import { ALWAYS, ASKS, EMPTY, LIKELY, NEVER } from "./verdict.ts";

/** Combine filters on the same record. */
export type LogicOperator = "AND" | "OR" | "NOT";

/** On related records: the first three on lists, the others on single ones. */
export type RelationOperator = "some" | "every" | "none" | "is" | "isNot";

/** On the value of a column. */
export type ValueOperator =
  | "equals"
  | "not"
  | "path"
  | "stringContains"
  | "stringStartsWith"
  | "stringEndsWith"
  | "arrayContains"
  | "in"
  | "notIn"
  | "lt"
  | "lte"
  | "gt"
  | "gte"
  | "contains"
  | "startsWith"
  | "endsWith"
  | "mode"
  | "isNull";

/** On the items of a list column. */
export type ListOperator = "equals" | "has" | "hasSome" | "hasEvery" | "isEmpty" | "isNull";

/**
 * What an operator compares with: a value of the column, a list of them, a text, any JSON, true or false, a way to
 * compare letters, or a place in a JSON value.
 */
export type Operand = "VALUE" | "VALUES" | "TEXT" | "JSON" | "FLAG" | "MODE" | "PATH";

/** One operator on columns. */
export interface Operator {
  readonly operand: Operand;
  /** What it asks, as its description in the API. */
  readonly words: string;
  /** Which columns have it. */
  fits(field: ColumnField): boolean;
  /**
   * What is known of its answer without the database. Default: nothing.
   * @param values all values that the column can have, for enums and booleans
   */
  verdict?(field: ColumnField, operand: Json, values: readonly Json[] | undefined): Verdict;
}

const ORDERED = new Set(["String", "Int", "BigInt", "Float", "Decimal", "DateTime"]);

const isJson = ({ type }: ColumnField): boolean => type === "Json";
const isText = ({ type }: ColumnField): boolean => type === "String";
const isOrdered = ({ type }: ColumnField): boolean => ORDERED.has(type);
const isListable = ({ type }: ColumnField): boolean => type !== "Json" && type !== "Boolean";
const isNullable = (field: ColumnField): boolean => field.isNullable;
const everywhere = (): boolean => true;

/** An empty text is in every text. On a nullable column it counts as a condition that was not filled in. */
function partOfText(field: ColumnField, operand: Json): Verdict {
  const ofNothing = field.isNullable ? LIKELY : ALWAYS;
  return operand === "" ? ofNothing : ASKS;
}

function partOfJson(_field: ColumnField, operand: Json): Verdict {
  return operand === "" || isEmptyList(operand) ? LIKELY : ASKS;
}

function isEmptyList(operand: Json): boolean {
  return Array.isArray(operand) && operand.length === 0;
}

function includesAll(operand: Json, values: readonly Json[] | undefined): boolean {
  return values !== undefined && Array.isArray(operand) && values.every((value) => operand.includes(value));
}

/** Null meets no comparison, so on a nullable column a comparison always asks for a value. */
function unlessNullable(field: ColumnField, verdict: Verdict | undefined): Verdict {
  return field.isNullable ? ASKS : (verdict ?? ASKS);
}

/** The operators that columns of some native types lack, although their type in the API has them. */
const LACKING: readonly (readonly [nativeType: RegExp, operators: ReadonlySet<string>])[] = [
  // Prisma looks into texts only.
  [/^uuid/, new Set(["contains", "startsWith", "endsWith", "mode"])],
  [/^(?:inet|cidr|bit)/, new Set(["mode"])],
  [
    /^xml/,
    new Set(["equals", "not", "in", "notIn", "lt", "lte", "gt", "gte", "mode", "has", "hasSome", "hasEvery"]),
  ],
];

/** Whether the database has no such comparison for the column's native type. */
export function isLacking({ nativeType = "" }: ColumnField, operator: string): boolean {
  return LACKING.some(([type, operators]) => type.test(nativeType) && operators.has(operator));
}

/** The operators of columns that hold one value, in the order of the API. */
export const VALUE_OPERATORS: Readonly<Record<ValueOperator, Operator>> = {
  equals: {
    operand: "VALUE",
    words: "Equal to the value.",
    fits: everywhere,
    verdict: (field, operand, values) =>
      operand === null
        ? isNullVerdict(field, true)
        : unlessNullable(field, includesAll([operand], values) ? ALWAYS : undefined),
  },
  not: {
    operand: "VALUE",
    words: "Not equal to the value, and not null.",
    fits: everywhere,
    verdict: (field, operand, values) =>
      operand === null
        ? isNullVerdict(field, false)
        : unlessNullable(field, includesAll([operand], values) ? NEVER : undefined),
  },
  path: {
    operand: "PATH",
    words: "Where in the value to look: keys and list positions, outermost first. Default: the whole.",
    fits: isJson,
    verdict: () => EMPTY,
  },
  stringContains: {
    operand: "TEXT",
    words: "A text that has this somewhere.",
    fits: isJson,
    verdict: partOfJson,
  },
  stringStartsWith: {
    operand: "TEXT",
    words: "A text that begins so.",
    fits: isJson,
    verdict: partOfJson,
  },
  stringEndsWith: { operand: "TEXT", words: "A text that ends so.", fits: isJson, verdict: partOfJson },
  arrayContains: {
    operand: "JSON",
    words: "A list with all items of this list.",
    fits: isJson,
    verdict: partOfJson,
  },
  in: {
    operand: "VALUES",
    words: "One of the values.",
    fits: isListable,
    verdict: (field, operand, values) =>
      isEmptyList(operand) ? NEVER : unlessNullable(field, includesAll(operand, values) ? ALWAYS : undefined),
  },
  notIn: {
    operand: "VALUES",
    words: "None of the values, and not null.",
    fits: isListable,
    verdict: (field, operand, values) =>
      isEmptyList(operand) ? ALWAYS : unlessNullable(field, includesAll(operand, values) ? NEVER : undefined),
  },
  lt: {
    operand: "VALUE",
    words: "Less.",
    fits: isOrdered,
    verdict: (field, operand) => unlessNullable(field, isLeast(field, operand, NEVER)),
  },
  lte: {
    operand: "VALUE",
    words: "Less or equal.",
    fits: isOrdered,
    verdict: (field, operand) => unlessNullable(field, isGreatest(field, operand, ALWAYS)),
  },
  gt: {
    operand: "VALUE",
    words: "Greater.",
    fits: isOrdered,
    verdict: (field, operand) => unlessNullable(field, isGreatest(field, operand, NEVER)),
  },
  gte: {
    operand: "VALUE",
    words: "Greater or equal.",
    fits: isOrdered,
    verdict: (field, operand) => unlessNullable(field, isLeast(field, operand, ALWAYS)),
  },
  contains: { operand: "TEXT", words: "Has the text somewhere.", fits: isText, verdict: partOfText },
  startsWith: { operand: "TEXT", words: "Begins with the text.", fits: isText, verdict: partOfText },
  endsWith: { operand: "TEXT", words: "Ends with the text.", fits: isText, verdict: partOfText },
  mode: {
    operand: "MODE",
    words: "How the other conditions compare letters. Default: DEFAULT.",
    fits: isText,
    verdict: () => EMPTY,
  },
  isNull: {
    operand: "FLAG",
    words: "Whether there is no value.",
    fits: isNullable,
    verdict: (field, operand) => isNullVerdict(field, operand === true),
  },
};

/** The operators of columns that hold lists, in the order of the API. */
export const LIST_OPERATORS: Readonly<Record<ListOperator, Operator>> = {
  equals: { operand: "VALUES", words: "The same items in the same order.", fits: everywhere },
  // Prisma does not look for an item in a list of JSON values.
  has: { operand: "VALUE", words: "Has the item.", fits: (field) => !isJson(field) },
  hasSome: {
    operand: "VALUES",
    words: "Has at least one of the items.",
    fits: (field) => !isJson(field),
    verdict: (_field, operand) => (isEmptyList(operand) ? { ...NEVER, isSure: false } : ASKS),
  },
  hasEvery: {
    operand: "VALUES",
    words: "Has all of the items.",
    fits: (field) => !isJson(field),
    // A list that was never set is null in the database, and does not match.
    verdict: (_field, operand) => (isEmptyList(operand) ? LIKELY : ASKS),
  },
  isEmpty: { operand: "FLAG", words: "Whether it has no items.", fits: everywhere },
  isNull: { operand: "FLAG", words: "Whether there is no value.", fits: isNullable },
};

/** The operators on related records. `nullWords` describes null instead of a filter, where that is allowed. */
export const RELATION_OPERATORS: Readonly<
  Record<
    RelationOperator,
    { readonly isOnLists: boolean; readonly words: string; readonly nullWords?: string }
  >
> = {
  some: { isOnLists: true, words: "At least one matches; {} asks for any." },
  every: { isOnLists: true, words: "All match; also where there are none." },
  none: { isOnLists: true, words: "None matches; {} asks for there being none." },
  is: { isOnLists: false, words: "It matches.", nullWords: " null: there is none." },
  isNot: {
    isOnLists: false,
    words: "It does not match, or is not there.",
    nullWords: " null: there is one.",
  },
};

/** The operators that a column has, by name. */
export function operatorsOf(field: ColumnField): Readonly<Record<string, Operator>> {
  const all: Readonly<Record<string, Operator>> = field.isList ? LIST_OPERATORS : VALUE_OPERATORS;
  return Object.fromEntries(Object.entries(all).filter(([, operator]) => operator.fits(field)));
}

/**
 * What is known of an operator's answer: nothing for an operator that is not in the tables, which an app's scope may
 * use.
 */
export function verdictOf(
  field: ColumnField,
  name: string,
  operand: Json,
  values: readonly Json[] | undefined,
): Verdict {
  const all: Readonly<Record<string, Operator>> = field.isList ? LIST_OPERATORS : VALUE_OPERATORS;
  return all[name]?.verdict?.(field, operand, values) ?? ASKS;
}

/** The field's key in a filter: its name, unless that combines filters. */
export function filterKey({ name, apiName }: Pick<Field, "name" | "apiName">): string {
  return isLogic(name) ? apiName : name;
}

/** Whether the name is one of AND, OR and NOT. */
export function isLogic(name: string): name is LogicOperator {
  return name === "AND" || name === "OR" || name === "NOT";
}

function isNullVerdict(field: ColumnField, isNull: boolean): Verdict {
  // JSON has a null of its own, which a column that is never null can hold.
  if (field.isNullable || field.type === "Json") {
    return ASKS;
  }
  return isNull ? NEVER : ALWAYS;
}
