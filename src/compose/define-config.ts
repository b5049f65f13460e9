import type { SqlDriverAdapterFactory } from "@prisma/client/runtime/client";
import type { SchemaDescription } from "../adapters/prisma/schema-description.ts";
import { fieldNamesOf } from "../adapters/prisma/schema-description.ts";
import type { ConfigOf, Variable, Variables } from "../config/variable.ts";
import type {
  EnumOptions,
  EnumOptionsMap,
  FieldNames,
  ModelOptions,
  ModelOptionsMap,
} from "../core/records/model-options.ts";
import { enumOptionsShape, modelOptionsShape } from "../core/records/model-options.ts";
import type { AppRecord } from "../core/records/write-hooks.ts";
import { BULK_KINDS } from "../core/bulk/bulk-kinds.ts";
import type { NotifyConfig } from "../core/notifications/notify-config.ts";
import { notifyConfigShape } from "../core/notifications/notify-config.ts";
import type { DefinedTask } from "../core/tasks/define-task.ts";
import { taskOptionsShape } from "../core/tasks/define-task.ts";
import type { ScheduleOptions } from "../core/schedules/schedule.ts";
import { SCHEDULE_OPTIONS_SHAPE } from "../core/schedules/schedule.ts";
import type { TaskHooks } from "../core/tasks/task-hooks.ts";
import { TASK_HOOKS_SHAPE } from "../core/tasks/task-hooks.ts";
import type { MembersOf, MembersShape } from "../kernel/shape.ts";
import type { AuthConfig } from "./auth-config.ts";
import { AUTH_CONFIG_SHAPE } from "./auth-config.ts";

/** What the generator `powercrud` exports from the module that it writes. */
export interface GeneratedSchema {
  /** The Prisma schema as data. Only the generator and the engine know its shape. */
  readonly schema: object;
  /** Makes the project's `PrismaClient` with the given driver adapter. */
  readonly createClient: (options: { readonly adapter: SqlDriverAdapterFactory }) => object;
  /** Exists for the types only. */
  readonly types?: GeneratedTypes;
}

/** The types of a project's models, and of its Prisma client inside a transaction. */
interface GeneratedTypes {
  readonly client: unknown;
  readonly models: Readonly<Record<string, FieldNames & { readonly record: unknown }>>;
  /** The values of each enum. */
  readonly enums: Readonly<Record<string, string>>;
}

/** The types that a generated module carries. Without any, every name is allowed, and values are unknown. */
type TypesOf<Generated extends GeneratedSchema> =
  NonNullable<Generated["types"]> extends infer Types extends GeneratedTypes
    ? string extends keyof Types["models"]
      ? UnknownTypes
      : Types
    : UnknownTypes;

interface UnknownTypes {
  readonly client: unknown;
  readonly models: Readonly<Record<string, FieldNames & { readonly record: AppRecord }>>;
  readonly enums: Readonly<Record<string, string>>;
}

/** The names of a project's models. */
type ModelName<Generated extends GeneratedSchema> = keyof TypesOf<Generated>["models"] & string;

/**
 * The options of one of a project's models, for code that stands in a file of its own:
 * `const city: ModelOptionsOf<typeof generated, "City"> = { … }`.
 */
export type ModelOptionsOf<
  Generated extends GeneratedSchema,
  Name extends ModelName<Generated>,
> = ModelOptions<
  TypesOf<Generated>["models"][Name]["record"],
  TypesOf<Generated>["client"],
  TypesOf<Generated>["models"][Name]
>;

/** What a project's `powercrud.config.ts` says: its generated schema, and the options of its models and tasks. */
export interface PowerCrudConfig<Generated extends GeneratedSchema = GeneratedSchema> {
  /** From the module that `prisma generate` writes. */
  readonly generated: Generated;
  /** Options by model name. Default: every model of the Prisma schema is served with the defaults. */
  readonly models?: string extends ModelName<Generated>
    ? ModelOptionsMap
    : { readonly [Name in ModelName<Generated>]?: ModelOptionsOf<Generated, Name> };
  /** Names of enums and of their values in the API, by enum. Default: as in the Prisma schema. */
  readonly enums?: string extends ModelName<Generated>
    ? EnumOptionsMap
    : {
        readonly [Name in keyof TypesOf<Generated>["enums"]]?: EnumOptions<TypesOf<Generated>["enums"][Name]>;
      };
  /** The app's own tasks, as `defineTask` returns them, beside the bulk operations. Default: none. */
  readonly tasks?: readonly DefinedTask[];
  /** When to launch which of these tasks again and again. Default: never. */
  readonly schedules?: readonly ScheduleOptions[];
  /** Who asks, and what they see. Default: API keys and JWTs, as the settings say. */
  readonly auth?: AuthConfig;
  /** Callbacks along the life of every task. Default: none. */
  readonly hooks?: TaskHooks;
  /** Notifications: whom to tell by default, the mail server, the secret of webhooks, callbacks. Default: none. */
  readonly notify?: NotifyConfig;
  /**
   * Whether the API is what Relay wants: `Node`, `node`, `nodes`, and ids of records with their model's name,
   * `City:2988507`, taken and given everywhere. What is stored does not depend on it. Default: false.
   */
  readonly relay?: boolean;
  /** The first records of a new database, for `powercrud start` and `powercrud seed`. Default: none. */
  readonly seed?: SeedFunction<TypesOf<Generated>["client"]> | AppSeed;
}

