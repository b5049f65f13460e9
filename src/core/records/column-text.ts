import type { Json } from "../../kernel/json.ts";
import type { ColumnField } from "./model.ts";

/**
 * A column's value as text, from which the database reads it back: numbers, booleans and texts as they are, DateTime in
 * ISO 8601, Bytes in base64, Json and lists as JSON, enum values by the database's own names.
 * @param value as the API takes it, checked before; null for none, or for JSON's null where there must be something
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
  // Of the other types none is an object.
  const text = typeof value === "string" ? value : JSON.stringify(value);
  if (field.kind === "enum") {
    return field.labels?.[text] ?? text;
  }
  return field.type === "DateTime" ? new Date(text).toISOString() : text;
}
