import type {
  EnumField,
  Field,
  Model,
  RelationField,
  ScalarField,
  ScalarType,
} from "../../src/core/records/model.ts";

/** A required scalar column without a default; overrides change that. */
export function scalar(name: string, type: ScalarType, overrides: Partial<ScalarField> = {}): ScalarField {
  return {
    kind: "scalar",
    name,
    apiName: name,
    type,
    column: name,
    isList: false,
    isNullable: false,
    hasDefault: false,
    isKey: false,
    isUnique: false,
    isUpdatedAt: false,
    ...overrides,
  };
}

/** An enum column. */
export function enumeration(name: string, type: string, overrides: Partial<EnumField> = {}): EnumField {
  return { ...scalar(name, "String"), ...overrides, kind: "enum", type };
}

/** A relation to another model. */
export function relation(
  name: string,
  type: string,
  overrides: Partial<RelationField> & Pick<RelationField, "relationName">,
): RelationField {
  return {
    kind: "relation",
    name,
    apiName: name,
    type,
    isList: false,
    isNullable: false,
    foreignKey: [],
    ...overrides,
  };
}

/** A model of these fields. Columns with `isKey` make its key. */
export function modelOf(name: string, fields: readonly Field[]): Model {
  const key = fields.filter((field) => field.kind !== "relation").filter((field) => field.isKey);
  return {
    name,
    apiName: name,
    table: name.toLowerCase(),
    schema: "public",
    key,
    primaryKey: key.map((field) => field.name),
    uniques: [],
    isView: false,
    unwritable: [],
    fields,
  };
}
