import { isThenable } from "@pothos/core";
import type { GraphQLFieldConfig, GraphQLFieldResolver, GraphQLSchema } from "graphql";
import { defaultFieldResolver } from "graphql";
import { bulkRulesOf } from "../core/bulk/bulk-rules.ts";
import type { LaunchBulk } from "../core/bulk/bulk-request.ts";
import type { ModelRegistry } from "../core/records/model.ts";
import { createModelRegistry } from "../core/records/model.ts";
import type { ViewerSessions } from "../core/access/viewer-sessions.ts";
import { oncePer } from "../kernel/once-per.ts";
import type { Access } from "../core/access/access.ts";
import type { ModelOptionsMap } from "../core/records/model-options.ts";
import { accessOf, hidesRecords, lockScopesOf } from "../core/records/model-options.ts";
import type { TaskSight } from "../core/tasks/task-sight.ts";
import type { RecordGroups } from "../core/records/record-groups.ts";
import type { RecordLists } from "../core/records/record-lists.ts";
import type { RecordReader } from "../core/records/record-reader.ts";
import type { GraphQLContext, NodeRef, SchemaContributor } from "./builder.ts";
import { createBuilder, createSharedRefs } from "./builder.ts";
import { addErrorTypes, toGraphQLError } from "./errors.ts";
import type { WriteOne } from "../core/bulk/write-one.ts";
import { addModels } from "./models/add-models.ts";
import type { LockHolderPorts } from "./models/lock-holders.ts";
import { createLockHolders } from "./models/lock-holders.ts";
import type { BuiltInNames, NameTable } from "./models/model-names.ts";
import { columnTypesOf, SHARED_INPUTS } from "./models/model-names.ts";
import { SCALAR_NAMES } from "./models/model-schema.ts";
import { implementSelects } from "./models/pothos-dynamic.ts";
import { addPageInfo } from "./pagination/page.ts";
import { guardReads } from "./read-guard.ts";
import { addScalars } from "./scalars.ts";
import { addTypedIds } from "./typed-ids.ts";
import { addViewerInfo } from "./viewer-info.ts";

/** The options of {@link createSchema}. */
export interface SchemaDependencies {
  /** The data model of Pothos' Prisma plugin. */
  readonly datamodel: { readonly datamodel: unknown };
  readonly models: ModelRegistry;
  /** The models' names; see chooseNames. */
  readonly names: NameTable;
  readonly modelOptions: ModelOptionsMap;
  /** What callers may do. */
  readonly access: Access;
  readonly reader: RecordReader;
  readonly lists: RecordLists;
  readonly groups: RecordGroups;
  /** Translates Prisma's errors to the project's own; returns others as they are. */
  readonly translateError: (error: unknown) => unknown;
  /** Runs resolvers on behalf of their viewer. Default: nothing asks on whose behalf they run. */
  readonly sessions?: Pick<ViewerSessions, "of" | "within"> | undefined;
  readonly writeOne: WriteOne;
  readonly launchBulk: LaunchBulk;
  /** The most records of one bulk operation; checked before they are parsed. */
  readonly maxRecords: number;
  readonly locks: LockHolderPorts["locks"];
  /** Which tasks viewers see. Default: all. */
  readonly sight?: TaskSight;
  readonly tasks: LockHolderPorts["tasks"];
  /** Whether the schema is what Relay wants: with `Node`, and with typed ids of records. Default: false. */
  readonly isRelay?: boolean;
  /** Further parts: tasks, events. They implement the refs `task` and `taskLaunched`. */
  readonly contributors: readonly SchemaContributor[];
}

/** The whole schema, made from the data model. Resolvers report expected errors with `extensions.code`. */
export function createSchema(dependencies: SchemaDependencies): GraphQLSchema {
  const schema = buildSchema(dependencies);
  if (dependencies.isRelay === true) {
    addTypedIds(schema, dependencies.models);
  }
  guardReads(schema, dependencies);
  return reportErrors(schema, dependencies);
}

/** The names that a schema with these parts needs for itself, whatever its models are. Calls none of the parts' ports. */
export function builtInNames(contributors: readonly SchemaContributor[], isRelay = false): BuiltInNames {
  const schema = buildSchema({
    ...NO_MODELS,
    contributors,
    isRelay,
    models: createModelRegistry([], []),
  });
  const inputs = Object.values(SCALAR_NAMES).flatMap((scalar) => Object.values(columnTypesOf(scalar)));
  return {
    // Inputs for columns and links are made when a model needs them; the next version of a schema may need more.
    types: new Set([...Object.keys(schema.getTypeMap()), ...inputs, ...Object.values(SHARED_INPUTS)]),
    queries: new Set(Object.keys(schema.getQueryType()?.getFields() ?? {})),
    mutations: new Set(Object.keys(schema.getMutationType()?.getFields() ?? {})),
  };
}

