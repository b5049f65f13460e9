import type { LaunchBulk } from "../../core/bulk/bulk-request.ts";
import type { ColumnField, ScalarType } from "../../core/records/model.ts";
import type { BulkRules } from "../../core/bulk/bulk-rules.ts";
import type { WriteOne } from "../../core/bulk/write-one.ts";
import type { RecordGroups } from "../../core/records/record-groups.ts";
import type { RecordLists } from "../../core/records/record-lists.ts";
import type { RecordReader } from "../../core/records/record-reader.ts";
import type { ScopePorts } from "../../core/filters/scope-filter.ts";
import type { BuilderTypes, PowerCrudScalars, SchemaContext } from "../builder.ts";
import type { AnyInputRef, RecordInputOptions } from "./pothos-dynamic.ts";
import type { LockHolderPorts, LockHolders } from "./lock-holders.ts";
import type { ColumnTypeNames } from "./model-names.ts";

/** What the models' resolvers call. */
export interface ModelPorts extends ScopePorts {
  readonly reader: RecordReader;
  readonly lists: RecordLists;
  readonly groups: RecordGroups;
  readonly writeOne: WriteOne;
  readonly launchBulk: LaunchBulk;
  readonly rules: BulkRules;
  /** The most records of one bulk operation. */
  readonly maxRecords: number;
  readonly lockHolders: LockHolders;
  readonly tasks: LockHolderPorts["tasks"];
  /** Whether the model has a scope, so that a link to one of its records may be hidden. */
  hasScope(model: string): boolean;
}

export type AnyEnumRef = PothosSchemaTypes.EnumRef<BuilderTypes, string>;

/** The builder and ports of the models' part of a schema. */
export interface ModelSchema extends SchemaContext {
  readonly ports: ModelPorts;
  readonly enums: ReadonlyMap<string, AnyEnumRef>;
  /** The input of that name; made at the first call. */
  input(name: string, options: RecordInputOptions): AnyInputRef;
}

/** The GraphQL scalar of each Prisma scalar. */
export const SCALAR_NAMES = {
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
type ColumnType = (typeof SCALAR_NAMES)[ScalarType] | AnyEnumRef;

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

/** The names of the inputs for the column: `IntFilter` and its kin. */
export function columnNames({ names }: ModelSchema, field: ColumnField): ColumnTypeNames {
  return names.column(field, field.kind === "scalar" ? SCALAR_NAMES[field.type] : field.type);
}

/** The given members of an input; null counts as left out. */
export function givenMembers<T extends object>(members: T): T {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== null && value !== undefined),
  ) as T;
}
