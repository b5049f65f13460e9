import SchemaBuilder from "@pothos/core";
import type {
  ImplementableInputObjectRef,
  ImplementableInterfaceRef,
  ImplementableObjectRef,
} from "@pothos/core";
import PrismaPlugin from "@pothos/plugin-prisma";
import type { PrismaClient } from "@pothos/plugin-prisma";
import type {
  ConflictRefusal,
  IdempotencyRefusal,
  Launched,
  LaunchOutcome,
  LimitRefusal,
  UnavailableRefusal,
  ValidationRefusal,
} from "../core/tasks/launch-outcome.ts";
import type { ModelRegistry } from "../core/records/model.ts";
import type { LaunchOptions } from "../core/tasks/launch-options.ts";
import type { Task } from "../core/tasks/task.ts";
import type { MissingRefusal } from "../core/refusals/refusals.ts";
import type { Json } from "../kernel/json.ts";
import type { GraphQLContext } from "./context.ts";

/** A model as Pothos types it. The models are known only at start, so a record's columns are looked up by name. */
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

/** What the schema's resolvers receive and hand back, by scalar. Output accepts what a store may hold. */
export type PowerCrudScalars = {
  ID: { Input: string; Output: string | number | bigint };
  BigInt: { Input: bigint; Output: bigint | number | string };
  DateTime: { Input: Date; Output: Date };
  Decimal: { Input: string; Output: { toString(): string } };
  JSON: { Input: Json; Output: unknown };
  Bytes: { Input: Uint8Array; Output: Uint8Array };
};

/** Fields are non-null and arguments optional unless said otherwise. */
export interface PowerCrudSchemaTypes {
  Context: GraphQLContext;
  PrismaTypes: Record<string, AnyPrismaModel>;
  Scalars: PowerCrudScalars;
  DefaultFieldNullability: false;
}

/** {@link PowerCrudSchemaTypes} with Pothos' defaults: what its own generic types are parametrised with. */
export type BuilderTypes = PothosSchemaTypes.ExtendDefaultTypes<PowerCrudSchemaTypes>;

/** The schema's builder. Scalars `BigInt`, `DateTime`, `Decimal`, `JSON` and `Bytes` are there by name. */
export type PowerCrudBuilder = PothosSchemaTypes.SchemaBuilder<BuilderTypes>;

/** Anything refused on purpose: all error types implement `Error {message, code}`. */
export interface Refusal {
  readonly message: string;
}

/** GraphQL hands over a null for what its caller left out on purpose. */
type Nullable<T> = { -readonly [Name in keyof T]?: T[Name] | null | undefined };

/** The options of a launch as an input. */
export type BulkOptionsRef = ImplementableInputObjectRef<BuilderTypes, Nullable<LaunchOptions>>;

/**
 * Types that several rooms of this floor refer to. A ref is made here and implemented where it belongs:
 * `task`, `taskLaunched` and `bulkOptions` in tasks/, `pageInfo` in pagination/, the others in errors/.
 */
export interface SharedRefs {
  readonly task: ImplementableObjectRef<BuilderTypes, Task>;
  readonly taskLaunched: ImplementableObjectRef<BuilderTypes, Launched>;
  readonly pageInfo: ImplementableObjectRef<BuilderTypes, PageInfo>;
  /** The interface `Error`. */
  readonly error: ImplementableInterfaceRef<BuilderTypes, Refusal>;
  readonly conflictError: ImplementableObjectRef<BuilderTypes, ConflictRefusal>;
  readonly validationError: ImplementableObjectRef<BuilderTypes, ValidationRefusal>;
  readonly notFoundError: ImplementableObjectRef<BuilderTypes, MissingRefusal>;
  readonly limitError: ImplementableObjectRef<BuilderTypes, LimitRefusal>;
  readonly idempotencyError: ImplementableObjectRef<BuilderTypes, IdempotencyRefusal>;
  readonly unavailableError: ImplementableObjectRef<BuilderTypes, UnavailableRefusal>;
  /** The input `BulkOptions`. */
  readonly bulkOptions: BulkOptionsRef;
  /** The enum `ModelName`: the names of the exposed models. */
  readonly modelName: PothosSchemaTypes.EnumRef<BuilderTypes, string>;
  /** The union `LaunchResult`; resolvers hand back the {@link LaunchOutcome} as it is. */
  readonly launchResult: PothosSchemaTypes.UnionRef<BuilderTypes, LaunchOutcome>;
}

/** Where a page stands in its connection. */
export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

/** What every part of the schema is built with. */
export interface SchemaContext {
  readonly builder: PowerCrudBuilder;
  readonly refs: SharedRefs;
  readonly models: ModelRegistry;
}

/** A part of the schema: adds its types and fields. `Query`, `Mutation` and `Subscription` are there already. */
export type SchemaContributor = (schema: SchemaContext) => void;

/** A builder with nothing in it yet. */
export function createBuilder(
  client: PrismaClient,
  datamodel: { readonly datamodel: unknown },
): PowerCrudBuilder {
  return new SchemaBuilder<PowerCrudSchemaTypes>({
    plugins: [PrismaPlugin],
    defaultFieldNullability: false,
    prisma: {
      client,
      dmmf: datamodel,
      exposeDescriptions: true,
      filterConnectionTotalCount: true,
    },
  });
}
