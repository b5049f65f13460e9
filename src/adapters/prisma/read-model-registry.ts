import pluralize from "pluralize";
import { AppError } from "../../kernel/app-error.ts";
import type {
  ColumnField,
  EnumField,
  EnumType,
  Field,
  Model,
  ModelRegistry,
  RelationField,
  ScalarType,
} from "../../core/records/model.ts";
import { createModelRegistry } from "../../core/records/model.ts";
import type { ModelOptionsMap } from "../../core/records/model-options.ts";
import { followForeignKeys } from "../../core/records/relation-switches.ts";
import { isMadeByPrisma } from "./default-generators.ts";
import { hiddenKeyProblems, readSwitches, switchModel } from "./read-switches.ts";
import type { SchemaText } from "./read-schema-text.ts";
import { readSchemaText } from "./read-schema-text.ts";

/** A field in Pothos' generated data model. */
interface DatamodelField {
  readonly name: string;
  /** `scalar`, `enum`, `object` (a relation) or `unsupported`. */
  readonly kind: string;
  readonly type: string;
  readonly isRequired: boolean;
  readonly isList: boolean;
  readonly hasDefaultValue: boolean;
  readonly isUnique: boolean;
  readonly isId: boolean;
  readonly isUpdatedAt?: boolean;
  readonly documentation?: string;
  readonly relationName?: string;
  readonly relationFromFields?: readonly string[];
}

interface DatamodelModel {
  readonly fields: readonly DatamodelField[];
  readonly primaryKey: { readonly name: string | null; readonly fields: readonly string[] } | null;
  readonly documentation?: string;
}

/** The parts of Pothos' `getDatamodel()` that are read. */
export interface Datamodel {
  readonly datamodel: { readonly models: Readonly<Record<string, DatamodelModel>> };
}

/**
 * The generated client. Only its runtime data model has table and column names. Only the schema's text, which it contains,
 * has the database's names of enum values, and the functions of defaults.
 */
export interface NamedInDatabase {
  readonly _engineConfig?: { readonly inlineSchema?: string };
  readonly _runtimeDataModel?: {
    readonly models: Readonly<
      Record<
        string,
        {
          readonly dbName: string | null;
          readonly schema?: string | null;
          readonly fields: readonly { readonly name: string; readonly dbName?: string | null }[];
        }
      >
    >;
  };
}

