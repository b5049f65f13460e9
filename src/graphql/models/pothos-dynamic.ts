import type { InputFieldMap, InputFieldRef, FieldMap } from "@pothos/core";
import type { PrismaObjectRef } from "@pothos/plugin-prisma";
import { queryFromInfo } from "@pothos/plugin-prisma";
import type { GraphQLResolveInfo } from "graphql";
import type { Model } from "../../core/records/model.ts";
import type { AnyPrismaModel, BuilderTypes, GraphQLContext, PowerCrudBuilder } from "../builder.ts";
import type { LoadedRecord } from "../pagination/page.ts";

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
    readonly select: Record<string, true>;
    /** Finds a record again by what is always loaded of it. Default: by its unique key. */
    readonly findAgain?: ((record: LoadedRecord) => object) | undefined;
    readonly fields: (t: RecordFieldBuilder) => FieldMap;
  },
): RecordObjectRef {
  const { description, select, findAgain, fields } = options;
  return builder.prismaObject(name, {
    variant: apiName,
    ...(description === undefined ? {} : { description }),
    ...(findAgain === undefined ? {} : { findUnique: findAgain as never }),
    select,
    fields: (t) => fields(t as unknown as RecordFieldBuilder),
  });
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

/** The client's `select` for a part of the document. */
export type PlannedSelect = Record<string, unknown>;

/** A path down a document: field names, with their types if needed. */
export type PlannedPath = readonly { readonly name: string; readonly type?: string }[];

/**
 * The client's `select` for everything that the document selects under `paths`, including relations, and for `select`. So one
 * call loads the whole tree.
 */
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

/** Builds the `select` of a relation's field on its parent. */
export type RelationSelect = (
  args: Record<string, unknown>,
  context: GraphQLContext,
  /** The client's arguments for the relation, with the `select` for the related records. */
  nested: (query: Record<string, unknown>) => unknown,
  /** The fields of the connection that the document selects. */
  selectedFields: ReadonlySet<string>,
) => Record<string, unknown>;

/**
 * The Pothos extension with which a field tells the Prisma plugin its `select`. It is internal to the plugin, so package.json
 * pins the version, and a test names it. The public `select` option is not enough: it supports one path to the records,
 * while ours are under both `nodes` and `edges`, and it does not show whether `totalCount` is selected.
 */
export function connectionSelect(typeName: string, select: RelationSelect): { pothosPrismaSelect: unknown } {
  return {
    pothosPrismaSelect: (
      args: Record<string, unknown>,
      context: GraphQLContext,
      nested: (query: unknown, include: unknown) => unknown,
      selectedFields: () => ReadonlySet<string>,
    ) => {
      const include = { getType: () => typeName, paths: CONNECTION_PATHS.map((path) => [...path]) };
      return { select: select(args, context, (query) => nested(query, include), selectedFields()) };
    },
  };
}
