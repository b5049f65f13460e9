import type { PothosPrismaDatamodel } from "@pothos/plugin-prisma";
import type { SqlDriverAdapterFactory } from "@prisma/client/runtime/client";
import type { ConfigOf, Variables } from "../config/variable.ts";
import type { ModelOptionsMap } from "../core/records/model-options.ts";
import type { TaskDefinition } from "../core/tasks/task-definition.ts";
import type { TaskHooks } from "../core/tasks/task-hooks.ts";

/** The code that `prisma generate` made from the app's Prisma schema. */
export interface GeneratedSchema {
  /** Pothos' `getDatamodel`. */
  readonly getDatamodel: () => PothosPrismaDatamodel;
  /** Makes the generated `PrismaClient` with the given driver adapter. */
  readonly createClient: (options: { readonly adapter: SqlDriverAdapterFactory }) => object;
  /** The module `generated/prisma/enums.ts`: the values of each enum by its name. */
  readonly enums: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** An app on powercrud-graphql: its generated schema, and the options of its models and tasks. */
export interface PowerCrudApp {
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
 * Types an app where it is written; returns it as it is. The default export of a project's `powercrud.config.ts`.
 */
export function defineApp(app: PowerCrudApp): PowerCrudApp {
  return app;
}
