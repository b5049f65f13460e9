import { plainName } from "../../core/records/api-name.ts";
import type { ColumnField, Model } from "../../core/records/model.ts";
import { REFUSALS } from "../../core/refusals/refusals.ts";

/** The types of a model, by what they are; each is named after the model. A type that is added here is named everywhere. */
const MODEL_TYPES = {
  object: (model) => model,
  connection: (model) => `${model}Connection`,
  edge: (model) => `${model}Edge`,
  where: (model) => `${model}Where`,
  relationFilter: (model) => `${model}RelationFilter`,
  nullableRelationFilter: (model) => `${model}NullableRelationFilter`,
  listRelationFilter: (model) => `${model}ListRelationFilter`,
  orderBy: (model) => `${model}OrderBy`,
  aggregate: (model) => `${model}Aggregate`,
  extremes: (model) => `${model}Extremes`,
  sums: (model) => `${model}Sums`,
  averages: (model) => `${model}Averages`,
  distinctCounts: (model) => `${model}DistinctCounts`,
  group: (model) => `${model}Group`,
  groupKey: (model) => `${model}GroupKey`,
  groupKeyValues: (model) => `${model}GroupKeyValues`,
  having: (model) => `${model}Having`,
  extremesHaving: (model) => `${model}ExtremesHaving`,
  sumsHaving: (model) => `${model}SumsHaving`,
  averagesHaving: (model) => `${model}AveragesHaving`,
  distinctCountsHaving: (model) => `${model}DistinctCountsHaving`,
  groupOrderBy: (model) => `${model}GroupOrderBy`,
  groupKeyOrderBy: (model) => `${model}GroupKeyOrderBy`,
  extremesOrderBy: (model) => `${model}ExtremesOrderBy`,
  numbersOrderBy: (model) => `${model}NumbersOrderBy`,
  distinctCountsOrderBy: (model) => `${model}DistinctCountsOrderBy`,
  selection: (model) => `${model}Selection`,
  search: (model) => `${model}Search`,
  key: (model) => `${model}Key`,
  createInput: (model) => `${model}CreateInput`,
  updateInput: (model) => `${model}UpdateInput`,
  bulkCreateInput: (model) => `${model}BulkCreateInput`,
  updateEachDataInput: (model) => `${model}UpdateEachDataInput`,
  updateEachInput: (model) => `${model}UpdateEachInput`,
  upsertInput: (model) => `${model}UpsertInput`,
  upsertCreateInput: (model) => `${model}UpsertCreateInput`,
  upsertUpdateInput: (model) => `${model}UpsertUpdateInput`,
  bulkUpsertCreateInput: (model) => `${model}BulkUpsertCreateInput`,
  bulkUpdateInput: (model) => `${model}BulkUpdateInput`,
  createPayload: (model) => `Create${model}Payload`,
  updatePayload: (model) => `Update${model}Payload`,
  upsertPayload: (model) => `Upsert${model}Payload`,
  deletePayload: (model) => `Delete${model}Payload`,
  createResult: (model) => `Create${model}Result`,
  updateResult: (model) => `Update${model}Result`,
  upsertResult: (model) => `Upsert${model}Result`,
  deleteResult: (model) => `Delete${model}Result`,
  staleError: (model) => REFUSALS.STALE.type.replace("{Model}", model),
} as const satisfies Patterns;

/** The inputs for columns of a type: of a scalar, or of an enum. */
const COLUMN_TYPES = {
  filter: (type) => `${type}Filter`,
  nullableFilter: (type) => `${type}NullableFilter`,
  listFilter: (type) => `${type}ListFilter`,
  change: (type) => `${type}Change`,
  listChange: (type) => `${type}ListChange`,
} as const satisfies Patterns;

const ENUM_TYPES = { enum: (type) => type, ...COLUMN_TYPES } as const satisfies Patterns;

/** The mutations of one record; each is named after the model. */
const MODEL_MUTATIONS = {
  create: (model) => `create${model}`,
  update: (model) => `update${model}`,
  upsert: (model) => `upsert${model}`,
  delete: (model) => `delete${model}`,
} as const satisfies Patterns;

/** The queries of many records, beside the list itself; each is named after the model's plural. */
const PLURAL_QUERIES = {
  aggregateMany: (many) => `${many}Aggregate`,
  groupMany: (many) => `${many}GroupBy`,
} as const satisfies Patterns;

/** The mutations of many records; each is named after the model's plural. */
const PLURAL_MUTATIONS = {
  bulkCreate: (many) => `bulkCreate${capitalized(many)}`,
  bulkUpdate: (many) => `bulkUpdate${capitalized(many)}`,
  bulkUpdateEach: (many) => `bulkUpdateEach${capitalized(many)}`,
  bulkUpsert: (many) => `bulkUpsert${capitalized(many)}`,
  bulkDelete: (many) => `bulkDelete${capitalized(many)}`,
} as const satisfies Patterns;

type Patterns = Readonly<Record<string, (name: string) => string>>;
type NamesOf<Table extends Patterns> = { readonly [Key in keyof Table]: string };

