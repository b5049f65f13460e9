import { momentPartOf } from "../../kernel/date-time-text.ts";
import type { Json } from "../../kernel/json.ts";
import { describeMisfit } from "../records/column-value.ts";
import type { ColumnField, EnumType, ScalarType } from "../records/model.ts";
import type { FileColumn } from "./file-column.ts";

/** A value that was read, in the API's JSON form, or why it could not be, in words. */
export type ReadValue = { readonly value: Json } | { readonly problem: string };

/** How the values of a column are written and read. Values are in the API's JSON form (see toJsonValue). */
export interface Spelling {
  /** The text of a cell; null for none. */
  toText(value: Json): string | null;
  /** @param text null for none */
  fromText(text: string | null): ReadValue;
  /** The value as GraphQL's answers have it. */
  toJson(value: Json): Json;
  fromJson(value: Json): ReadValue;
}

/** How values are read. */
export interface SpellingOptions {
  /** Whether numbers have a comma before their fraction: `12,5`. Default: false */
  readonly hasDecimalComma?: boolean;
  /** The offset of times that have none: `Z`, `+02:00`. Default: such times are refused */
  readonly timeOffset?: string;
}

/** How the values of a file's column are spelled. Made once for a file, since it is called for every cell. */
export function spellingOf(
  enums: readonly EnumType[],
  column: FileColumn,
  options: SpellingOptions = {},
): Spelling {
  const { isId, isLinks } = column;
  // A list of links is as a list of the linked records' values. Whether there must be one is the relation's matter.
  const isNullable = column.relations.length > 0 || column.field.isNullable;
  const field: ColumnField = { ...column.field, isList: column.field.isList || isLinks, isNullable };
  const item: ColumnField = { ...field, isList: false };
  const reader = itemReader(item, enums, options);
  const check = (value: Json): ReadValue => {
    const problem = describeMisfit(field, enums, value);
    return problem === undefined ? { value } : { problem };
  };
  // A list that was never set is an empty one, as everywhere in the API.
  const whole = (value: Json): Json => (field.isList ? (value ?? []) : value);
  const readItem = (value: Json): Json => (typeof value === "string" ? reader(value) : value);
  const fromId = (value: Json): Json => (Array.isArray(value) ? value.map(readItem) : readItem(value));
  return {
    toText: (value) => (field.isList ? JSON.stringify(finite(whole(value))) : itemText(item, value)),
    fromText(text) {
      if (text === null || (text === "" && !isTextual(item))) {
        return check(field.isList ? [] : null);
      }
      if (!field.isList) {
        return field.type === "Json" ? readJson(text, check) : check(reader(text));
      }
      return text.trimStart().startsWith("[")
        ? readJson(text, (list) => check(isId ? fromId(list) : list))
        : check(text.split(";").map((each) => reader(each.trim())));
    },
    toJson: (value) => (isId ? idText(whole(value)) : finite(whole(value))),
    fromJson: (value) => check(isId ? fromId(whole(value)) : whole(value)),
  };
}

/** Numbers that JSON lacks, as texts. */
function finite(value: Json): Json {
  if (Array.isArray(value)) {
    return value.map(finite);
  }
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

function idText(value: Json): Json {
  return Array.isArray(value) ? value.map(idText) : value === null ? null : textOf(value);
}

/** Whether the empty text is a value of the type. */
function isTextual({ kind, type }: ColumnField): boolean {
  return kind === "scalar" && (type === "String" || type === "Bytes");
}

function itemText({ type, nativeType = "" }: ColumnField, value: Json): string | null {
  if (value === null) {
    return null;
  }
  if (type === "DateTime") {
    const text = textOf(value);
    return nativeType.startsWith("date")
      ? text.slice(0, 10)
      : isTimeOfDay(nativeType)
        ? text.slice(11, -1)
        : text;
  }
  return type === "Json" ? JSON.stringify(value) : textOf(value);
}

function isTimeOfDay(nativeType: string): boolean {
  return /^time(?!stamp)/.test(nativeType);
}

/** Numbers and booleans as JSON has them, which has no NaN and no infinity. */
function textOf(value: Json): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : JSON.stringify(value);
}

