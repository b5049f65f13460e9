import { isThenable } from "@pothos/core";
import type { PrismaClient } from "@pothos/plugin-prisma";
import type { GraphQLFieldConfig, GraphQLFieldResolver, GraphQLSchema } from "graphql";
import { defaultFieldResolver } from "graphql";
import { bulkRulesOf } from "../core/bulk/bulk-rules.ts";
import type { LaunchBulk } from "../core/bulk/bulk-request.ts";
import type { Model, ModelRegistry } from "../core/records/model.ts";
import { createModelRegistry } from "../core/records/model.ts";
import type { ModelOptionsMap } from "../core/records/model-options.ts";
import { accessOf, lockScopesOf } from "../core/records/model-options.ts";
import type { ListPages } from "../core/records/list-pages.ts";
import type { RecordReader } from "../core/records/record-reader.ts";
import type { WhereFilter } from "../core/access/access.ts";
import type { GraphQLContext, SchemaContributor } from "./builder.ts";
import { createBuilder, createSharedRefs } from "./builder.ts";
import { addErrorTypes, toGraphQLError } from "./errors.ts";
import type { WriteOne } from "../core/bulk/write-one.ts";
import { addModels } from "./models/add-models.ts";
import type { LockHolderPorts } from "./models/lock-holders.ts";
import { createLockHolders } from "./models/lock-holders.ts";
import type { BuiltInNames, NameTable } from "./models/model-names.ts";
import { columnTypesOf, SHARED_INPUTS } from "./models/model-names.ts";
import type { RecordSource } from "./models/model-schema.ts";
import { SCALAR_NAMES } from "./models/model-schema.ts";
import { addPageInfo } from "./pagination/page.ts";
import { addScalars } from "./scalars.ts";
import { addViewerInfo } from "./viewer-info.ts";

/** The options of {@link createSchema}. */
export interface SchemaDependencies {
  /** The data model of Pothos' Prisma plugin. */
  readonly datamodel: { readonly datamodel: unknown };
  /** The generated Prisma client: reads go through it, shaped by the query. */
  readonly client: PrismaClient;
  readonly models: ModelRegistry;
  /** The models' names; see chooseNames. */
  readonly names: NameTable;
  readonly modelOptions: ModelOptionsMap;
  readonly reader: RecordReader;
  readonly pages: ListPages;
  /** Translates a filter for the client. */
  readonly toClientWhere: (model: Model, where: WhereFilter | undefined) => object;
  /** Translates the client's errors to the project's own; returns others as they are. */
  readonly translateError: (error: unknown) => unknown;
  readonly writeOne: WriteOne;
  readonly launchBulk: LaunchBulk;
  /** The most records of one bulk operation; checked before they are parsed. */
  readonly maxRecords: number;
  readonly locks: LockHolderPorts["locks"];
  readonly tasks: LockHolderPorts["tasks"];
  /** Further parts: tasks, events. They implement the refs `task` and `taskLaunched`. */
  readonly contributors: readonly SchemaContributor[];
}

/** The whole schema, made from the data model. Resolvers report expected errors with `extensions.code`. */
export function createSchema(dependencies: SchemaDependencies): GraphQLSchema {
  return reportErrors(buildSchema(dependencies), dependencies.translateError);
}

/** The names that a schema with these parts needs for itself, whatever its models are. Calls none of the parts' ports. */
export function builtInNames(contributors: readonly SchemaContributor[]): BuiltInNames {
  const schema = buildSchema({
    ...NO_MODELS,
    contributors,
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
  client: {} as PrismaClient,
  names: { of: notNamed, enum: notNamed, column: notNamed, task: notNamed },
  modelOptions: {},
  reader: { findIds: notCalled, existingIds: notCalled },
  pages: { read: notCalled, readRelated: notCalled },
  toClientWhere: () => ({}),
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
  const { models, modelOptions } = dependencies;
  const builder = createBuilder(findingInViews(dependencies.client, models), dependencies.datamodel);
  builder.queryType({ description: "Reads records, tasks and the state of the deployment." });
  builder.mutationType({ description: "Writes records, and launches and controls tasks." });
  builder.subscriptionType({ description: "Streams over WebSocket (graphql-ws) or Server-Sent Events." });
  const refs = createSharedRefs(builder, models);
  const context = { builder, refs, models, names: dependencies.names };
  addScalars(builder);
  addErrorTypes(context);
  addPageInfo(context);
  addModels(context, {
    models,
    access: accessOf(modelOptions),
    rules: bulkRulesOf(modelOptions),
    hasScope: (model) => modelOptions[model]?.scope !== undefined,
    source: (model) => sourceOf(dependencies.client, model),
    toClientWhere: dependencies.toClientWhere,
    reader: dependencies.reader,
    pages: dependencies.pages,
    writeOne: dependencies.writeOne,
    launchBulk: dependencies.launchBulk,
    maxRecords: dependencies.maxRecords,
    lockHolders: createLockHolders({
      locks: dependencies.locks,
      lockScopes: lockScopesOf(modelOptions),
      tasks: dependencies.tasks,
    }),
  });
  addViewerInfo(context, accessOf(modelOptions));
  for (const contribute of dependencies.contributors) {
    contribute(context);
  }
  return builder.toSchema({ sortSchema: false });
}

/**
 * The client as Pothos needs it: Pothos reads a record a second time by `findUniqueOrThrow`, where a document selects a
 * relation twice with different arguments. Views have nothing unique, so the first record with the same values is read.
 */
function findingInViews(client: PrismaClient, models: ModelRegistry): PrismaClient {
  const views = models.all().filter(({ isView }) => isView);
  if (views.length === 0) {
    return client;
  }
  const finding = views.map(({ name }) => {
    const delegate = `${name.charAt(0).toLowerCase()}${name.slice(1)}`;
    return [delegate, { value: { findUniqueOrThrow: sourceOf(client, name).findFirstOrThrow } }] as const;
  });
  return Object.create(client, Object.fromEntries(finding)) as PrismaClient;
}

/** The client's delegate of the model; the client's type is the app's own. */
function sourceOf(client: PrismaClient, model: string): RecordSource {
  const name = `${model.charAt(0).toLowerCase()}${model.slice(1)}`;
  const source = (client as unknown as Readonly<Record<string, RecordSource | undefined>>)[name];
  if (source === undefined) {
    throw new TypeError(`the Prisma client has no model ${model}: it was generated from another schema`);
  }
  return source;
}

type Resolver = GraphQLFieldResolver<unknown, GraphQLContext>;

/** Wraps every resolver, so that expected errors carry their code. */
function reportErrors(schema: GraphQLSchema, translate: (error: unknown) => unknown): GraphQLSchema {
  const reporting =
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