/** The generated code that the registry is read from. */
export interface GeneratedModels {
  readonly datamodel: Datamodel;
  readonly client: NamedInDatabase;
  /** The module `enums.ts`: each enum's values by its name. */
  readonly enums: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

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
 * All exposed models, from the code that `prisma generate` made and the app's options.
 *
 * @throws AppError INVALID_CONFIG for a model without a primary key, for options of an unknown model, and for names that
 *   collide
 */
export function readModelRegistry(generated: GeneratedModels, options: ModelOptionsMap): ModelRegistry {
  const { models } = generated.datamodel.datamodel;
  const unknown = Object.keys(options).find((name) => models[name] === undefined);
  if (unknown !== undefined) {
    throw invalid(
      `There are options for a model "${unknown}", which the Prisma schema does not have. Known: ${Object.keys(models).join(", ")}.`,
    );
  }
  const switches = new Map(
    Object.entries(models).map(([name, model]) => [name, readSwitches(name, model, options[name])]),
  );
  const exposed = new Set(Object.keys(models).filter((name) => switches.get(name)?.isExposed === true));
  const source = {
    client: generated.client,
    text: readSchemaText(generated.client._engineConfig?.inlineSchema ?? ""),
    exposed,
  };
  const read = Object.entries(models)
    .filter(([name]) => exposed.has(name))
    .map(([name, model]) => readModel(source, name, model, options[name]?.plural))
    .map((model) => switchModel(model, switches.get(model.name), options[model.name]));
  const problems = [...switches.values()].flatMap((each) => each.problems);
  refuseProblems([...problems, ...read.flatMap(hiddenKeyProblems)]);
  const enums = Object.entries(generated.enums).map(([name, values]): EnumType => ({
    name,
    values: Object.keys(values),
  }));
  return createModelRegistry(followForeignKeys(read), enums);
}

/** @throws AppError INVALID_CONFIG that tells them all */
function refuseProblems(problems: readonly string[]): void {
  if (problems.length > 0) {
    throw invalid(problems.join("\n"));
  }
}

interface ModelSource {
  readonly client: NamedInDatabase;
  readonly text: SchemaText;
  readonly exposed: ReadonlySet<string>;
}

function readModel(
  { client, text, exposed }: ModelSource,
  name: string,
  source: DatamodelModel,
  plural: string | undefined,
): Model {
  const inDatabase = client._runtimeDataModel?.models[name];
  const columnNames = new Map(inDatabase?.fields.map((field) => [field.name, field.dbName]));
  const keyNames = keyNamesOf(source);
  const fields = source.fields
    .filter((field) => isUsable(field, exposed))
    .map((field) =>
      readField(client, field, {
        isKey: keyNames.includes(field.name),
        column: columnNames.get(field.name) ?? field.name,
        ...notesOf(text, name, field),
      }),
    );
  const key = readKey(name, keyNames, fields);
  return {
    name,
    plural: plural ?? pluralOf(name),
    table: tableOf(client, name),
    schema: inDatabase?.schema ?? "public",
    key,
    fields,
    ...(source.documentation === undefined ? {} : { documentation: source.documentation }),
  };
}

function tableOf(client: NamedInDatabase, model: string): string {
  return client._runtimeDataModel?.models[model]?.dbName ?? model;
}

function keyNamesOf({ primaryKey, fields }: DatamodelModel): readonly string[] {
  return primaryKey?.fields ?? fields.filter((field) => field.isId).map((field) => field.name);
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

function isUsable(field: DatamodelField, exposed: ReadonlySet<string>): boolean {
  if (field.kind === "object") {
    return exposed.has(field.type);
  }
  return field.kind === "enum" || (field.kind === "scalar" && SCALAR_TYPES.has(field.type));
}

/** The parts of a field that only the schema's text has. */
function notesOf(
  text: SchemaText,
  model: string,
  field: DatamodelField,
): Pick<EnumField, "labels" | "generator"> & Pick<RelationField, "references"> {
  const call = text.defaultCall(model, field.name);
  const labels = field.kind === "enum" ? text.labels(field.type) : {};
  const references = field.kind === "object" ? text.references(model, field.name) : undefined;
  return {
    ...(references === undefined ? {} : { references }),
    ...(call !== undefined && isMadeByPrisma(call) ? { generator: call } : {}),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
  };
}

function readField(
  client: NamedInDatabase,
  field: DatamodelField,
  {
    references,
    ...known
  }: Pick<EnumField, "isKey" | "column" | "labels" | "generator"> & Pick<RelationField, "references">,
): Field {
  const base = {
    name: field.name,
    isList: field.isList,
    isNullable: !field.isRequired && !field.isList,
    ...(field.documentation === undefined ? {} : { documentation: field.documentation }),
  };
  if (field.kind === "object") {
    return {
      ...base,
      kind: "relation",
      type: field.type,
      table: tableOf(client, field.type),
      relationName: field.relationName ?? field.name,
      foreignKey: field.relationFromFields ?? [],
      ...(references === undefined ? {} : { references }),
    };
  }
  const columnBase = {
    ...base,
    ...known,
    hasDefault: field.hasDefaultValue || field.isUpdatedAt === true,
    isUnique: field.isUnique || field.isId,
    isUpdatedAt: field.isUpdatedAt === true,
  };
  return field.kind === "enum"
    ? ({ ...columnBase, kind: "enum", type: field.type } satisfies ColumnField)
    : ({ ...columnBase, kind: "scalar", type: field.type as ScalarType } satisfies ColumnField);
}

function invalid(message: string): AppError {
  return new AppError("INVALID_CONFIG", message);
}
