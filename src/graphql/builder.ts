import type {
  ImplementableInputObjectRef,
  ImplementableInterfaceRef,
  ImplementableObjectRef,
} from "@pothos/core";
import SchemaBuilder from "@pothos/core";
import type { PrismaClient } from "@pothos/plugin-prisma";
import PrismaPlugin from "@pothos/plugin-prisma";
import type { ModelRegistry } from "../core/records/model.ts";
import type { NameTable } from "./models/model-names.ts";
import type { Viewer } from "../core/access/viewer.ts";
import type { ValidationRefusal } from "../core/refusals/problems.ts";
import type {
  ConflictRefusal,
  ForbiddenRefusal,
  IdempotencyRefusal,
  LimitRefusal,
  MissingRefusal,
  UnavailableRefusal,
} from "../core/refusals/refusals.ts";
import { refusalTypeOf } from "../core/refusals/refusals.ts";
import type { LaunchOptions } from "../core/tasks/launch-options.ts";
import type { TaskStatus } from "../core/tasks/task-status.ts";
import type { NotificationChannel, Notify } from "../core/tasks/notify.ts";
import type { LaunchOutcome, Launched } from "../core/tasks/launch/launch-outcome.ts";
import type { TaskRecord } from "../core/tasks/task-results.ts";
import type { TaskSight } from "../core/tasks/task-sight.ts";
import type { Task } from "../core/tasks/task.ts";
import type { ErrorCode } from "../kernel/error-codes.ts";
import { ERROR_CODES } from "../kernel/error-codes.ts";
import type { Json } from "../kernel/json.ts";

/**
 * The request's context. Caches of a request are kept by this object's identity, so every operation needs its own.
 */
export interface GraphQLContext {
  readonly viewer: Viewer;
  /** The client that waits for the answer; the signal says that it has left. One object for each operation. */
  readonly client?: { readonly signal?: AbortSignal | undefined };
  /** The id of the last event that the client of an event stream has had, if it comes back. */
  readonly lastEventId?: string;
}

/** A model for Pothos' types. The models are known only at start, so columns are looked up by name. */
export interface AnyPrismaModel {
  Name: string;
  Shape: Record<string, unknown>;
  Include: unknown;
  Select: Record<string, unknown>;
  OrderBy: unknown;
  Where: Record<string, unknown>;
  WhereUnique: Record<string, unknown>;
  Create: Record<string, unknown>;
  Update: Record<string, unknown>;
  ListRelations: string;
  RelationName: string;
  Relations: Record<string, { Shape: unknown; Name: string; Nullable: boolean }>;
}

/** The values that resolvers receive and return, by scalar. */
export type PowerCrudScalars = {
  ID: { Input: string; Output: string | number | bigint };
  BigInt: { Input: bigint; Output: bigint | number | string };
  DateTime: { Input: string; Output: Date };
  Decimal: { Input: string; Output: { toString(): string } };
  JSON: { Input: Json; Output: unknown };
  Bytes: { Input: Uint8Array; Output: Uint8Array };
};

/** Fields are non-null and arguments optional by default. */
interface PowerCrudSchemaTypes {
  Context: GraphQLContext;
  PrismaTypes: Record<string, AnyPrismaModel>;
  Scalars: PowerCrudScalars;
  DefaultFieldNullability: false;
}

/** {@link PowerCrudSchemaTypes} with Pothos' defaults, for its generic types. */
export type BuilderTypes = PothosSchemaTypes.ExtendDefaultTypes<PowerCrudSchemaTypes>;

/** The schema's builder. Knows the scalars `BigInt`, `DateTime`, `Decimal`, `JSON` and `Bytes` by name. */
export type PowerCrudBuilder = PothosSchemaTypes.SchemaBuilder<BuilderTypes>;

/** A record of a task, with the task's model. */
export interface ListedRecord extends TaskRecord {
  readonly model: string | null;
}

/** The part that all refusals have: their types implement `Error {message, code}`. */
interface RefusalMessage {
  readonly message: string;
}

