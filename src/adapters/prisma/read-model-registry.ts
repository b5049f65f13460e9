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
import { followForeignKeys } from "../../core/records/relation-switches.ts";
import { serveModel } from "../../core/records/serve-model.ts";
import { readModelSearch } from "../../core/records/text-search.ts";
import { isMadeByPrisma } from "./default-generators.ts";
import { actionsOf, emulatedKeysOf } from "./emulated-keys.ts";
import { postgresType } from "./native-type.ts";
import { hiddenKeyProblems, readSwitches, switchModel } from "./read-switches.ts";
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
 * @param defaultSchema the PostgreSQL schema of the models that name none
 */
export function readModelRegistry(
  schema: SchemaDescription,
  options: ModelOptionsMap,
  defaultSchema = "public",
): ModelRegistry {
  const { models } = schema;
  const switches = new Map(
    Object.entries(models).map(([name, model]) => [name, readSwitches(name, model, options[name])]),
  );
  const exposed = new Set(Object.keys(models).filter((name) => switches.get(name)?.isExposed === true));
  const read = Object.entries(models)
    .filter(([name]) => exposed.has(name))
    .map(([name, model]) => readModel({ schema, exposed, defaultSchema }, name, model))
    .map((model) => switchModel(model, switches.get(model.name), options[model.name]));
  const enums = Object.entries(schema.enums).map(([name, { values, documentation }]): EnumType => ({
    name,
    values: values.map((value) => value.name),
    ...(documentation === undefined ? {} : { documentation }),
  }));
  const served = followForeignKeys(read).map((model) => serveModel(model, enums));
  const searches = served.map((model) => readModelSearch(model, options[model.name]));
  const problems = [...switches.values(), ...searches].flatMap((each) => each.problems);
  refuseProblems([...problems, ...served.flatMap(hiddenKeyProblems)]);
  const searched = served.map((model, at) => ({ ...model, search: searches[at]?.search }));
  return createModelRegistry(searched, enums, emulatedKeysOf(schema));
}

/** @throws AppError INVALID_CONFIG that tells them all */
function refuseProblems(problems: readonly string[]): void {
  if (problems.length > 0) {
    throw new AppError("INVALID_CONFIG", problems.join("\n"), { details: { problems } });
  }
}

interface ModelSource {
  readonly schema: SchemaDescription;
  readonly exposed: ReadonlySet<string>;
  readonly defaultSchema: string;
}

function readModel(
  { schema, exposed, defaultSchema }: ModelSource,
  name: string,
  source: ModelDescription,
): Model {
  const fields = source.fields
    .filter(
      (field) => isUsable(field, exposed) && (field.kind !== "relation" || isReadable(schema, source, field)),
    )
    .map((field) =>
      field.kind === "relation" ? readRelation(schema, source, field) : readColumn(schema, source, field),
    );
  return {
    name,
    apiName: name,
    table: source.table,
    schema: source.schema ?? defaultSchema,
    key: [],
    primaryKey: source.primaryKey,
    uniques: source.uniques.flatMap((unique) => readUnique(unique, fields)),
    isView: source.isView,
    unwritable: source.unwritable,
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

function isUsable(field: FieldDescription, exposed: ReadonlySet<string>): boolean {
  if (field.kind === "relation") {
    return exposed.has(field.type);
  }
  return field.kind === "enum" || (field.kind === "scalar" && SCALAR_TYPES.has(field.type));
}

/** Whether the foreign key of a relation, on either side, has no ignored column: their names in the table are not known. */
function isReadable(
  { models }: SchemaDescription,
  source: ModelDescription,
  field: RelationDescription,
): boolean {
  const target = models[field.type] ?? source;
  const opposites = target.fields.filter(
    (other) => other.kind === "relation" && other.relationName === field.relationName,
  ) as readonly RelationDescription[];
  const isOn = ({ fields }: ModelDescription, { foreignKey }: RelationDescription): boolean =>
    foreignKey.every((name) => fields.some((column) => column.name === name));
  return isOn(source, field) && opposites.every((other) => isOn(target, other));
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
    ...nativeTypeOf(field),
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

function nativeTypeOf({ nativeType }: ColumnDescription): Pick<ColumnField, "nativeType"> {
  return nativeType === undefined ? {} : { nativeType: postgresType(nativeType) };
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
}: FieldDescription): Pick<Field, "name" | "apiName" | "isList" | "isNullable" | "documentation"> {
  return {
    name,
    apiName: name,
    isList,
    isNullable: !isRequired && !isList,
    ...(documentation === undefined ? {} : { documentation }),
  };
}
