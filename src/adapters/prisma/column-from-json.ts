import type { ColumnField, ScalarType } from "../../core/records/model.ts";
import { parseMoment } from "../../kernel/date-time-text.ts";
import type { Json } from "../../kernel/json.ts";
import { DbNull, Decimal, JsonNull } from "@prisma/client/runtime/client";

/** Turns a JSON value (BigInt and Decimal as text, DateTime in ISO 8601, Bytes in base64) into one that Prisma takes. */
export function columnFromJson(field: ColumnField, value: Json): unknown {
  if (Array.isArray(value) && field.type !== "Json") {
    return value.map((item: Json) => columnFromJson(field, item));
  }
  if (value === null) {
    return field.type === "Json" ? jsonNull(field) : null;
  }
  const convert = field.kind === "scalar" ? CONVERSIONS[field.type] : undefined;
  return convert === undefined ? value : convert(value as string);
}

/** Types whose values Prisma does not take in their JSON form. */
const CONVERSIONS: Readonly<Partial<Record<ScalarType, (value: string) => unknown>>> = {
  BigInt: (value) => BigInt(value),
  // A moment that no Date holds, such as infinity in a file, is an invalid one.
  DateTime: (value) => parseMoment(value) ?? new Date(value),
  Bytes: (value) => Buffer.from(value, "base64"),
};

/** For a JSON column, null means SQL's NULL if the column is nullable, otherwise JSON's `null`. */
function jsonNull(field: ColumnField): unknown {
  return field.isNullable ? DbNull : JsonNull;
}

/** Prisma's Decimal of a text. */
export function toDecimal(text: string): Decimal {
  return new Decimal(text);
}

/** Turns a JSON value into the type that Prisma's records have. null stays null. */
export function typedValue(field: ColumnField, value: Json): unknown {
  if (value === null || field.type === "Json") {
    return value;
  }
  const type = field.kind === "scalar" ? READ_AS[field.type] : undefined;
  if (type === undefined) {
    return columnFromJson(field, value);
  }
  return Array.isArray(value) ? value.map((item: Json) => type(item)) : type(value);
}

/** Types that Prisma returns in another form than the one {@link columnFromJson} makes for writing. */
const READ_AS: Readonly<Partial<Record<ScalarType, (value: Json) => unknown>>> = {
  Decimal: (value) => new Decimal(value as string | number),
  Bytes: (value) => new Uint8Array(Buffer.from(value as string, "base64")),
};
