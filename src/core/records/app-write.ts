import { isAppError } from "../../kernel/app-error.ts";
import type { Json } from "../../kernel/json.ts";
import type { Write } from "./guarded-write.ts";
import type { Model } from "./model.ts";
import { columnsOf, relationsOf } from "./model.ts";
import type { AppHooks } from "./record-hooks.ts";
import type { RecordKey } from "./record-key.ts";
import { formatRecordKey } from "./record-key.ts";
import type { RecordData, WriteResult } from "./record-writer.ts";
import type { RelationChange } from "./relation-change.ts";
import type { AppChange, HookChunk, HookRecord, WriteOperation } from "./write-hooks.ts";
import type { WritePorts } from "./write-ports.ts";
import type { WriteRefusal } from "./write-refusal.ts";
import { invalid, missing } from "./write-refusal.ts";
import type { WriteRequest } from "./write-request.ts";

/** The record that a single write is about. */
export interface WriteSubject {
  readonly operation: WriteOperation;
  readonly id: string;
  readonly key: RecordKey;
  /** What is written; empty for a delete. */
  readonly data: RecordData;
}

/** What became of a write in which the app had its say. */
export type AppWriteResult =
  | WriteRefusal
  | {
      readonly result: WriteResult;
      /** To be called once nothing stands against the commit: the app's hooks after the write. */
      tell(): Promise<void>;
    };

type App = NonNullable<WritePorts["app"]>;

/** What the app says about such a write; undefined where nothing. */
export function appHooksOf(
  { app }: Pick<WritePorts, "app">,
  model: Model,
  operation: WriteOperation,
  { viewer }: WriteRequest,
): AppHooks | undefined {
  return app?.hooks.of(model, [operation], { viewer, isDryRun: false });
}

/**
 * Makes the key of a new record, and what else Prisma would make, so that hooks are told of all new records alike.
 * Refuses where a key is left out that has no default.
 */
export async function completeNewRecord(
  { defaults, typed }: App,
  model: Model,
  data: RecordData,
): Promise<WriteRefusal | { readonly data: RecordData }> {
  const given = Object.keys(data).filter((name) => data[name] !== undefined);
  const columns = new Map(columnsOf(model).map((field) => [field.name, field]));
  try {
    const made = await defaults.make(model, given, 1);
    const values = [...made].map(([name, [value = null]]): [string, unknown] => {
      const column = columns.get(name);
      return [name, column === undefined ? value : typed(column, value)];
    });
    return { data: { ...Object.fromEntries(values), ...data } };
  } catch (error) {
    if (!isAppError(error, "VALIDATION_FAILED")) {
      throw error;
    }
    const field = String(error.details["field"]);
    return invalid([{ code: error.code, message: error.message, field }]);
  }
}

/**
 * Has the app's rules and hooks look at a single write, and then writes, by the app's own writer where it has one.
 * @param own the service's own write
 */
export async function writeWithApp(
  ports: WritePorts,
  write: Write,
  subject: WriteSubject,
  own: () => Promise<WriteResult>,
): Promise<AppWriteResult> {
  const { transaction, model, request } = write;
  const hooks = appHooksOf(ports, model, subject.operation, request);
  if (hooks === undefined || ports.app === undefined) {
    return { result: await own(), tell: () => Promise.resolve() };
  }
  const read = async (): Promise<HookRecord["record"]> =>
    (await ports.writer.readWhole(transaction, model.name, subject.key)) ?? null;
  const before = subject.operation === "CREATE" ? null : await read();
  if (before === null && subject.operation !== "CREATE") {
    return missing(model, subject.id);
  }
  const change = appChangeOf(ports, ports.app, model, subject.data);
  const one: HookRecord = { id: subject.id, record: before, before, change };
  const chunk: HookChunk = { operation: subject.operation, records: [one] };
  const [refused] = await hooks.check(transaction, chunk);
  if (refused !== undefined) {
    return invalid([refused.problem]);
  }
  const written = hooks.hasPersist
    ? await persistOne(ports, write, subject, hooks, chunk)
    : { result: await own() };
  return "rollBack" in written
    ? written
    : {
        ...written,
        async tell() {
          if (hooks.hasAfter(subject.operation)) {
            const record = subject.operation === "DELETE" ? null : await read();
            await hooks.after(transaction, { ...chunk, records: [{ ...one, record }] });
          }
        },
      };
}

/** The app hands nothing back, so the record is read in the caller's shape: before a delete, after all else. */
async function persistOne(
  ports: WritePorts,
  { transaction, model, request }: Write,
  subject: WriteSubject,
  hooks: AppHooks,
  chunk: HookChunk,
): Promise<WriteRefusal | { readonly result: WriteResult }> {
  const look = (): Promise<unknown> =>
    ports.writer.lockForWrite(transaction, model.name, subject.key, undefined, request.shape);
  const deleted = subject.operation === "DELETE" ? await look() : undefined;
  try {
    const [refused] = await hooks.persist(transaction, chunk);
    if (refused !== undefined) {
      return invalid([refused.problem]);
    }
  } catch (error) {
    return invalid([(await hooks.refusalOf(error)).problem]);
  }
  const record = deleted ?? (await look());
  return record === undefined ? missing(model, subject.id) : { result: { record } };
}

function appChangeOf({ models }: WritePorts, { typed }: App, model: Model, data: RecordData): AppChange {
  const columns = new Map(columnsOf(model).map((field) => [field.name, field]));
  const relations = new Map(relationsOf(model).map((field) => [field.name, field]));
  const members = Object.entries(data).flatMap(([name, value]) => {
    const column = columns.get(name);
    const relation = relations.get(name);
    if (value === undefined) {
      return [];
    }
    return [
      relation === undefined
        ? [name, { set: column === undefined ? value : typed(column, value as Json) }]
        : [name, linkIds(models.get(relation.type), value as RelationChange)],
    ];
  });
  return Object.fromEntries(members) as AppChange;
}

function linkIds(target: Model, change: RelationChange): Readonly<Record<string, readonly string[]>> {
  const members = Object.entries(change).map(([operator, keys]: [string, readonly RecordKey[]]) => [
    operator,
    keys.map((key) => formatRecordKey(target, key)),
  ]);
  return Object.fromEntries(members) as Readonly<Record<string, readonly string[]>>;
}
