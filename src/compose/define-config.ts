import type { SqlDriverAdapterFactory } from "@prisma/client/runtime/client";
import type { SchemaDescription } from "../adapters/prisma/schema-description.ts";
import type { ConfigOf, Variables } from "../config/variable.ts";
import type { ModelOptionsMap } from "../core/records/model-options.ts";
import type { TaskDefinition } from "../core/tasks/task-definition.ts";
import type { TaskHooks } from "../core/tasks/task-hooks.ts";

/** What the generator `powercrud` exports from the module that it writes. */
export interface GeneratedSchema {
  /** The Prisma schema as data. Only the generator and the engine know its shape. */
  readonly schema: object;
  /** Makes the project's `PrismaClient` with the given driver adapter. */
  readonly createClient: (options: { readonly adapter: SqlDriverAdapterFactory }) => object;
}

/** What a project's `powercrud.config.ts` says: its generated schema, and the options of its models and tasks. */
export interface PowerCrudConfig {
  readonly generated: GeneratedSchema;
  /** Options by model name. Default: every model of the Prisma schema is served with the defaults. */
  readonly models?: ModelOptionsMap;
  /** The app's own tasks, beside the bulk operations. Default: none. */
  readonly tasks?: readonly TaskDefinition[];
  /** Callbacks along the life of every task. Default: none. */
  readonly hooks?: TaskHooks;
  /** The first records of a new database, for `powercrud start` and `powercrud seed`. Default: none. */
  readonly seed?: AppSeed;
}

/** Puts the first records into a new database. */
export interface AppSeed {
  /** The seed's own environment variables, by the names of their values in `config`. Default: none. */
  readonly variables?: Variables;
  /**
   * Called at each start, so it must do nothing if it has run before.
   * @returns a sentence about what it did
   * @throws any error to keep the service from starting
   */
  run(options: AppSeedOptions): Promise<string>;
}

/** The options of a seed. */
export interface AppSeedOptions {
  /** A migrated database. */
  readonly databaseUrl: string;
  /** The values of the seed's own variables. */
  readonly config: ConfigOf<Variables>;
  /** Shows how many records of how many are done. */
  readonly onProgress: (doneCount: number, totalCount: number) => void;
  /** Aborted when the operator stops the program. */
  readonly signal: AbortSignal;
}

/**
 * Types a config where it is written; returns it as it is. The default export of a project's `powercrud.config.ts`.
 */
export function defineConfig(config: PowerCrudConfig): PowerCrudConfig {
  return config;
}

/** The schema of a config, for the rooms that read it. */
export function schemaOf({ generated }: Pick<PowerCrudConfig, "generated">): SchemaDescription {
  return generated.schema as SchemaDescription;
}
