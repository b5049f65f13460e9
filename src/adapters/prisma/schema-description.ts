/**
 * A Prisma schema as plain JSON: what the generator `powercrud` writes into the project's generated module, and what the
 * models are read from. Only what Prisma's client knows is in it: no `@@ignore`d models, no `@ignore`d or `Unsupported` fields.
 */
export interface SchemaDescription {
  readonly relationMode: "foreignKeys" | "prisma";
  /** By name, in the schema's order. Views are among them. */
  readonly models: Readonly<Record<string, ModelDescription>>;
  readonly enums: Readonly<Record<string, EnumDescription>>;
}

/** A model or a view of the schema. */
export interface ModelDescription {
  /** The table's name in the database (`@@map`). */
  readonly table: string;
  /** The table's schema in the database (`@@schema`). Default: `public`. */
  readonly schema?: string;
  readonly isView: boolean;
  readonly documentation?: string;
  /** The fields of `@id` or `@@id`, in order; empty where there is none. */
  readonly primaryKey: readonly string[];
  /** The name that `@@id` gives the key for Prisma's client (`name: "place"`). Default: its fields, joined by `_`. */
  readonly primaryKeyName?: string;
  /** All of `@unique` and `@@unique`, in the schema's order. */
  readonly uniques: readonly UniqueDescription[];
  readonly fields: readonly FieldDescription[];
  /** Required columns without a default that Prisma's client cannot write: those of `Unsupported` types and `@ignore`d ones. */
  readonly unwritable: readonly string[];
}

/** A unique key. */
export interface UniqueDescription {
  /** The name that `@@unique` gives it for Prisma's client. Default: its fields, joined by `_`. */
  readonly name?: string;
  readonly fields: readonly string[];
}

/** An enum of the schema. */
export interface EnumDescription {
  readonly values: readonly {
    readonly name: string;
    /** Its name in the database, where it has another one there (`@map`). */
    readonly label?: string;
  }[];
  readonly schema?: string;
  readonly documentation?: string;
}

interface FieldDescriptionBase {
  readonly name: string;
  readonly isList: boolean;
  readonly isRequired: boolean;
  readonly documentation?: string;
}

/** A column. */
export interface ColumnDescription extends FieldDescriptionBase {
  readonly kind: "scalar" | "enum" | "unsupported";
  /** The scalar's or the enum's name. */
  readonly type: string;
  /** The column's name in the table (`@map`). */
  readonly column: string;
  readonly hasDefault: boolean;
  /** The function call that makes the default, as the schema writes it, without blanks: `uuid(7)`. */
  readonly defaultCall?: string;
  readonly isUpdatedAt: boolean;
  /** The native type, as the schema writes it after `@db.`: `VarChar(2)`. */
  readonly nativeType?: string;
}

/** A relation to another model, or to the same one. */
export interface RelationDescription extends FieldDescriptionBase {
  readonly kind: "relation";
  /** The other model's name. */
  readonly type: string;
  readonly relationName: string;
  /** The fields of this model that hold the foreign key; empty where the other side or a join table holds it. */
  readonly foreignKey: readonly string[];
  /** The other model's fields that `foreignKey` refers to, in its order. */
  readonly references: readonly string[];
  /** The referential actions that the schema states. */
  readonly onDelete?: string;
  readonly onUpdate?: string;
}

export type FieldDescription = ColumnDescription | RelationDescription;

/** The names of a model's fields; `links` are those of the relations that are many-to-many. */
export function fieldNamesOf(
  models: SchemaDescription["models"],
  model: string,
): { readonly columns: string[]; readonly relations: string[]; readonly links: string[] } {
  const fields = models[model]?.fields ?? [];
  const relations = fields.filter((field) => field.kind === "relation");
  return {
    columns: fields.filter(({ kind }) => kind !== "relation").map(({ name }) => name),
    relations: relations.map(({ name }) => name),
    links: relations.filter((relation) => isManyToMany(models, model, relation)).map(({ name }) => name),
  };
}

function isManyToMany(
  models: SchemaDescription["models"],
  model: string,
  { name, type, isList, relationName }: RelationDescription,
): boolean {
  const opposite = models[type]?.fields.find(
    (other) =>
      other.kind === "relation" &&
      other.relationName === relationName &&
      !(type === model && other.name === name),
  );
  return isList && opposite?.isList === true;
}