/** In GraphQL, a null stands for a member that was left out. */
type Nullable<T> = { -readonly [Name in keyof T]?: T[Name] | null | undefined };

/** The options of a launch as an input. */
type OptionsRef = ImplementableInputObjectRef<
  BuilderTypes,
  Nullable<Omit<LaunchOptions, "notify">> & { notify?: readonly NotifyInput[] | null | undefined }
>;

/** Any status is of the right type here; the launch refuses those that are not final. */
type NotifyInput = Pick<Notify, "channel"> &
  Nullable<{ readonly target: string; readonly on: readonly TaskStatus[] }>;

/**
 * Types that several parts of the schema refer to. A ref is made here and implemented where it belongs: `task`,
 * `taskLaunched`, `taskRecord` and the options in tasks/, `pageInfo` in pagination/, the others in errors.ts.
 */
interface SharedRefs {
  readonly task: ImplementableObjectRef<BuilderTypes, Task>;
  readonly taskLaunched: ImplementableObjectRef<BuilderTypes, Launched>;
  readonly taskRecord: ImplementableObjectRef<BuilderTypes, ListedRecord>;
  readonly pageInfo: ImplementableObjectRef<BuilderTypes, PageInfo>;
  /** The enum `ErrorCode`: the closed list of codes. */
  readonly errorCode: PothosSchemaTypes.EnumRef<BuilderTypes, ErrorCode>;
  /** The interface `Error`. */
  readonly error: ImplementableInterfaceRef<BuilderTypes, RefusalMessage>;
  readonly conflictError: ImplementableObjectRef<BuilderTypes, ConflictRefusal>;
  readonly validationError: ImplementableObjectRef<BuilderTypes, ValidationRefusal>;
  readonly notFoundError: ImplementableObjectRef<BuilderTypes, MissingRefusal>;
  readonly forbiddenError: ImplementableObjectRef<BuilderTypes, ForbiddenRefusal>;
  readonly limitError: ImplementableObjectRef<BuilderTypes, LimitRefusal>;
  readonly idempotencyError: ImplementableObjectRef<BuilderTypes, IdempotencyRefusal>;
  readonly unavailableError: ImplementableObjectRef<BuilderTypes, UnavailableRefusal>;
  /** The input `BulkOptions`. */
  readonly bulkOptions: OptionsRef;
  /** The input `LaunchOptions`, for tasks of the app's own. */
  readonly launchOptions: OptionsRef;
  /** The enum `NotificationChannel`. */
  readonly notificationChannel: PothosSchemaTypes.EnumRef<BuilderTypes, NotificationChannel>;
  /** The enum `ModelName`: the names of the exposed models. */
  readonly modelName: PothosSchemaTypes.EnumRef<BuilderTypes, string>;
  /** The union `LaunchResult`; resolvers return the {@link LaunchOutcome} as it is. */
  readonly launchResult: PothosSchemaTypes.UnionRef<BuilderTypes, LaunchOutcome>;
}

/** The position of a page in its connection. */
export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

/** The builder, and the types that all parts of the schema share. */
export interface SchemaContext {
  /** What has an id of its own implements it; undefined outside Relay mode. */
  readonly node?: NodeRef | undefined;
  readonly builder: PowerCrudBuilder;
  readonly refs: SharedRefs;
  readonly models: ModelRegistry;
  readonly names: NameTable;
  /** Which tasks viewers see. Default: all. */
  readonly sight?: TaskSight | undefined;
}

/** The interface `Node`; its values are records and tasks. */
export type NodeRef = ImplementableInterfaceRef<BuilderTypes, object>;

/** The interfaces of a type whose objects have ids of their own. */
export type NodeInterfaces = NodeRef[];

export function nodeInterfaces({ node }: Pick<SchemaContext, "node">): NodeInterfaces {
  return node === undefined ? [] : [node];
}

/** A part of the schema: adds its types and fields. `Query`, `Mutation` and `Subscription` are there already. */
export type SchemaContributor = (schema: SchemaContext) => void;

