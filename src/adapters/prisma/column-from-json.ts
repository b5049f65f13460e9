import type { Json } from "../../kernel/json.ts";
import { DbNull, JsonNull } from "@prisma/client/runtime/client";
import type { ColumnField, ScalarType } from "../../core/records/model.ts";

/** A value as JSON carries it (BigInt and Decimal as text, DateTime in ISO 8601, Bytes in base64), typed for Prisma. */
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

/** Types whose values the client does not take as JSON has them. */
const CONVERSIONS: Readonly<Partial<Record<ScalarType, (value: string) => unknown>>> = {
  BigInt: (value) => BigInt(value),
  DateTime: (value) => new Date(value),
  Bytes: (value) => Buffer.from(value, "base64"),
};

/** A null in a JSON column is SQL's NULL where the column may be null, else JSON's `null`. */
function jsonNull(field: ColumnField): unknown {
  return field.isNullable ? DbNull : JsonNull;
}
