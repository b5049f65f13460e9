import type { PothosPrismaDatamodel } from "@pothos/plugin-prisma";
import type {
  FieldDescription,
  ModelDescription,
  SchemaDescription,
  UniqueDescription,
} from "./schema-description.ts";

/** The data model that Pothos' Prisma plugin asks for: what its own generator would write. */
export function pothosDatamodel({ models }: SchemaDescription): PothosPrismaDatamodel {
  return {
    datamodel: {
      models: Object.fromEntries(Object.entries(models).map(([name, model]) => [name, toPothos(model)])),
    },
  };
}

type PothosModel = PothosPrismaDatamodel["datamodel"]["models"][string];

function toPothos(model: ModelDescription): PothosModel {
  const { primaryKey, primaryKeyName = null, uniques, isView, documentation } = model;
  return {
    fields: model.fields.map((field) => fieldToPothos(field, model)),
    primaryKey: primaryKey.length > 1 ? { name: primaryKeyName, fields: primaryKey } : null,
    // Pothos refuses a model without a unique key, so that of a view has no columns.
    uniqueIndexes: isView
      ? [{ name: null, fields: [] }]
      : uniques
          .filter(({ fields }) => fields.length > 1)
          .map(({ name = null, fields }) => ({ name, fields })),
    ...(documentation === undefined ? {} : { documentation }),
  };
}

function fieldToPothos(
  field: FieldDescription,
  { primaryKey, uniques }: ModelDescription,
): PothosModel["fields"][number] {
  const { name, type, isRequired, isList, documentation } = field;
  const base = {
    name,
    type,
    isRequired,
    isList,
    ...(documentation === undefined ? {} : { documentation }),
  };
  if (field.kind === "relation") {
    return {
      ...base,
      kind: "object",
      hasDefaultValue: false,
      isUnique: false,
      isId: false,
      relationName: field.relationName,
      relationFromFields: field.foreignKey,
    };
  }
  return {
    ...base,
    kind: field.kind,
    hasDefaultValue: field.hasDefault,
    isUnique: uniques.some((unique) => isAlone(name, unique)),
    isId: isAlone(name, { fields: primaryKey }),
    isUpdatedAt: field.isUpdatedAt,
  };
}

function isAlone(name: string, { fields }: Pick<UniqueDescription, "fields">): boolean {
  return fields.length === 1 && fields[0] === name;
}