/**
 * Puts the first records into a new database. Called once, while no table of the models has a record, in one transaction: if
 * it throws, nothing is left, the service does not start, and the next start calls it again.
 * @typeParam Client Prisma's client inside a transaction
 * @returns a sentence about what it did, if it likes
 */
export type SeedFunction<Client = unknown> = (context: SeedContext<Client>) => Promise<string | void>;

/** What a seed is given. */
export interface SeedContext<Client = unknown> extends SeedProgress {
  readonly prisma: Client;
}

interface SeedProgress {
  /** Shows how many records of how many are done. */
  readonly progress: (doneCount: number, totalCount: number) => void;
  /** Aborted when the operator stops the program. */
  readonly signal: AbortSignal;
}

/** A seed with environment variables and a connection of its own, which sees for itself whether it has run. */
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

/** The options of {@link AppSeed.run}. */
export interface AppSeedOptions extends SeedProgress {
  /** A migrated database. */
  readonly databaseUrl: string;
  /** The values of the seed's own variables. */
  readonly config: ConfigOf<Variables>;
}

/**
 * What a config must look like.
 * @param schema undefined where it cannot be read, so that any name may be a model's
 */
export function configShape(schema: SchemaDescription | undefined): MembersShape {
  const { models, enums } = schema ?? {};
  const seed: MembersOf<AppSeed> = {
    variables: { kind: "MAP", of: () => ({ kind: "MEMBERS", members: VARIABLE_MEMBERS }) },
    run: { kind: "FUNCTION" },
  };
  const members: MembersOf<PowerCrudConfig> = {
    generated: { kind: "ANY" },
    models: {
      kind: "MAP",
      of: (name) =>
        models === undefined
          ? { kind: "ANY" }
          : modelOptionsShape(fieldNamesOf(models, name), Object.keys(models)),
      ...(models === undefined ? {} : { words: Object.keys(models) }),
      what: "a model of the Prisma schema",
    },
    enums: {
      kind: "MAP",
      of: (name) => enumOptionsShape((enums?.[name]?.values ?? []).map((value) => value.name)),
      ...(enums === undefined ? {} : { words: Object.keys(enums) }),
      what: "an enum of the Prisma schema",
    },
    tasks: { kind: "LIST", of: taskOptionsShape(models && Object.keys(models)) },
    schedules: { kind: "LIST", of: SCHEDULE_OPTIONS_SHAPE },
    auth: AUTH_CONFIG_SHAPE,
    hooks: TASK_HOOKS_SHAPE,
    notify: notifyConfigShape(Object.values(BULK_KINDS)),
    relay: { kind: "FLAG" },
    seed: { kind: "FUNCTION_OR", other: { kind: "MEMBERS", members: seed, required: ["run"] } },
  };
  return { kind: "MEMBERS", members };
}

const VARIABLE_MEMBERS: MembersOf<Variable<unknown>> = {
  name: { kind: "TEXT" },
  meaning: { kind: "TEXT" },
  expected: { kind: "TEXT" },
  fallback: { kind: "ANY" },
  fallbackText: { kind: "TEXT" },
  isSecret: { kind: "FLAG" },
  parse: { kind: "FUNCTION" },
};

/**
 * Types a config where it is written, from its `generated`; returns it as it is. The default export of a project's
 * `powercrud.config.ts`.
 */
export function defineConfig<Generated extends GeneratedSchema>(
  config: PowerCrudConfig<Generated>,
): PowerCrudConfig {
  return config as unknown as PowerCrudConfig;
}

/** The environment variables that a config adds to the service's. */
export function seedVariablesOf({ seed }: PowerCrudConfig): Variables {
  return typeof seed === "object" ? (seed.variables ?? {}) : {};
}

/** The schema of a config, for the rooms that read it. */
export function schemaOf({ generated }: Pick<PowerCrudConfig, "generated">): SchemaDescription {
  return generated.schema as SchemaDescription;
}
