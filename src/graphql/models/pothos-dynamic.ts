import type { InputFieldMap, InputFieldRef, FieldMap } from "@pothos/core";
import type { PrismaObjectRef } from "@pothos/plugin-prisma";
import { queryFromInfo } from "@pothos/plugin-prisma";
import type { GraphQLResolveInfo } from "graphql";
import type { AnyPrismaModel, BuilderTypes, GraphQLContext, PowerCrudBuilder } from "../builder.ts";
import type { LoadedRecord } from "../pagination/page.ts";

// Pothos infers shapes from literal field maps. Ours are made from a data model that is known only at start, so there is
// nothing to infer. All casts that this takes are in this file.

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

/** The object type of a model. `select` is loaded always; fields add what they need. */
export function recordObject(
  builder: PowerCrudBuilder,
  model: string,
  options: {
    readonly description: string | undefined;
    readonly select: Record<string, true>;
    readonly fields: (t: RecordFieldBuilder) => FieldMap;
  },
): RecordObjectRef {
  const { description, select, fields } = options;
  return builder.prismaObject(model, {
    ...(description === undefined ? {} : { description }),
    select,
    fields: (t) => fields(t as unknown as RecordFieldBuilder),
  });
}

/** What an input type is made of. */
export interface RecordInputOptions {
  readonly description: string;
  /** Whether exactly one member must be given (`@oneOf`). */
  readonly isOneOf?: boolean;
  readonly fields: (t: InputBuilder) => InputFields;
}

/** An input type. `onRef` is given it before its fields are made, since they may refer to it. */
export function recordInput(
  builder: PowerCrudBuilder,
  name: string,
  options: RecordInputOptions,
  onRef: (ref: AnyInputRef) => void,
): AnyInputRef {
  const { description, isOneOf, fields } = options;
  const ref = builder.inputRef<Record<string, unknown>>(name);
  onRef(ref);
  ref.implement({
    description,
    ...(isOneOf === true ? { isOneOf: true } : {}),
    fields: (t: unknown): InputFieldMap => fields(t as InputBuilder),
  } as never);
  return ref;
}

/** What the client is to load for a part of the document. */
export type PlannedSelect = Record<string, unknown>;

/** A way down a document: fields, on which types where that matters. */
export type PlannedPath = readonly { readonly name: string; readonly type?: string }[];

/**
 * The client's `select` for what the document asks for under `paths`, relations and all, so that one call loads
 * the whole tree; at least what `select` names.
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

/** What a relation's field selects from its parent's row. */
export type RelationSelect = (
  args: Record<string, unknown>,
  context: GraphQLContext,
  /** The client's arguments for the relation, completed by what the document asks of the related records. */
  nested: (query: Record<string, unknown>) => unknown,
  /** The fields of the connection that the document asks for. */
  selectedFields: ReadonlySet<string>,
) => Record<string, unknown>;

/**
 * The extension that tells the Prisma plugin what a field selects. It is internal to the plugin, so package.json pins the
 * version and a test names it. The public `select` option does not do: it plans records under one path, where ours stand
 * under `nodes` and `edges`, and it does not say whether `totalCount` is asked for.
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
