import type { LinkChange } from "./change.ts";
import type { Viewer } from "../access/viewer.ts";

/** What happens to a record. An upsert is a create or an update, by whether the record is there. */
export type WriteOperation = "CREATE" | "UPDATE" | "DELETE";

/** A record as it is in the table: its columns by field name, typed as Prisma types them. */
export type AppRecord = Readonly<Record<string, unknown>>;

/** What happens to one column: a value set, or arithmetic on the value that is there. Exactly one member. */
export interface ValueChange<Value = unknown> {
  readonly set?: Value;
  readonly increment?: Value;
  readonly decrement?: Value;
  readonly multiply?: Value;
}

/**
 * What is to be written, by field name; null stays null, in JSON columns too. Links of many-to-many relations stand
 * under the relation's name, as a {@link LinkChange}. Empty for a delete.
 */
export type AppChange<Row = AppRecord> = { readonly [Name in keyof Row]?: ValueChange<Row[Name]> } & Readonly<
  Record<string, ValueChange | LinkChange | undefined>
>;

/** Why the app does not let something be written, in words for the person who asked. */
export interface AppProblem {
  readonly message: string;
  /** The field at fault, where one is. */
  readonly field?: string;
}

/** A record that the app does not let be written, or that its own writer could not write. */
export interface AppRefusal extends AppProblem {
  readonly id: string;
}

/** One of the records of a chunk. */
export interface HookRecord<Row = AppRecord> {
  readonly id: string;
  /** As it is now: null before a create and after a delete. */
  readonly record: Row | null;
  /** As it was before the write; null for a create. */
  readonly before: Row | null;
  readonly change: AppChange<Row>;
}

/** Records that are written together, in one transaction: some of a task's, or the one of a single write. */
export interface HookChunk<Row = AppRecord> {
  readonly operation: WriteOperation;
  readonly records: readonly HookRecord<Row>[];
}

/** Under what circumstances something is written. */
export interface WriteContext<Client = unknown> {
  readonly viewer: Viewer;
  /** Prisma's client inside the transaction of the write: what is done with it is kept or undone together with that. */
  readonly client: Client;
  readonly operation: WriteOperation;
  /** The task that writes; undefined for a single write. */
  readonly task?: { readonly id: string; readonly label: string | null; readonly attempt: number };
  /** Nothing will be kept: for what the database cannot undo, such as a message that is sent. */
  readonly isDryRun: boolean;
  /** Does something once the write is committed, and not at all if it is undone. A failure is logged. */
  onCommit(effect: () => OrPromise<void>): void;
}

/** What an app reports: a list, or nothing for an empty one. */
type Reported<Item> = readonly Item[] | undefined | void;
/** A value at once, or a promise of it. */
type OrPromise<Value> = Value | Promise<Value>;

/** What a model's app does around writes; everything may be left out. Called once for each chunk. */
export interface ModelHooks<Row = AppRecord, Client = unknown> {
  /** Refuses those that it names; an error that it throws refuses the whole chunk with its message. */
  beforeCreate?(chunk: HookChunk<Row>, context: WriteContext<Client>): OrPromise<Reported<AppRefusal>>;
  beforeUpdate?(chunk: HookChunk<Row>, context: WriteContext<Client>): OrPromise<Reported<AppRefusal>>;
  beforeDelete?(chunk: HookChunk<Row>, context: WriteContext<Client>): OrPromise<Reported<AppRefusal>>;
  /**
   * With the records that were written, before the commit. What it throws is logged, and what it wrote undone; the
   * write stays.
   */
  afterCreate?(chunk: HookChunk<Row>, context: WriteContext<Client>): OrPromise<void>;
  afterUpdate?(chunk: HookChunk<Row>, context: WriteContext<Client>): OrPromise<void>;
  afterDelete?(chunk: HookChunk<Row>, context: WriteContext<Client>): OrPromise<void>;
}

/** What a model's app says about writes, be they single or in bulk; everything may be left out. */
export interface WriteRules<Row = AppRecord, Client = unknown> {
  /**
   * Looks at what is to be created or updated. Problems, or an error's message, refuse the one record.
   * @param record as it is; null for a create
   */
  validate?(
    record: Row | null,
    change: AppChange<Row>,
    context: WriteContext<Client>,
  ): OrPromise<Reported<AppProblem>>;
  readonly hooks?: ModelHooks<Row, Client>;
  /**
   * Writes in the place of the service, with the transaction's client: all that the chunk asks for, or of a record that
   * it names nothing. Where the database refuses something, the chunk is undone and tried again in halves, so it may be
   * called more than once for a record.
   */
  persist?(chunk: HookChunk<Row>, context: WriteContext<Client>): OrPromise<Reported<AppRefusal>>;
}
