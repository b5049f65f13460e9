import type { Access, WhereFilter } from "../access/access.ts";
import type { LockScopes } from "../locks/claim.ts";
import type { Viewer } from "../access/viewer.ts";
import type { FieldSwitches } from "./field-switches.ts";
import type { AppRecord, WriteRules } from "./write-hooks.ts";

/**
 * An app's options for one of its models; all are optional.
 * @typeParam Row the model's records, as Prisma types them
 * @typeParam Client Prisma's client inside a transaction
 */
export interface ModelOptions<Row = AppRecord, Client = unknown> extends WriteRules<Row, Client> {
  /** False keeps the model out of the API altogether. Default true. */
  readonly isExposed?: boolean;
  /** Plural in camel case, for names such as `cities` and `bulkUpdateCities`. Default: the English plural. */
  readonly plural?: string;
  /** The rows that a viewer may read and write, as a filter; undefined means all. Default: all. */
  readonly scope?: (viewer: Viewer) => WhereFilter | undefined;
  /**
   * The lock scope of a viewer, by name, such as the tenant's: a lock on the whole model then holds only for viewers
   * with the same name. Viewers with different names must never be able to write the same record (see `scope`).
   * Default: one scope for all.
   */
  readonly lockScope?: (viewer: Viewer) => string | undefined;
  /**
   * What the API does with single fields, by name: columns and relations. Wins over `/// @powercrud(…)` in the Prisma
   * schema, switch by switch.
   */
  readonly fields?: Readonly<Record<string, FieldSwitches>>;
  readonly bulk?: {
    /** How many workers, or slots of workers, may write one SKIP_FAILED task at the same time. Default: 2. */
    readonly parallelism?: number;
    /** The most records of one chunk. Default: POWERCRUD_CHUNK_RECORDS. */
    readonly chunkRecords?: number;
  };
}

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
