import type { Access, WhereFilter } from "../access/access.ts";
import type { LockScopes } from "../locks/claim.ts";
import type { Viewer } from "../access/viewer.ts";
import type { AppRecord, WriteRules } from "./write-hooks.ts";

/**
 * An app's options for one of its models; all are optional.
 * @typeParam Row the model's records, as Prisma types them
 * @typeParam Client Prisma's client inside a transaction
 */
export interface ModelOptions<Row = AppRecord, Client = unknown> extends WriteRules<Row, Client> {
  /** False keeps the model out of the API altogether. Default true. */
  readonly isExposed?: boolean;
  /**
   * The name of its GraphQL type, and the base of its other names. Default: its name in the Prisma schema, or, where the
   * API needs that name for itself, that with `Model` behind it. Prisma's client keeps its own name.
   */
  readonly apiName?: string;
  /** Plural in camel case, for names such as `cities` and `bulkUpdateCities`. Default: the English plural. */
  readonly plural?: string;
  /** Names of single fields in the API. Default: as in the Prisma schema, with `_` behind it where that is taken. */
  readonly fields?: Readonly<Record<string, FieldNaming>>;
  /** The rows that a viewer may read and write, as a filter; undefined means all. Default: all. */
  readonly scope?: (viewer: Viewer) => WhereFilter | undefined;
  /**
   * The lock scope of a viewer, by name, such as the tenant's: a lock on the whole model then holds only for viewers
   * with the same name. Viewers with different names must never be able to write the same record (see `scope`).
   * Default: one scope for all.
   */
  readonly lockScope?: (viewer: Viewer) => string | undefined;
  readonly bulk?: {
    /** The only fields that a bulk update may change. Default: every column but the key and `@updatedAt`. */
    readonly fields?: readonly string[];
    /** How many workers, or slots of workers, may write one SKIP_FAILED task at the same time. Default: 2. */
    readonly parallelism?: number;
    /** The most records of one chunk. Default: POWERCRUD_CHUNK_RECORDS. */
    readonly chunkRecords?: number;
  };
}

/** The name of a field in the API. */
export interface FieldNaming {
  readonly apiName?: string;
}

/** An app's options for one of its enums; all are optional. */
export interface EnumOptions {
  /** The name of its GraphQL type. Default: its name in the Prisma schema, with `Enum` behind it where that is taken. */
  readonly apiName?: string;
  /** Names of values in the API, by their names in the Prisma schema. Default: the same names. */
  readonly values?: Readonly<Record<string, string>>;
}

/** Options by the name of the enum. */
export type EnumOptionsMap = Readonly<Record<string, EnumOptions>>;

/** Options by model name. */
export type ModelOptionsMap = Readonly<Record<string, ModelOptions>>;

/** The lock scopes in the models' options. */
export function lockScopesOf(options: ModelOptionsMap): LockScopes {
  return { of: (model, viewer) => options[model]?.lockScope?.(viewer) };
}

/** The access rules in the models' options. */
export function accessOf(options: ModelOptionsMap): Access {
  return { scope: (model, viewer) => options[model]?.scope?.(viewer) };
}

/**
 * Types a model's options where they are written: `defineModel<City, Prisma.TransactionClient>({ … })`.
 * @typeParam Row the model's records, as Prisma types them
 * @typeParam Client Prisma's client inside a transaction
 */
export function defineModel<Row extends object = AppRecord, Client = unknown>(
  options: ModelOptions<Row, Client>,
): ModelOptions {
  return options as unknown as ModelOptions;
}
