import { AppError } from "../../kernel/app-error.ts";
import { oncePer } from "../../kernel/once-per.ts";
import type { FieldSwitches } from "./field-switches.ts";

/** The Prisma scalar types. */
export type ScalarType =
  | "String"
  | "Int"
  | "BigInt"
  | "Float"
  | "Decimal"
  | "Boolean"
  | "DateTime"
  | "Json"
  | "Bytes";

interface FieldBase {
  /** As in the Prisma schema, and in the app's code. */
  readonly name: string;
  /** Its name in the API: its own, unless the API needs that for itself, or the config sets another. */
  readonly apiName: string;
  readonly documentation?: string;
  readonly isList: boolean;
  readonly isNullable: boolean;
  /** What the API does with the field; see field-switches. Default: everything. */
  readonly switches?: FieldSwitches;
}

interface ColumnBase extends FieldBase {
  /** The column's name in the table (`@map`). */
  readonly column: string;
  /** Whether the database, Prisma or the app's hooks fill it in when a create leaves it out. */
  readonly hasDefault: boolean;
  /** The default that only Prisma makes, as the schema writes it: `uuid(7)`. */
  readonly generator?: string;
  readonly isKey: boolean;
  readonly isUnique: boolean;
  /** Prisma's `@updatedAt`: set on every write, never by the caller. */
  readonly isUpdatedAt: boolean;
  /**
   * The column's type as PostgreSQL writes it, with its precision: `uuid`, `timestamp(3) without time zone`. Prisma's
   * data model lacks it, so it is read from the database at start.
   */
  readonly nativeType?: string;
  /** Whether the database makes its values of the record's others (GENERATED ALWAYS AS); read at start, too. Default: false */
  readonly isGenerated?: true;
}

/** A column of a scalar type. */
export interface ScalarField extends ColumnBase {
  readonly kind: "scalar";
  readonly type: ScalarType;
}

/** A column of a Prisma enum. */
export interface EnumField extends ColumnBase {
  readonly kind: "enum";
  /** Name of the enum in the Prisma schema. */
  readonly type: string;
  /** The database's names of the values that have another name there (`@map`). */
  readonly labels?: Readonly<Record<string, string>>;
  /** The enum's values. Only on fields of a key, whose ids are checked against them. */
  readonly values?: readonly string[];
  /**
   * The enum's values in the order in which the database sorts them, read at start. The schema's order is often another
   * one: `ALTER TYPE … ADD VALUE` puts new values last.
   */
  readonly sortedValues?: readonly string[];
}

/** A relation to another model, or to the same one. */
export interface RelationField extends FieldBase {
  readonly kind: "relation";
  /** Name of the other model. */
  readonly type: string;
  readonly relationName: string;
  /** The table of that model. */
  readonly table?: string;
  /** The fields of this model that hold the foreign key; empty where the other side or a join table holds it. */
  readonly foreignKey: readonly string[];
  /** The fields of the other model that `foreignKey` refers to, in its order. Default: that model's key. */
  readonly references?: readonly string[];
  /** What becomes of this model's records when the one that they refer to is deleted; only beside a foreign key. */
  readonly onDelete?: ReferentialAction;
  /** What becomes of this model's records when the key that they refer to changes; only beside a foreign key. */
  readonly onUpdate?: ReferentialAction;
}

/** What happens to records that refer to a changed one. */
export type ReferentialAction = "Cascade" | "Restrict" | "NoAction" | "SetNull" | "SetDefault";

export type ColumnField = ScalarField | EnumField;
export type Field = ColumnField | RelationField;

/** A Prisma enum with its values in order. */
export interface EnumType {
  readonly name: string;
  readonly values: readonly string[];
  /** The schema's comment on it. */
  readonly documentation?: string;
}

/** Columns whose values no two records of a model share (`@unique`, `@@unique`). */
export interface UniqueKey {
  /** As Prisma's client calls it: `email`, `teamId_slug`, or the name that the schema gives it. */
  readonly name: string;
  /** One, or several for a compound key, in the schema's order. */
  readonly fields: readonly ColumnField[];
}

/** A model exposed through the API. Made once at start from the generated data model and the app's options. */
export interface Model {
  /** As in the Prisma schema, compared case-sensitively: `City`. */
  readonly name: string;
  /** The name of its GraphQL type, which its other names are made of. Its own, unless that is taken; see chooseNames. */
  readonly apiName: string;
  /** The table's name in the database (`@@map`). */
  readonly table: string;
  /** The table's schema in the database (`@@schema`). */
  readonly schema: string;
  /**
   * The fields whose values are the records' ids, in order: the primary key, or else a unique key. Several for a
   * composite key. Empty for a model that is a read-only list.
   */
  readonly key: readonly ColumnField[];
  /** The names of the primary key's fields, in order; empty where there is none. */
  readonly primaryKey: readonly string[];
  /** The unique keys besides the primary key, in the schema's order. */
  readonly uniques: readonly UniqueKey[];
  /** Whether it is a view of the database. */
  readonly isView: boolean;
  /** The required columns without a default that Prisma's client cannot write: of unsupported types, or ignored. */
  readonly unwritable: readonly string[];
  /** Why the model is a read-only list, in words: its records have no ids, so they cannot be named, written or locked. */
  readonly readOnlyReason?: string | undefined;
  /** Why records cannot be created, in words. */
  readonly noCreateReason?: string | undefined;
  readonly fields: readonly Field[];
  /** How its records are searched; undefined for a model without `search`. */
  readonly search?: ModelSearch | undefined;
  readonly documentation?: string;
}