/** Everything of one model that has a name of its own in the API. */
export type ModelNames = NamesOf<typeof MODEL_TYPES> &
  NamesOf<typeof MODEL_MUTATIONS> &
  NamesOf<typeof PLURAL_QUERIES> &
  NamesOf<typeof PLURAL_MUTATIONS> & {
    /** The query of one record, and the record's field in payloads: `city`. */
    readonly one: string;
    /** The query of many records: `cities`. */
    readonly many: string;
    /** The inputs of keys of several fields, by the key's name in the Prisma schema: `UserTeamIdSlugKey`. */
    readonly compoundKeys: Readonly<Record<string, string>>;
    /** The inputs of lists that are written together with a record, by the relation's name in the Prisma schema. */
    readonly nested: Readonly<Record<string, NestedNames>>;
  };

/** The inputs of a list that is written together with a record. */
export interface NestedNames {
  /** `CountryNestedCitiesInput` */
  readonly list: string;
  /** Of a new record in it: `CountryNestedCitiesCreateInput`. */
  readonly create: string;
}

/** The type of an enum, and the inputs for its columns. */
export type EnumNames = NamesOf<typeof ENUM_TYPES> & {
  /** The enum's values in the Prisma schema by their names in the API. */
  readonly values: Readonly<Record<string, string>>;
};

/** The inputs for columns of one type. */
export type ColumnTypeNames = NamesOf<typeof COLUMN_TYPES>;

/** What a task of the app's own has in the API. */
export interface TaskNames {
  /** The mutation that launches it: `launchRebuildStatistics`. */
  readonly launch: string;
  /** Stands before the suffix of each of its types: `RebuildStatistics` for `RebuildStatisticsInput`. */
  readonly base: string;
}

/** The names of the exposed models, of the enums that they use, and of the app's own tasks. */
export interface NameTable {
  of(model: Pick<Model, "name">): ModelNames;
  /** @param name in the Prisma schema */
  enum(name: string): EnumNames;
  /** The inputs for a column. @param scalar the GraphQL scalar of a column that is not of an enum */
  column(field: ColumnField, scalar: string): ColumnTypeNames;
  task(kind: string): TaskNames;
}

/** The names that a schema has besides those of its models. */
export interface BuiltInNames {
  readonly types: ReadonlySet<string>;
  /** Fields of `Query`. */
  readonly queries: ReadonlySet<string>;
  /** Fields of `Mutation`. */
  readonly mutations: ReadonlySet<string>;
}

/** The inputs that all models share. */
export const SHARED_INPUTS = { manyChange: "ManyChange", countOrderBy: "CountOrderBy" } as const;

/** The fields that every record has besides its own. */
export const RECORD_FIELDS = { activeTask: "activeTask" } as const;

/** The inputs for columns of a scalar. */
export function columnTypesOf(scalar: string): ColumnTypeNames {
  return namesBy(COLUMN_TYPES, () => scalar);
}

/**
 * The names of a model's types.
 * @param nameFor gives the model's part of the name of one type
 */
export function modelTypes(nameFor: NameFor): NamesOf<typeof MODEL_TYPES> {
  return namesBy(MODEL_TYPES, nameFor);
}

/** The names of the inputs of a model's keys of several fields. @param keys their names in the Prisma schema */
export function compoundKeyTypes(nameFor: NameFor, keys: readonly string[]): ModelNames["compoundKeys"] {
  return Object.fromEntries(
    keys.map((key) => {
      const words = plainName(key).split("_").map(capitalized).join("");
      const pattern = (model: string): string => `${model}${words}Key`;
      return [key, pattern(nameFor(pattern))];
    }),
  );
}

/** The names of the inputs of nested lists. @param relations their names in the Prisma schema */
export function nestedTypes(nameFor: NameFor, relations: readonly string[]): ModelNames["nested"] {
  return Object.fromEntries(
    relations.map((relation) => {
      const words = plainName(relation).split("_").map(capitalized).join("");
      const list = (model: string): string => `${model}Nested${words}Input`;
      const create = (model: string): string => `${model}Nested${words}CreateInput`;
      return [relation, { list: list(nameFor(list)), create: create(nameFor(create)) }];
    }),
  );
}

/** The names of an enum's types. */
export function enumTypes(nameFor: NameFor): NamesOf<typeof ENUM_TYPES> {
  return namesBy(ENUM_TYPES, nameFor);
}

/** The query and the mutations of one record. */
export function singleFields(model: string): NamesOf<typeof MODEL_MUTATIONS> & Pick<ModelNames, "one"> {
  return { one: uncapitalized(model), ...namesBy(MODEL_MUTATIONS, () => model) };
}

/** The queries of many records. */
export function pluralQueries(plural: string): NamesOf<typeof PLURAL_QUERIES> & Pick<ModelNames, "many"> {
  return { many: plural, ...namesBy(PLURAL_QUERIES, () => plural) };
}

/** The mutations of many records. */
export function pluralMutations(plural: string): NamesOf<typeof PLURAL_MUTATIONS> {
  return namesBy(PLURAL_MUTATIONS, () => plural);
}

/** The names of a task. @param base its kind in GraphQL's letters, with a capital */
export function taskNames(base: string): TaskNames {
  return { launch: `launch${base}`, base };
}

/** Gives what stands for the model in the name of one type. */
export type NameFor = (pattern: (name: string) => string) => string;

function namesBy<Table extends Patterns>(table: Table, nameFor: NameFor): NamesOf<Table> {
  return Object.fromEntries(
    Object.entries(table).map(([key, pattern]) => [key, pattern(nameFor(pattern))]),
  ) as NamesOf<Table>;
}

/** `city` → `City` */
export function capitalized(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** `City` → `city` */
export function uncapitalized(name: string): string {
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
}
