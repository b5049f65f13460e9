import type { Json } from "../../kernel/json.ts";
import { DbNull, JsonNull } from "@prisma/client/runtime/client";
import type { ColumnField } from "../../core/records/model.ts";

/** A value as JSON carries it (BigInt and Decimal as text, DateTime in ISO 8601, Bytes in base64), typed for Prisma. */
export function columnFromJson(field: ColumnField, value: Json): unknown {
  if (Array.isArray(value) && field.type !== "Json") {
    return value.map((item: Json) => columnFromJson(field, item));
  }
  if (value === null) {
    return field.type === "Json" ? jsonNull(field) : null;
  }
  switch (field.kind === "scalar" ? field.type : "String") {
    case "BigInt":
      return BigInt(value as string | number);
    case "DateTime":
      return new Date(value as string);
    case "Bytes":
      return Buffer.from(value as string, "base64");
    default:
      return value;
  }
}

/** A null in a JSON column is SQL's NULL where the column may be null, else JSON's `null`. */
export function jsonNull(field: ColumnField): unknown {
  return field.isNullable ? DbNull : JsonNull;
}
