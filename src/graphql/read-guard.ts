import type {
  FieldNode,
  GraphQLCompositeType,
  GraphQLField,
  GraphQLFieldResolver,
  GraphQLObjectType,
  GraphQLResolveInfo,
  GraphQLSchema,
  SelectionSetNode,
} from "graphql";
import { getNamedType, isCompositeType, Kind } from "graphql";
import type { Access } from "../core/access/access.ts";
import { refuseHidden, refuseModel } from "../core/records/read-rights.ts";
import type { Field, Model, ModelRegistry } from "../core/records/model.ts";
import { relationsOf } from "../core/records/model.ts";
import type { GraphQLContext } from "./builder.ts";
import { figuresName } from "./models/object-type.ts";
import type { NameTable } from "./models/model-names.ts";
import { planOnce } from "./models/kept-plans.ts";
import { isIncluded } from "./models/plan-selection.ts";

type Resolver = GraphQLFieldResolver<unknown, GraphQLContext>;
type RootField = GraphQLField<unknown, GraphQLContext>;

/** The models whose records a selection reads, each with the fields that it selects. */
type Reads = ReadonlyMap<Model, ReadonlySet<Field>>;

/** The types whose fields are named after a model's: its records, and figures over them. */
type ReadTypes = ReadonlyMap<string, { readonly model: Model; readonly fields: ReadonlyMap<string, Field> }>;

/**
 * Refuses each root field below which the caller selects what the access rules hide, before it is resolved: a mutation
 * must not write first, and then be unable to answer. Filters, orders and groups are checked where they are parsed.
 */
export function guardReads(
  schema: GraphQLSchema,
  {
    access,
    models,
    names,
  }: {
    readonly access: Access;
    readonly models: ModelRegistry;
    readonly names: NameTable;
  },
): void {
  const types = readTypes(models, names);
  const guard = (context: GraphQLContext, info: GraphQLResolveInfo): void => {
    for (const [model, fields] of readsBelow(types, info)) {
      refuseModel(access, context.viewer, model);
      for (const field of fields) {
        refuseHidden(access, context.viewer, model, field);
      }
    }
  };
  const guarded =
    (resolve: Resolver): Resolver =>
    (root, args, context, info) => {
      guard(context, info);
      return resolve(root, args, context, info);
    };
  const isAnswered = (field: RootField): boolean => isCompositeType(getNamedType(field.type));
  const rootFields = (type: GraphQLObjectType | null | undefined): readonly RootField[] =>
    Object.values(type?.getFields() ?? {});
  for (const type of [schema.getQueryType(), schema.getMutationType()]) {
    for (const field of rootFields(type)) {
      if (isAnswered(field) && field.resolve !== undefined) {
        field.resolve = guarded(field.resolve);
      }
    }
  }
  for (const field of rootFields(schema.getSubscriptionType())) {
    if (isAnswered(field) && field.subscribe !== undefined) {
      field.subscribe = guarded(field.subscribe);
    }
  }
}

function readTypes(models: ModelRegistry, names: NameTable): ReadTypes {
  return new Map(
    models.all().flatMap((model) => {
      const own = names.of(model);
      const figures = relationsOf(model).map((field) => [figuresName(model, field), field] as const);
      const fields = new Map<string, Field>([
        ...figures,
        ...model.fields.map((field) => [field.apiName, field] as const),
      ]);
      return [own.object, own.extremes, own.sums, own.averages, own.distinctCounts].map(
        (name) => [name, { model, fields }] as const,
      );
    }),
  );
}

/** Found once for a field of a document, unless variables decide what is selected below it. */
function readsBelow(types: ReadTypes, info: GraphQLResolveInfo): Reads {
  return planOnce(info, "reads", () => {
    const reads = new Map<Model, Set<Field>>();
    for (const { selectionSet } of info.fieldNodes) {
      collect({ types, info, reads, seen: new Set() }, getNamedType(info.returnType), selectionSet);
    }
    return reads;
  });
}

interface Walk {
  readonly types: ReadTypes;
  readonly info: GraphQLResolveInfo;
  readonly reads: Map<Model, Set<Field>>;
  /** Fragments that were walked through: they select the same wherever they are spread. */
  readonly seen: Set<string>;
}

function collect(walk: Walk, type: unknown, selectionSet: SelectionSetNode | undefined): void {
  if (!isCompositeType(type) || selectionSet === undefined) {
    return;
  }
  const { info, seen } = walk;
  for (const selection of selectionSet.selections.filter((each) => isIncluded(info, each))) {
    switch (selection.kind) {
      case Kind.FIELD:
        collectField(walk, type, selection);
        break;
      case Kind.INLINE_FRAGMENT: {
        const name = selection.typeCondition?.name.value;
        collect(walk, name === undefined ? type : info.schema.getType(name), selection.selectionSet);
        break;
      }
      case Kind.FRAGMENT_SPREAD: {
        const fragment = info.fragments[selection.name.value];
        if (fragment !== undefined && !seen.has(fragment.name.value)) {
          seen.add(fragment.name.value);
          collect(walk, info.schema.getType(fragment.typeCondition.name.value), fragment.selectionSet);
        }
        break;
      }
    }
  }
}

function collectField(walk: Walk, parent: GraphQLCompositeType, node: FieldNode): void {
  const { types, reads } = walk;
  const name = node.name.value;
  const read = types.get(parent.name);
  if (read !== undefined && name !== "__typename") {
    const fields = reads.get(read.model) ?? new Set();
    reads.set(read.model, fields);
    const field = read.fields.get(name);
    if (field !== undefined) {
      fields.add(field);
    }
  }
  const definition = "getFields" in parent ? parent.getFields()[name] : undefined;
  if (definition !== undefined) {
    collect(walk, getNamedType(definition.type), node.selectionSet);
  }
}
