import { parseDateTime } from "../../kernel/date-time-text.ts";
import { isUuid } from "../../kernel/ids.ts";
import type { ColumnField } from "./model.ts";

/** The value of a key's field, typed as Prisma wants it. */
export type KeyValue = string | number | bigint | boolean | Date;

/** How the keys of a type are written. Two texts of one key make two locks, so each is brought to one form. */
interface KeyRule {
  /** What a text must be, in words. */
  readonly expected: string;
  /** The value, in its one form; undefined where the text is none. */
  parse(text: string): KeyValue | undefined;
  /** A value as the database or the client has it, in the same form. Default: its text. */
  format?(value: unknown): string;
}

/** The value that a key's text means; undefined where it means none. */
export function parseKeyText(field: ColumnField, text: string): KeyValue | undefined {
  const rule = ruleOf(field);
  return rule === undefined ? text : rule.parse(text);
}

/** The one text of a key's value. */
export function formatKeyText(field: ColumnField, value: unknown): string {
  return ruleOf(field)?.format?.(value) ?? String(value);
}

/** What the text of such a key must be, in words. */
export function describeKeyText(field: ColumnField): string {
  return ruleOf(field)?.expected ?? field.type;
}

const INT_MIN = -2_147_483_648;
const INT_MAX = 2_147_483_647;
const DAY_MS = 86_400_000;

function wholeNumber(expected: string, min: number, max: number): KeyRule {
  return {
    expected,
    parse(text) {
      const number = /^-?\d{1,11}$/.test(text) ? Number(text) : Number.NaN;
      return number >= min && number <= max ? number : undefined;
    },
  };
}

/** @param reduce takes off what the column does not hold, so that all texts of one key are one */
function moment(expected: string, reduce: (ms: number) => number): KeyRule {
  return {
    expected,
    parse(text) {
      const date = parseDateTime(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);
      return date && new Date(reduce(date.getTime()));
    },
    format: (value) =>
      value instanceof Date ? new Date(reduce(value.getTime())).toISOString() : String(value),
  };
}

/** Of native types that hold less than the scalar type says, by the name that PostgreSQL gives them. */
const NATIVE_RULES: Readonly<Record<string, KeyRule>> = {
  uuid: { expected: "UUID", parse: (text) => (isUuid(text) ? text.toLowerCase() : undefined) },
  smallint: wholeNumber("Int from -32768 to 32767", -32_768, 32_767),
  // Those beyond have no Int. The database would take -1 for one of them.
  oid: wholeNumber("Int from 0 to 2147483647", 0, INT_MAX),
  date: moment("day such as 2026-01-31, from 0001-01-01 to 9999-12-31", (ms) => ms - remainder(ms, DAY_MS)),
  "time(3) without time zone": moment("time of the day such as 1970-01-01T12:00:00Z", (ms) =>
    remainder(ms, DAY_MS),
  ),
};

/** By scalar type; types that are not here are text themselves. */
const SCALAR_RULES: Readonly<Record<string, KeyRule>> = {
  Int: wholeNumber("Int", INT_MIN, INT_MAX),
  BigInt: {
    expected: "BigInt",
    parse(text) {
      const number = /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
      return number !== undefined && BigInt.asIntN(64, number) === number ? number : undefined;
    },
  },
  Boolean: {
    expected: "Boolean",
    parse: (text) => (text === "true" || text === "false" ? text === "true" : undefined),
  },
  DateTime: moment("DateTime such as 2026-01-31T12:00:00Z, in the years 1 to 9999", (ms) => ms),
};

function ruleOf(field: ColumnField): KeyRule | undefined {
  if (field.kind === "enum") {
    return field.values && oneOf(field.values);
  }
  return NATIVE_RULES[field.nativeType ?? ""] ?? SCALAR_RULES[field.type];
}

function oneOf(values: readonly string[]): KeyRule {
  return {
    expected: values.join(" or "),
    parse: (text) => (values.includes(text) ? text : undefined),
  };
}

/** Never negative, unlike JavaScript's own. */
function remainder(dividend: number, divisor: number): number {
  return ((dividend % divisor) + divisor) % divisor;
}
