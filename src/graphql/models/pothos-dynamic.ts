import type { InputFieldMap, InputFieldRef, FieldMap } from "@pothos/core";
import type { PrismaObjectRef } from "@pothos/plugin-prisma";
import { queryFromInfo } from "@pothos/plugin-prisma";
import type { FieldNode, GraphQLField, GraphQLResolveInfo, GraphQLSchema } from "graphql";
import type { Model } from "../../core/records/model.ts";
import type {
  AnyPrismaModel,
  BuilderTypes,
  GraphQLContext,
  NodeInterfaces,
  PowerCrudBuilder,
} from "../builder.ts";
import type { LoadedRecord } from "../../core/records/record-lists.ts";

// Pothos infers types from literal field maps. Ours are made from a data model that is known only at start, so there is
// nothing to infer. This file contains all casts that this needs.

/** A model's object type; its records are looked up by column name. */
export type RecordObjectRef = PrismaObjectRef<BuilderTypes, AnyPrismaModel, LoadedRecord>;

/** Builds fields of a model's object type. */
export type RecordFieldBuilder = PothosSchemaTypes.PrismaObjectFieldBuilder<
  BuilderTypes,
  AnyPrismaModel,
  Record<string, unknown>
>;

/** Builds fields of an input type. */
export type InputBuilder = PothosSchemaTypes.InputFieldBuilder<BuilderTypes, "InputObject">;

export type AnyInputRef = PothosSchemaTypes.InputObjectRef<BuilderTypes, unknown>;

export type InputFields = Record<string, InputFieldRef<BuilderTypes, unknown>>;

/** The object type of a model. `select` is always loaded; fields add the columns that they need. */
export function recordObject(
  builder: PowerCrudBuilder,
  { name, apiName }: Model,
  options: {
    readonly description: string | undefined;
    readonly interfaces: NodeInterfaces;
    readonly select: Record<string, true>;
    readonly fields: (t: RecordFieldBuilder) => FieldMap;
  },
): RecordObjectRef {
  const { description, interfaces, select, fields } = options;
  return builder.prismaObject(name, {
    variant: apiName,
    ...(description === undefined ? {} : { description }),
    // Records are never read a second time, so that those of views need no unique key.
    findUnique: readAgain,
    interfaces,
    select,
    fields: (t) => fields(t as unknown as RecordFieldBuilder),
  });
}

function readAgain(): never {
  throw new TypeError("a record was not planned with all that its fields need");
}

/** The options of an input type. */
export interface RecordInputOptions {
  readonly description: string;
  /** Whether exactly one member must be given (`@oneOf`). */
  readonly isOneOf?: boolean;
  readonly fields: (t: InputBuilder) => InputFields;
}

/** An input type, and what implements it: its fields may refer to it and to others. */
export function recordInput(
  builder: PowerCrudBuilder,
  name: string,
  { description, isOneOf, fields }: RecordInputOptions,
): { readonly ref: AnyInputRef; readonly implement: () => void } {
  const ref = builder.inputRef<Record<string, unknown>>(name);
  return {
    ref,
    implement() {
      ref.implement({
        description,
        ...(isOneOf === true ? { isOneOf: true } : {}),
        fields: (t: unknown): InputFieldMap => fields(t as InputBuilder),
      } as never);
    },
  };
}

/** A part of the document in the form of the Prisma client's `select`. */
export type PlannedSelect = Record<string, unknown>;

/** A path down a document: field names, with their types if needed. */
export type PlannedPath = readonly { readonly name: string; readonly type?: string }[];

/** The `select` for everything that the document selects under `paths`, including relations, and for `select`. */
export function plannedSelect(
  context: GraphQLContext,
  info: GraphQLResolveInfo,
  options: {
    readonly typeName: string;
    readonly select: PlannedSelect;
    readonly paths?: readonly PlannedPath[];
  },
): PlannedSelect {
  const { select } = queryFromInfo({
    context,
    info,
    typeName: options.typeName,
    select: options.select as Record<string, boolean>,
    ...(options.paths === undefined ? {} : { paths: options.paths.map((path) => [...path]) }),
  });
  return select;
}