/** How a model's records are searched. */
export interface ModelSearch {
  /** The names of text fields, the most important first. */
  readonly fields: readonly string[];
  /** The name of a text search configuration of the database: `simple`, `french`, `public.ours`. */
  readonly configuration: string;
}

/** A table by its names in the database. */
export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/**
 * A foreign key that the database does not have, and that is kept in its place: a relation of a schema with
 * `relationMode = "prisma"`, or one side of such a join table. Models that are not exposed have them, too.
 */
export interface EmulatedKey {
  /** The referring table, and its columns. */
  readonly from: TableName;
  readonly columns: readonly string[];
  /** The table referred to, and its columns in the same order. */
  readonly to: TableName;
  readonly referenced: readonly string[];
  readonly onDelete: ReferentialAction;
  readonly onUpdate: ReferentialAction;
}

/** All exposed models, by name. */
export interface ModelRegistry {
  /** @throws AppError UNKNOWN_MODEL, naming the known ones */
  get(name: string): Model;
  all(): readonly Model[];
  enums(): readonly EnumType[];
  /** The foreign keys that are kept in the database's place. */
  readonly emulatedKeys: readonly EmulatedKey[];
  /** The same registry with each model changed. */
  map(change: (model: Model) => Model): ModelRegistry;
}

/** The model of that name; undefined where there is none, or none any more. */
export function findModel(
  models: Pick<ModelRegistry, "all">,
  name: string | null | undefined,
): Model | undefined {
  return models.all().find((model) => model.name === name);
}

/** Whether the model's records have ids; without, the model is a read-only list. */
export function hasIds(model: Model): boolean {
  return model.key.length > 0;
}

/** Whether records of the model can be created. */
export function canCreate(model: Model): boolean {
  return hasIds(model) && model.noCreateReason === undefined;
}

/** The API's name of a field; other names are returned as they are. */
export function apiNameOf(model: Model, name: string): string {
  return model.fields.find((field) => field.name === name)?.apiName ?? name;
}

/** Gives a model's name in the API; names of other models are returned as they are. */
export function modelNamer(models: ModelRegistry): (model: string) => string {
  const names = new Map(models.all().map(({ name, apiName }) => [name, apiName]));
  return (model) => names.get(model) ?? model;
}

/** A value that is computed from records, as if it were a column. */
export function computedField(
  name: string,
  apiName: string,
  type: ScalarType,
  isNullable = false,
): ScalarField {
  return {
    kind: "scalar",
    name,
    apiName,
    column: name,
    type,
    isNullable,
    isList: false,
    hasDefault: false,
    isKey: false,
    isUnique: false,
    isUpdatedAt: false,
  };
}

/** The model's fields that are columns. */
export const columnsOf: (model: Model) => readonly ColumnField[] = oncePer((model) =>
  model.fields.filter((field) => field.kind !== "relation"),
);

/** The model's relations. */
export const relationsOf: (model: Model) => readonly RelationField[] = oncePer((model) =>
  model.fields.filter((field) => field.kind === "relation"),
);

/** Whether a record can refer to another record of the same model. */
export function refersToItself(model: Model): boolean {
  return relationsOf(model).some(({ type, foreignKey }) => type === model.name && foreignKey.length > 0);
}

/** The name of the related model that has the table; undefined if there is none. */
export function relatedModel(model: Model, table: string): string | undefined {
  return relationsOf(model).find((relation) => relation.table === table)?.type;
}

/** The `@updatedAt` column, if the model has one. */
export function updatedAtField(model: Model): ColumnField | undefined {
  return columnsOf(model).find((field) => field.isUpdatedAt);
}

/** The field at the other end of the relation; undefined where the API does not show it. */
export function oppositeOf(
  models: ModelRegistry,
  model: Model,
  field: RelationField,
): RelationField | undefined {
  const isSelf = field.type === model.name;
  return relationsOf(models.get(field.type)).find(
    (other) => other.relationName === field.relationName && !(isSelf && other.name === field.name),
  );
}

/** Whether the relation is many-to-many over a join table. Links can then be changed from both sides. */
export function isManyToMany(models: ModelRegistry, model: Model, field: RelationField): boolean {
  return field.isList && oppositeOf(models, model, field)?.isList === true;
}

export function createModelRegistry(
  models: readonly Model[],
  enums: readonly EnumType[],
  emulatedKeys: readonly EmulatedKey[] = [],
): ModelRegistry {
  const byName = new Map(models.map((model) => [model.name, model]));
  return {
    get(name) {
      const model = byName.get(name);
      if (model === undefined) {
        throw new AppError(
          "UNKNOWN_MODEL",
          `There is no model "${name}". Known: ${[...byName.keys()].join(", ")}.`,
        );
      }
      return model;
    },
    all: () => models,
    enums: () => enums,
    emulatedKeys,
    map: (change) => createModelRegistry(models.map(change), enums, emulatedKeys),
  };
}
