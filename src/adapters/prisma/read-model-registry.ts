import pluralize from "pluralize";
import { AppError } from "../../kernel/app-error.ts";
import type {
  ColumnField,
  EnumType,
  Field,
  Model,
  ModelRegistry,
  RelationField,
  ScalarType,
  UniqueKey,
} from "../../core/records/model.ts";
import { createModelRegistry } from "../../core/records/model.ts";
import type { ModelOptionsMap } from "../../core/records/model-options.ts";
import { isMadeByPrisma } from "./default-generators.ts";
import { actionsOf, emulatedKeysOf } from "./emulated-keys.ts";
import type {
  ColumnDescription,
  FieldDescription,
  ModelDescription,
  RelationDescription,
  SchemaDescription,
  UniqueDescription,
} from "./schema-description.ts";

const SCALAR_TYPES: ReadonlySet<string> = new Set<ScalarType>([
  "String",
  "Int",
  "BigInt",
  "Float",
  "Decimal",
  "Boolean",
  "DateTime",
  "Json",
  "Bytes",
]);

/**
 * All exposed models, from the project's schema and the app's options.
 *
 * @throws AppError INVALID_CONFIG for a model without a primary key, for options of an unknown model, and for names that
 *   collide
 */
export function readModelRegistry(schema: SchemaDescription, options: ModelOptionsMap): ModelRegistry {
  const { models } = schema;
  const unknown = Object.keys(options).find((name) => models[name] === undefined);
  if (unknown !== undefined) {
    throw invalid(
      `There are options for a model "${unknown}", which the Prisma schema does not have. Known: ${Object.keys(models).join(", ")}.`,
    );
  }
  const exposed = new Set(Object.keys(models).filter((name) => options[name]?.isExposed !== false));
  const read = Object.entries(models)
    .filter(([name]) => exposed.has(name))
    .map(([name, model]) => readModel({ schema, exposed }, name, model, options[name]?.plural));
  const enums = Object.entries(schema.enums).map(([name, { values }]): EnumType => ({
    name,
    values: values.map((value) => value.name),
  }));
  return createModelRegistry(read, enums, emulatedKeysOf(schema));
}

interface ModelSource {
  readonly schema: SchemaDescription;
  readonly exposed: ReadonlySet<string>;
}

function readModel(
  { schema, exposed }: ModelSource,
  name: string,
  source: ModelDescription,
  plural: string | undefined,
): Model {
  const fields = source.fields
    .filter((field) => isUsable(field, exposed))
    .map((field) =>
      field.kind === "relation" ? readRelation(schema, source, field) : readColumn(schema, source, field),
    );
  return {
    name,
    plural: plural ?? pluralOf(name),
    table: source.table,
    schema: source.schema ?? "public",
    key: readKey(name, source.primaryKey, fields),
    uniques: source.uniques.flatMap((unique) => readUnique(unique, fields)),
    isView: source.isView,
    fields,
    ...(source.documentation === undefined ? {} : { documentation: source.documentation }),
  };
}

/** A unique key, unless it has a column that the API cannot show. */
function readUnique({ name, fields: names }: UniqueDescription, fields: readonly Field[]): UniqueKey[] {
  const columns = names.map((wanted) => fields.find((field) => field.name === wanted));
  const isWhole = columns.every((field) => field !== undefined && field.kind !== "relation");
  return isWhole ? [{ name: name ?? names.join("_"), fields: columns }] : [];
}

/** Types that can be a key: they can be sorted, and turned into an id. */
const KEY_TYPES = new Set(["String", "Int", "BigInt", "Boolean", "DateTime"]);

function readKey(
  model: string,
  keyNames: readonly string[],
  fields: readonly Field[],
): readonly ColumnField[] {
  const advice = "or keep the model out of the API with {isExposed: false} in its options";
  if (keyNames.length === 0) {
    throw invalid(`Model ${model} has no primary key. Give it an @id or @@id, ${advice}.`);
  }
  return keyNames.map((name) => {
    const field = fields.find((candidate) => candidate.name === name);
    if (field === undefined || field.kind === "relation" || !isKeyType(field)) {
      const types = [...KEY_TYPES].join(", ");
      throw invalid(
        `The key field ${model}.${name} is of a type that cannot be a key. Use ${types} or an enum, ${advice}.`,
      );
    }
    if (field.kind === "enum" && field.labels !== undefined) {
      throw invalid(
        `The key field ${model}.${name} is of an enum whose values have other names in the database, so a key has two spellings. Remove @map from the values of ${field.type}, ${advice}.`,
      );
    }
    return field;
  });
}

function isKeyType(field: ColumnField): boolean {
  return field.kind === "enum" || KEY_TYPES.has(field.type);
}

/** `City` → `cities`, `OrderItem` → `orderItems`. A name that is its own plural gets `All`: one name cannot mean both. */
function pluralOf(name: string): string {
  const singular = `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
  const plural = pluralize.plural(singular);
  return plural === singular ? `${plural}All` : plural;
}

function isUsable(field: FieldDescription, exposed: ReadonlySet<string>): boolean {
  if (field.kind === "relation") {
    return exposed.has(field.type);
  }
  return field.kind === "enum" || (field.kind === "scalar" && SCALAR_TYPES.has(field.type));
}

function readColumn(
  { enums }: SchemaDescription,
  { primaryKey, uniques }: ModelDescription,
  field: ColumnDescription,
): ColumnField {
  const { defaultCall } = field;
  const isKey = primaryKey.includes(field.name);
  const column = {
    ...readBase(field),
    column: field.column,
    hasDefault: field.hasDefault || field.isUpdatedAt,
    isKey,
    isUnique:
      (isKey && primaryKey.length === 1) ||
      uniques.some(({ fields }) => fields.length === 1 && fields[0] === field.name),
    isUpdatedAt: field.isUpdatedAt,
    ...(defaultCall !== undefined && isMadeByPrisma(defaultCall) ? { generator: defaultCall } : {}),
  };
  if (field.kind !== "enum") {
    return { ...column, kind: "scalar", type: field.type as ScalarType };
  }
  const labels = Object.fromEntries(
    (enums[field.type]?.values ?? []).flatMap(({ name, label }) =>
      label === undefined ? [] : [[name, label] as const],
    ),
  );
  return {
    ...column,
    kind: "enum",
    type: field.type,
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
}

function readRelation(
  { models }: SchemaDescription,
  model: ModelDescription,
  field: RelationDescription,
): RelationField {
  const relation = {
    ...readBase(field),
    kind: "relation" as const,
    type: field.type,
    table: models[field.type]?.table ?? field.type,
    relationName: field.relationName,
    foreignKey: field.foreignKey,
  };
  if (field.foreignKey.length === 0) {
    return relation;
  }
  return { ...relation, references: field.references, ...actionsOf(model, field) };
}

function readBase({
  name,
  isList,
  isRequired,
  documentation,
}: FieldDescription): Pick<Field, "name" | "isList" | "isNullable" | "documentation"> {
  return {
    name,
    isList,
    isNullable: !isRequired && !isList,
    ...(documentation === undefined ? {} : { documentation }),
  };
}

function invalid(message: string): AppError {
  return new AppError("INVALID_CONFIG", message);
}
