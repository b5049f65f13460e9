import type { LinkChange } from "./change.ts";
import type { Viewer } from "../access/viewer.ts";
import type { MembersOf } from "../../kernel/shape.ts";

/** What happens to a record. An upsert is an update if the record exists, and else a create. */
export type WriteOperation = "CREATE" | "UPDATE" | "DELETE";

/** A record as it is in the table: its columns by field name, typed as Prisma types them. */
export type AppRecord = Readonly<Record<string, unknown>>;

/** What happens to one column: a value set, or arithmetic on the value that is there. Exactly one member. */
export interface ValueChange<Value = unknown> {
  readonly set?: Value;
  readonly increment?: NonNullable<Value>;
  readonly decrement?: NonNullable<Value>;
  readonly multiply?: NonNullable<Value>;
}

/**
 * What will be written, by field name; null stays null, also in JSON columns. Links of a many-to-many relation are
 * under the relation's name, as a {@link LinkChange}. Empty for a delete.
 */
export type AppChange<Row = AppRecord, Links extends string = string> = {
  readonly [Name in keyof Row]?: ValueChange<Row[Name]>;
} & (string extends Links
  ? Readonly<Record<string, ValueChange | LinkChange | undefined>>
  : { readonly [Name in Links]?: LinkChange });

/** Why the app refuses a record, in words for the caller. */
export interface AppProblem {
  readonly message: string;
  /** The field at fault, if there is one. */
  readonly field?: string;
}

/** A record that the app refuses, or that its own writer could not write. */
export interface AppRefusal extends AppProblem {
  readonly id: string;
}

/** Values that the app adds to a new record, such as those of hidden fields, typed as Prisma types them. */
export interface AppValues<Row = AppRecord> {
  readonly id: string;
  /** Wins over what the caller set. Not for fields of the key. */
  readonly values: Partial<Row>;
}

/** One of the records of a chunk. */
export interface HookRecord<Row = AppRecord, Links extends string = string> {
  readonly id: string;
  /** As it is now: null before a create and after a delete. */
  readonly record: Row | null;
  /** As it was before the write; null for a create. */
  readonly before: Row | null;
  readonly change: AppChange<Row, Links>;
}

/**
 * Records that are written together in one transaction: a part of a task's records, or the record of a single write.
 */
export interface HookChunk<Row = AppRecord, Links extends string = string> {
  readonly operation: WriteOperation;
  readonly records: readonly HookRecord<Row, Links>[];
}

/** The circumstances of a write. */
export interface WriteContext<Client = unknown> {
  readonly viewer: Viewer;
  /** Prisma's client inside the write's transaction: its changes are committed or rolled back with the write. */
  readonly prisma: Client;
  readonly operation: WriteOperation;
  /** The task that writes; undefined for a single write. */
  readonly task?: { readonly id: string; readonly label: string | null; readonly attempt: number };
  /** True: everything will be rolled back. Leave out what the database cannot undo, such as sending a message. */
  readonly isDryRun: boolean;
  /** Runs the effect after the commit, and not at all if the write is rolled back. A failure is logged. */
  onCommit(effect: () => OrPromise<void>): void;
}

/** What an app reports: a list, or nothing for an empty one. */
type Reported<Item> = readonly Item[] | undefined | void;
/** A value at once, or a promise of it. */
type OrPromise<Value> = Value | Promise<Value>;

/** An app's callbacks around the writes of a model; all are optional. Each is called once per chunk. */
export interface ModelHooks<Row = AppRecord, Client = unknown, Links extends string = string> {
  /**
   * Refuses the records that it returns, or adds values to them. A thrown error refuses the whole chunk, with the
   * error's message.
   */
  beforeCreate?(
    chunk: HookChunk<Row, Links>,
    context: WriteContext<Client>,
  ): OrPromise<Reported<AppRefusal | AppValues<Row>>>;
  /** Refuses the records that it returns. A thrown error refuses the whole chunk, with the error's message. */
  beforeUpdate?(chunk: HookChunk<Row, Links>, context: WriteContext<Client>): OrPromise<Reported<AppRefusal>>;
  beforeDelete?(chunk: HookChunk<Row, Links>, context: WriteContext<Client>): OrPromise<Reported<AppRefusal>>;
  /**
   * Called before the commit, with the records that were written. A thrown error is logged and undoes what the hook
   * wrote; the write is kept.
   */
  afterCreate?(chunk: HookChunk<Row, Links>, context: WriteContext<Client>): OrPromise<void>;
  afterUpdate?(chunk: HookChunk<Row, Links>, context: WriteContext<Client>): OrPromise<void>;
  afterDelete?(chunk: HookChunk<Row, Links>, context: WriteContext<Client>): OrPromise<void>;
}

/**
 * An app's rules for the writes of a model, single and bulk; all are optional.
 * @typeParam Row the model's records, as Prisma types them
 * @typeParam Client Prisma's client inside a transaction
 * @typeParam Links the names of the model's many-to-many relations
 */
export interface WriteRules<Row = AppRecord, Client = unknown, Links extends string = string> {
  /**
   * Checks a create or an update. Problems, or a thrown error, refuse this record only.
   * @param record as it is now; null for a create
   */
  validate?(
    record: Row | null,
    change: AppChange<Row, Links>,
    context: WriteContext<Client>,
  ): OrPromise<Reported<AppProblem>>;
  readonly hooks?: ModelHooks<Row, Client, Links>;
  /**
   * Writes instead of the service, with the transaction's client: everything that the chunk asks for, and nothing of
   * the records that it returns as refused. If the database refuses something, the chunk is rolled back and tried
   * again in halves, so a record may come more than once.
   */
  persist?(chunk: HookChunk<Row, Links>, context: WriteContext<Client>): OrPromise<Reported<AppRefusal>>;
}

/** See {@link WriteRules}. */
export const WRITE_RULES_MEMBERS = {
  validate: { kind: "FUNCTION" },
  hooks: {
    kind: "MEMBERS",
    members: {
      beforeCreate: { kind: "FUNCTION" },
      beforeUpdate: { kind: "FUNCTION" },
      beforeDelete: { kind: "FUNCTION" },
      afterCreate: { kind: "FUNCTION" },
      afterUpdate: { kind: "FUNCTION" },
      afterDelete: { kind: "FUNCTION" },
    } satisfies MembersOf<ModelHooks>,
  },
  persist: { kind: "FUNCTION" },
} as const satisfies MembersOf<WriteRules>;
