import type { DMMF } from "@prisma/generator-helper";
import type {
  ColumnDescription,
  EnumDescription,
  FieldDescription,
  ModelDescription,
  RelationDescription,
  SchemaDescription,
  UniqueDescription,
} from "../adapters/prisma/schema-description.ts";
import type { SchemaText } from "./schema-text.ts";
import { readSchemaText } from "./schema-text.ts";

/**
 * A Prisma schema as plain data.
 * @param datamodel Prisma's own data model
 * @param text the schema, of several files one after the other
 */
export function describeSchema(datamodel: DMMF.Datamodel, text: string): SchemaDescription {
  const read = readSchemaText(text);
  return {
    relationMode: read.relationMode,
    models: Object.fromEntries(
      datamodel.models.map((model) => [model.name, describeModel(model, datamodel, read)]),
    ),
    enums: Object.fromEntries(datamodel.enums.map((found) => [found.name, describeEnum(found, read)])),
  };
}

function describeModel(model: DMMF.Model, datamodel: DMMF.Datamodel, text: SchemaText): ModelDescription {
  const { primaryKey } = model;
  return {
    table: model.dbName ?? model.name,
    ...given({ schema: model.schema, documentation: model.documentation }),
    isView: text.views.has(model.name),
    primaryKey: primaryKey?.fields ?? model.fields.filter(({ isId }) => isId).map(({ name }) => name),
    ...given({ primaryKeyName: primaryKey?.name }),
    uniques: datamodel.indexes
      .filter((index) => index.model === model.name && index.type === "unique")
      .map(describeUnique),
    fields: model.fields.map(describeField),
    unwritable: text.unwritable(model.name),
  };
}

function describeUnique({ name, fields }: DMMF.Index): UniqueDescription {
  return { ...given({ name }), fields: fields.map((field) => field.name) };
}

function describeField(field: DMMF.Field): FieldDescription {
  return field.kind === "object" ? describeRelation(field) : describeColumn(field, field.kind);
}

function describeColumn(field: DMMF.Field, kind: ColumnDescription["kind"]): ColumnDescription {
  return {
    name: field.name,
    kind,
    type: field.type,
    column: field.dbName ?? field.name,
    isList: field.isList,
    isRequired: field.isRequired,
    hasDefault: field.hasDefaultValue,
    isUpdatedAt: field.isUpdatedAt === true,
    ...given({
      defaultCall: describeCall(field.default),
      nativeType: describeNativeType(field.nativeType),
      documentation: field.documentation,
    }),
  };
}

function describeRelation(field: DMMF.Field): RelationDescription {
  return {
    name: field.name,
    kind: "relation",
    type: field.type,
    isList: field.isList,
    isRequired: field.isRequired,
    relationName: field.relationName ?? field.name,
    foreignKey: field.relationFromFields ?? [],
    references: field.relationToFields ?? [],
    ...given({
      onDelete: field.relationOnDelete,
      onUpdate: field.relationOnUpdate,
      documentation: field.documentation,
    }),
  };
}

function describeEnum(
  { name, values, documentation }: DMMF.DatamodelEnum,
  text: SchemaText,
): EnumDescription {
  return {
    values: values.map((value) => ({ name: value.name, ...given({ label: value.dbName }) })),
    ...given({ schema: text.schemaOfEnum(name), documentation }),
  };
}

/** `uuid(7)`, `dbgenerated("now()")`; undefined for plain values. */
function describeCall(value: DMMF.Field["default"]): string | undefined {
  if (typeof value !== "object" || !("name" in value)) {
    return undefined;
  }
  return `${value.name}(${value.args.map((argument) => JSON.stringify(argument)).join(",")})`;
}

/** `VarChar(2)` */
function describeNativeType(type: DMMF.Field["nativeType"]): string | undefined {
  if (type === null || type === undefined) {
    return undefined;
  }
  const [name, args] = type;
  return args.length === 0 ? name : `${name}(${args.join(",")})`;
}

type Given<Members> = { [Name in keyof Members]?: NonNullable<Members[Name]> };

/** The members that have a value: what a schema does not say is left out of its description. */
function given<Members extends Readonly<Record<string, string | null | undefined>>>(
  members: Members,
): Given<Members> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== null && value !== undefined),
  ) as Given<Members>;
}
