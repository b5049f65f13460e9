import { Decimal } from "@prisma/client/runtime/client";
import type { Json } from "../../kernel/json.ts";
import type { ColumnField, ScalarType } from "../../core/records/model.ts";
import { columnFromJson } from "./column-from-json.ts";

/** A column's value as JSON has it, typed as the client types what it reads; null stays null. */
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

/** What the client reads otherwise than {@link columnFromJson} writes it. */
const READ_AS: Readonly<Partial<Record<ScalarType, (value: Json) => unknown>>> = {
  Decimal: (value) => new Decimal(value as string | number),
  Bytes: (value) => new Uint8Array(Buffer.from(value as string, "base64")),
};
