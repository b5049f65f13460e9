import { exactMoment, isoMoment } from "../../kernel/date-time-text.ts";
import type { ColumnField } from "./model.ts";
import type { Json } from "../../kernel/json.ts";

/**
 * A column's value as the text that the database reads: numbers, booleans and texts as they are, DateTime in ISO 8601,
 * Bytes in base64, Json and lists as JSON, enum values by the database's own names.
 * @param value in the API's form, checked before; null means no value, or JSON's null in a Json column that cannot be
 *   null
 */
export function toColumnText(field: ColumnField, value: Json): string | null {
  if (value === null) {
    return field.type === "Json" && !field.isNullable && !field.isList ? "null" : null;
  }
  if (field.isList && Array.isArray(value)) {
    return JSON.stringify(value.map((item: Json) => itemText(field, item)));
  }
  return itemText(field, value);
}

function itemText(field: ColumnField, value: Json): string {
  if (field.type === "Json") {
    return JSON.stringify(value);
  }
  // No other type has objects.
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (field.kind === "enum") {
    return field.labels?.[text] ?? text;
  }
  if (field.type !== "DateTime") {
    return text;
  }
  // Ids have milliseconds.
  return field.isKey ? isoMoment(text) : exactMoment(text);
}

/** The value, as JSON, whose text {@link toColumnText} made. */
export function fromColumnText(field: ColumnField, text: string | null): Json {
  if (text === null) {
    return null;
  }
  return field.isList
    ? (JSON.parse(text) as readonly string[]).map((item) => itemOf(field, item))
    : itemOf(field, text);
}

/** The name in the Prisma schema of an enum value, given its name in the database. */
export function enumName(
  { labels }: { readonly labels?: Readonly<Record<string, string>> },
  label: string,
): string {
  const found = Object.entries(labels ?? {}).find(([, known]) => known === label);
  return found?.[0] ?? label;
}

function itemOf(field: ColumnField, text: string): Json {
  if (field.kind === "enum") {
    return enumName(field, text);
  }
  const parse = PARSERS[field.type];
  return parse === undefined ? text : parse(text);
}

/** For types whose values are not texts in JSON. */
const PARSERS: Readonly<Record<string, (text: string) => Json>> = {
  Int: Number,
  Float: Number,
  Boolean: (text) => text === "true",
  Json: (text) => JSON.parse(text) as Json,
};
