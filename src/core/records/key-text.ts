import { momentPartOf, parseMoment } from "../../kernel/date-time-text.ts";
import { isUuid } from "../../kernel/ids.ts";
import { oncePer } from "../../kernel/once-per.ts";
import type { ColumnField } from "./model.ts";

/** The value of a key's field, typed as Prisma wants it. */
export type KeyValue = string | number | bigint | boolean | Date;

/** How the keys of a type are written. Each key has one canonical text: two texts of one key would be two locks. */
interface KeyRule {
  /** What the text must be, for messages. */
  readonly expected: string;
  /** The canonical value; undefined if the text is not a value of the type. */
  parse(text: string): KeyValue | undefined;
  /** The canonical text of a value from the database or the client. Default: `String(value)`. */
  format?(value: unknown): string;
}

/** The value of a key's text; undefined if the text is not a value of the field's type. */
export function parseKeyText(field: ColumnField, text: string): KeyValue | undefined {
  const rule = ruleOf(field);
  return rule === undefined ? text : rule.parse(text);
}

/** The canonical text of a key's value. */
export function formatKeyText(field: ColumnField, value: unknown): string {
  return ruleOf(field)?.format?.(value) ?? String(value);
}

/** What the text of the field's value must be, for messages. */
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

/**
 * @param reduce drops the part that the column does not store: a date column stores no time of day
 * @param part "TIME" where a time of day will do; a day always does
 */
function moment(expected: string, reduce: (ms: number) => number, part?: "TIME"): KeyRule {
  return {
    expected,
    parse(text) {
      const date = momentPartOf(text) === "TIME" && part !== "TIME" ? undefined : parseMoment(text);
      return date && new Date(reduce(date.getTime()));
    },
    format: (value) =>
      value instanceof Date ? new Date(reduce(value.getTime())).toISOString() : String(value),
  };
}

/** Rules of native types that hold fewer values than their scalar type, by PostgreSQL's name. */
const NATIVE_RULES: Readonly<Record<string, KeyRule>> = {
  uuid: { expected: "UUID", parse: (text) => (isUuid(text) ? text.toLowerCase() : undefined) },
  smallint: wholeNumber("Int from -32768 to 32767", -32_768, 32_767),
  // Greater ones are not an Int. The database would read -1 as one of them.
  oid: wholeNumber("Int from 0 to 2147483647", 0, INT_MAX),
  date: moment("day such as 2026-01-31, from 0001-01-01 to 9999-12-31", (ms) => ms - remainder(ms, DAY_MS)),
  "time(3) without time zone": moment(
    "time of the day such as 12:00:00, or 1970-01-01T12:00:00Z",
    (ms) => remainder(ms, DAY_MS),
    "TIME",
  ),
};

/** Rules by scalar type. In all other types, any text is a key. */
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

const ruleOf = oncePer((field: ColumnField): KeyRule | undefined => {
  if (field.kind === "enum") {
    return field.values && oneOf(field.values);
  }
  if (/^character(?:\(\d+\))?$/.test(field.nativeType ?? "")) {
    return PADDED_TEXT;
  }
  const [, limit] = /^character varying\((\d+)\)$/.exec(field.nativeType ?? "") ?? [];
  if (limit !== undefined) {
    return textWithoutExcessSpaces(Number(limit));
  }
  return NATIVE_RULES[field.nativeType ?? ""] ?? SCALAR_RULES[field.type];
});

/** PostgreSQL fills such texts up with spaces, and compares them without these. */
const PADDED_TEXT: KeyRule = {
  expected: "text",
  parse: (text) => text.replace(/ +$/, "") || undefined,
  format: (value) => String(value).replace(/ +$/, ""),
};

/** PostgreSQL cuts spaces off that are too many for the column, so such a text would be a second text of another key. */
function textWithoutExcessSpaces(limit: number): KeyRule {
  return {
    expected: `text of at most ${limit} characters`,
    parse: (text) => (/^ +$/.test(Array.from(text).slice(limit).join("")) ? undefined : text),
  };
}

function oneOf(values: readonly string[]): KeyRule {
  return {
    expected: values.join(" or "),
    parse: (text) => (values.includes(text) ? text : undefined),
  };
}

/** Never negative, unlike JavaScript's `%`. */
function remainder(dividend: number, divisor: number): number {
  return ((dividend % divisor) + divisor) % divisor;
}