function readJson(text: string, check: (value: Json) => ReadValue): ReadValue {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    return { problem: `${shown(text)} is not JSON.` };
  }
  return check(value);
}

/** Makes a value of an item's text. A text that is none stays as it is, so that the check refuses it in its words. */
type ReadItem = (text: string) => Json;

function itemReader(field: ColumnField, enums: readonly EnumType[], options: SpellingOptions): ReadItem {
  if (field.kind === "enum") {
    return enumReader(enums.find(({ name }) => name === field.type)?.values ?? []);
  }
  const number = numberReader(options.hasDecimalComma === true);
  const readers: Readonly<Record<ScalarType, ReadItem>> = {
    Int: (text) => toNumber(text, wholeNumber(text)),
    BigInt: (text) => wholeNumber(text) ?? text,
    Float: (text) => toNumber(text, number(text)),
    Decimal: (text) => number(text) ?? text,
    Boolean: (text) => BOOLEANS.get(text.trim().toLowerCase()) ?? text,
    DateTime: momentReader(field, options.timeOffset),
    Bytes: (text) => text.trim(),
    String: (text) => text,
    Json: (text) => text,
  };
  return readers[field.type];
}

function toNumber(text: string, plain: string | undefined): Json {
  return plain === undefined ? text : Number(plain);
}

/** The value's name, also in another case where that is clear. */
function enumReader(values: readonly string[]): ReadItem {
  const exact = new Set(values);
  return (text) => {
    const name = text.trim();
    const alike = exact.has(name)
      ? [name]
      : values.filter((value) => value.toLowerCase() === name.toLowerCase());
    return alike.length === 1 ? (alike[0] ?? text) : text;
  };
}

/** Some programs write whole numbers with an empty fraction: `12.0`. */
function wholeNumber(text: string): string | undefined {
  const [, sign = "", digits] = /^\s*([+-]?)(\d+)(?:[.,]0*)?\s*$/.exec(text) ?? [];
  return digits === undefined ? undefined : `${sign === "-" ? "-" : ""}${digits}`;
}

/** Gives a number the form that JSON and the database take; undefined if it is none. */
function numberReader(hasComma: boolean): (text: string) => string | undefined {
  const pattern = hasComma
    ? /^\s*([+-]?)(\d*)(?:,(\d*))?(e[+-]?\d+)?\s*$/i
    : /^\s*([+-]?)(\d*)(?:\.(\d*))?(e[+-]?\d+)?\s*$/i;
  return (text) => {
    const [whole, sign = "", digits = "", fraction = "", exponent = ""] = pattern.exec(text) ?? [];
    return whole === undefined || (digits === "" && fraction === "")
      ? undefined
      : `${sign === "-" ? "-" : ""}${digits || "0"}${fraction === "" ? "" : `.${fraction}`}${exponent}`;
  };
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...["true", "t", "yes", "y", "1"].map((text) => [text, true] as const),
  ...["false", "f", "no", "n", "0"].map((text) => [text, false] as const),
]);

/** Moments also in PostgreSQL's own form: `2026-01-31 12:00:00+00`. */
function momentReader({ nativeType = "" }: ColumnField, timeOffset: string | undefined): ReadItem {
  const isWhole = nativeType.startsWith("timestamp") || nativeType === "";
  return (given) => {
    const trimmed = given.trim();
    if (momentPartOf(trimmed) === "TIME" && isTimeOfDay(nativeType)) {
      return `1970-01-01T${trimmed}Z`;
    }
    const text = trimmed.replace(/^(\d{4}-\d\d-\d\d) (?=\d)/, "$1T").replace(/([+-]\d\d)$/, suffix);
    const isWithoutOffset = /T\d\d:\d\d(?::\d\d(?:\.\d+)?)?$/.test(text);
    return isWhole && isWithoutOffset && timeOffset !== undefined ? `${text}${timeOffset}` : text;
  };
}

/** An offset of hours gets its minutes; the end of a day, `-31`, is none. */
function suffix(offset: string, _group: string, at: number): string {
  return at > "2026-01-31".length ? `${offset}:00` : offset;
}

function shown(text: string): string {
  const quoted = JSON.stringify(text);
  return quoted.length > 60 ? `${quoted.slice(0, 57)}...` : quoted;
}
