import type { ColumnField, ScalarType } from "../../core/records/model.ts";
import type { PowerCrudScalars } from "../builder.ts";
import type { AnyEnumRef, ModelSchema } from "./model-schema.ts";

/** The GraphQL scalar of each Prisma scalar. */
const SCALAR_NAMES = {
  String: "String",
  Int: "Int",
  BigInt: "BigInt",
  Float: "Float",
  Decimal: "Decimal",
  Boolean: "Boolean",
  DateTime: "DateTime",
  Json: "JSON",
  Bytes: "Bytes",
} as const satisfies Record<ScalarType, keyof PowerCrudScalars | "String" | "Int" | "Float" | "Boolean">;

/** A scalar's name or an enum's ref. */
export type ColumnType = (typeof SCALAR_NAMES)[ScalarType] | AnyEnumRef;

/** The type of one value of the column; of an item where the column is a list. */
export function columnType(schema: ModelSchema, field: ColumnField): ColumnType {
  if (field.kind === "scalar") {
    return SCALAR_NAMES[field.type];
  }
  const ref = schema.enums.get(field.type);
  if (ref === undefined) {
    throw new TypeError(`the enum ${field.type} is not among the generated ones`);
  }
  return ref;
}

/** The type's name, for the names of inputs made for it: `IntFilter`. */
export function columnTypeName(field: ColumnField): string {
  return field.kind === "scalar" ? SCALAR_NAMES[field.type] : field.type;
}