/** The paths at which a connection's records are selected. */
export const CONNECTION_PATHS = [[{ name: "nodes" }], [{ name: "edges" }, { name: "node" }]] as const;

/** Whether the document selects a path of fields below a field. */
export type IsSelected = (...path: readonly string[]) => boolean;

/** The `select` of a field on its parent. */
export type FieldSelect = PlannedSelect | ((field: SelectedField) => PlannedSelect);

/** A field that the document selects. */
export interface SelectedField {
  readonly context: GraphQLContext;
  readonly node: FieldNode;
  /** The `select` for the related records: `base`, and what the document selects of them. */
  nested(base?: PlannedSelect): unknown;
  readonly isSelected: IsSelected;
}

/** What a field of a model's object type needs of its record. See {@link implementSelects}. */
interface SelectExtension {
  readonly select: FieldSelect;
  /** For a connection, the type of its records. */
  readonly connectionOf: string | undefined;
  /** The property of the record that is the field's value as it is. */
  readonly property: string | undefined;
}

const SELECT = "powercrudSelect";

/** Declares what a field needs of its record. */
export function selects(
  select: FieldSelect,
  { connectionOf, property }: { readonly connectionOf?: string; readonly property?: string } = {},
): Record<string, unknown> {
  return { [SELECT]: { select, connectionOf, property } satisfies SelectExtension };
}

/**
 * Tells the Prisma plugin's planner the selects that the fields declare, under names internal to the plugin, so
 * package.json pins its version, and a test names them. They are added to the schema that is built already:
 *
 * - The plugin's public options wrap each resolver, to read a record again where the plan did not have the field. Ours
 *   has all of them: a relation that is selected several times with different arguments is planned under several names,
 *   `cities(first: 5)`, which the plugin's map of the models takes for the same relation.
 * - A field whose value is a property of the record needs no resolver at all.
 */
export function implementSelects(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    const { pothosPrismaFieldMap: map } = type.extensions as { pothosPrismaFieldMap?: PluginModel };
    if (map !== undefined && "getFields" in type) {
      nameRelations(map.relations);
      for (const field of Object.values(type.getFields()) as GraphQLField<unknown, unknown>[]) {
        implementSelect(field);
      }
    }
  }
}

/** A model as the plugin's planner knows it. */
interface PluginModel {
  readonly relations: Map<string, PluginModel>;
}

function nameRelations(relations: PluginModel["relations"]): void {
  relations.get = (name) =>
    Map.prototype.get.call(relations, name.split("(", 1)[0]) as PluginModel | undefined;
}

function implementSelect(field: GraphQLField<unknown, unknown>): void {
  const declared = field.extensions[SELECT] as SelectExtension | undefined;
  if (declared === undefined) {
    return;
  }
  const { select, connectionOf, property } = declared;
  field.extensions = {
    ...field.extensions,
    pothosPrismaSelect: typeof select === "function" ? planSelect(select, connectionOf) : select,
  };
  if (property === field.name) {
    delete field.resolve;
  }
}

function planSelect(
  select: (field: SelectedField) => PlannedSelect,
  connectionOf: string | undefined,
): unknown {
  const include =
    connectionOf === undefined
      ? undefined
      : {
          getType: () => connectionOf,
          paths: CONNECTION_PATHS.map((path) => [...path]),
        };
  return (
    _args: unknown,
    context: GraphQLContext,
    nested: (query: unknown, include: unknown) => unknown,
    selected: (path: readonly string[]) => FieldNode | null,
    { node }: { readonly node: FieldNode },
  ) => ({
    select: select({
      context,
      node,
      nested: (base) => nested(base === undefined ? true : { select: base }, include),
      isSelected: (...path) => selected(path) !== null,
    }),
  });
}
