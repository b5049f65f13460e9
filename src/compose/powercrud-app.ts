import type { PothosPrismaDatamodel } from "@pothos/plugin-prisma";
import type { SqlDriverAdapterFactory } from "@prisma/client/runtime/client";
import type { ModelOptionsMap } from "../core/records/model-options.ts";
import type { TaskHooks } from "../core/tasks/task-hooks.ts";
import type { TaskDefinition } from "../core/tasks/task-definition.ts";

/** What `npm run generate` made of the app's Prisma schema. */
export interface GeneratedSchema {
  /** Pothos' `getDatamodel`. */
  readonly getDatamodel: () => PothosPrismaDatamodel;
  /** Makes the generated `PrismaClient` with the given driver adapter. */
  readonly createClient: (options: { readonly adapter: SqlDriverAdapterFactory }) => object;
  /** The module `generated/prisma/enums.ts`: the values of each enum by its name. */
  readonly enums: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** An app on powercrud-graphql: its generated schema, and what it says about its models and tasks. */
export interface PowerCrudApp {
  readonly generated: GeneratedSchema;
  /** By model name; models that are not named have the defaults. */
  readonly models?: ModelOptionsMap;
  /** Tasks of the app's own, beside the bulk operations. */
  readonly tasks?: readonly TaskDefinition[];
  /** Callbacks along the life of every task. */
  readonly hooks?: TaskHooks;
}
