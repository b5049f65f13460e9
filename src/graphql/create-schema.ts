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
import { checkNames, explainClash, reservedNamesOf } from "./models/model-names.ts";
import type { RecordSource } from "./models/model-schema.ts";
import { addPageInfo } from "./pagination/page.ts";
import { addScalars } from "./scalars.ts";

/** The options of {@link createSchema}. */
export interface SchemaDependencies {
  /** The data model of Pothos' Prisma plugin. */
  readonly datamodel: { readonly datamodel: unknown };
  /** The generated Prisma client: reads go through it, shaped by the query. */
  readonly client: PrismaClient;
  readonly models: ModelRegistry;
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

/**
 * The whole schema, made from the data model. Resolvers report expected errors with `extensions.code`.
 *
 * @throws AppError INVALID_CONFIG when the data model cannot be exposed as it is, such as a model with a reserved name
 */
export function createSchema(dependencies: SchemaDependencies): GraphQLSchema {
  const withoutModels = buildSchema({ ...dependencies, models: createModelRegistry([], []) });
  checkNames(dependencies.models, reservedNamesOf(withoutModels));
  try {
    return reportErrors(buildSchema(dependencies), dependencies.translateError);
  } catch (error) {
    throw explainClash(error);
  }
}

function buildSchema(dependencies: SchemaDependencies): GraphQLSchema {
  const { models, modelOptions } = dependencies;
  const builder = createBuilder(dependencies.client, dependencies.datamodel);
  builder.queryType({});
  builder.mutationType({});
  builder.subscriptionType({});
  const refs = createSharedRefs(builder, models);
  const context = { builder, refs, models };
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
  for (const contribute of dependencies.contributors) {
    contribute(context);
  }
  return builder.toSchema();
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