/** An empty builder. */
export function createBuilder(datamodel: { readonly datamodel: unknown }): PowerCrudBuilder {
  return new SchemaBuilder<PowerCrudSchemaTypes>({
    plugins: [PrismaPlugin],
    defaultFieldNullability: false,
    prisma: {
      // Only its planner is used: what it plans is read by a port.
      client: {} as PrismaClient,
      dmmf: datamodel,
      exposeDescriptions: true,
      filterConnectionTotalCount: true,
    },
  });
}

/** The values of an enum with their descriptions, as Pothos takes them. */
export function describedValues<Name extends string>(
  words: Readonly<Record<Name, string>>,
): Record<Name, { readonly description: string }> {
  const values = Object.entries<string>(words).map(([name, description]) => [name, { description }]);
  return Object.fromEntries(values) as Record<Name, { readonly description: string }>;
}

/** Makes the refs that the parts of the schema share; {@link SharedRefs} says who implements which. */
export function createSharedRefs(builder: PowerCrudBuilder, models: ModelRegistry): SharedRefs {
  const refs = {
    task: builder.objectRef<Task>("Task"),
    taskLaunched: builder.objectRef<Launched>("TaskLaunched"),
    taskRecord: builder.objectRef<ListedRecord>("TaskRecord"),
    pageInfo: builder.objectRef<PageInfo>("PageInfo"),
    error: builder.interfaceRef<RefusalMessage>("Error"),
    conflictError: builder.objectRef<ConflictRefusal>(refusalTypeOf("CONFLICT")),
    validationError: builder.objectRef<ValidationRefusal>(refusalTypeOf("INVALID")),
    notFoundError: builder.objectRef<MissingRefusal>(refusalTypeOf("MISSING")),
    forbiddenError: builder.objectRef<ForbiddenRefusal>(refusalTypeOf("FORBIDDEN")),
    limitError: builder.objectRef<LimitRefusal>(refusalTypeOf("LIMIT")),
    idempotencyError: builder.objectRef<IdempotencyRefusal>(refusalTypeOf("IDEMPOTENCY_MISMATCH")),
    unavailableError: builder.objectRef<UnavailableRefusal>(refusalTypeOf("UNAVAILABLE")),
  };
  const modelName = builder.enumType("ModelName", {
    description: "The models, by the names of their types.",
    values: Object.fromEntries(
      models
        .all()
        .map(({ name, apiName }) => [apiName, { value: name, description: `Records of type ${apiName}.` }]),
    ),
  });
  const errorCode = builder.enumType("ErrorCode", {
    description: "What went wrong: branch on it. Apps add none of their own; a later version may.",
    values: describedValues(ERROR_CODES),
  });
  const launchResult = builder.unionType("LaunchResult", {
    description: "The launched task, or why it was refused. A refused launch has changed nothing.",
    types: [
      refs.taskLaunched,
      refs.conflictError,
      refs.validationError,
      refs.forbiddenError,
      refs.limitError,
      refs.idempotencyError,
      refs.notFoundError,
      refs.unavailableError,
    ],
    resolveType: ({ kind }) => (kind === "LAUNCHED" ? "TaskLaunched" : refusalTypeOf(kind)),
  });
  const bulkOptions: OptionsRef = builder.inputRef("BulkOptions");
  const launchOptions: OptionsRef = builder.inputRef("LaunchOptions");
  const notificationChannel = builder.enumType("NotificationChannel", {
    description: "A way in which someone is told how a task ended.",
    values: {
      STATUS_PAGE: { description: "Nothing is sent: the task has the address of its page, `statusPageUrl`." },
      IN_APP: { description: "A notification in the caller's inbox: see `notifications`." },
      EMAIL: { description: "A mail to the address that is the target." },
      WEBHOOK: { description: "A signed POST to the URL that is the target." },
      CALLBACK: { description: "A call of the config's function whose name is the target." },
    } as const satisfies Record<NotificationChannel, object>,
  });
  return { ...refs, bulkOptions, errorCode, launchOptions, modelName, launchResult, notificationChannel };
}