const notCalled = (): Promise<never> =>
  Promise.reject(new TypeError("a schema without models reads no records"));

const NO_MODELS: Omit<SchemaDependencies, "contributors" | "models"> = {
  datamodel: { datamodel: { models: {} } },
  names: { of: notNamed, enum: notNamed, column: notNamed, task: notNamed },
  modelOptions: {},
  access: accessOf({}),
  reader: { findIds: notCalled, existingIds: notCalled },
  lists: { prepare: () => notCalled, read: notCalled },
  groups: { read: notCalled },
  translateError: (error) => error,
  writeOne: notCalled,
  launchBulk: notCalled,
  maxRecords: 0,
  locks: { owners: notCalled },
  tasks: { find: notCalled },
};

function notNamed(): never {
  throw new TypeError("a schema without models names none");
}

function buildSchema(dependencies: SchemaDependencies): GraphQLSchema {
  const { models, modelOptions, access } = dependencies;
  const builder = createBuilder(dependencies.datamodel);
  builder.queryType({ description: "Reads records, tasks and the state of the deployment." });
  builder.mutationType({ description: "Writes records, and launches and controls tasks." });
  builder.subscriptionType({ description: "Streams over WebSocket (graphql-ws) or Server-Sent Events." });
  const refs = createSharedRefs(builder, models);
  const node: NodeRef | undefined = dependencies.isRelay === true ? builder.interfaceRef("Node") : undefined;
  const { names, sight } = dependencies;
  const context = { builder, refs, models, names, node, sight };
  addScalars(builder);
  addErrorTypes(context);
  addPageInfo(context);
  addModels(context, {
    models,
    access,
    rules: bulkRulesOf(modelOptions),
    hasScope: (model) => hidesRecords(modelOptions[model]),
    reader: dependencies.reader,
    lists: dependencies.lists,
    groups: dependencies.groups,
    writeOne: dependencies.writeOne,
    launchBulk: dependencies.launchBulk,
    maxRecords: dependencies.maxRecords,
    tasks: dependencies.tasks,
    lockHolders: createLockHolders({
      locks: dependencies.locks,
      lockScopes: lockScopesOf(modelOptions),
      tasks: dependencies.tasks,
      sight,
    }),
  });
  addViewerInfo(context, access);
  for (const contribute of dependencies.contributors) {
    contribute(context);
  }
  const schema = builder.toSchema({ sortSchema: false });
  implementSelects(schema);
  return schema;
}

type Resolver = GraphQLFieldResolver<unknown, GraphQLContext>;

/** Wraps every resolver, so that expected errors carry their code, and statements are sent on behalf of the viewer. */
function reportErrors(
  schema: GraphQLSchema,
  { translateError: translate, sessions }: Pick<SchemaDependencies, "translateError" | "sessions">,
): GraphQLSchema {
  // The context is that of one operation.
  const sessionOf = sessions && oncePer(({ viewer }: GraphQLContext) => sessions.of(viewer));
  const onBehalf = (resolve: Resolver): Resolver =>
    sessionOf === undefined
      ? resolve
      : (root, args, context, info) =>
          sessions?.within(sessionOf(context), () => resolve(root, args, context, info));
  const reportingOf =
    (resolve: Resolver): Resolver =>
    (root, args, context, info) => {
      try {
        const result: unknown = resolve(root, args, context, info);
        return isThenable(result)
          ? result.then(undefined, (error: unknown) => Promise.reject(toGraphQLError(translate(error))))
          : result;
      } catch (error) {
        throw toGraphQLError(translate(error));
      }
    };
  const reporting = (resolve: Resolver): Resolver => reportingOf(onBehalf(resolve));
  for (const type of Object.values(schema.getTypeMap())) {
    if (!type.name.startsWith("__") && "getFields" in type) {
      for (const field of Object.values(type.getFields()) as GraphQLFieldConfig<unknown, GraphQLContext>[]) {
        wrapResolvers(field, reporting);
      }
    }
  }
  return schema;
}

function wrapResolvers(
  field: GraphQLFieldConfig<unknown, GraphQLContext>,
  wrap: (resolve: Resolver) => Resolver,
): void {
  if (field.resolve !== undefined && field.resolve !== defaultFieldResolver) {
    field.resolve = wrap(field.resolve);
  }
  if (field.subscribe !== undefined) {
    field.subscribe = wrap(field.subscribe);
  }
}
