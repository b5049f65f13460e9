import { setSavepoint } from "../../../kernel/savepoint.ts";
import { EXPECTED_FIELD, batchIndexes } from "../../../core/bulk/row-field.ts";
import type { ChunkRecords } from "../../../core/bulk/chunk-records.ts";
import { keyColumnsOf } from "../../../core/bulk/named-batch.ts";
import type { RecordWork } from "../../../core/bulk/record-writer.ts";
import type { LockStore } from "../../../core/locks/lock-store.ts";
import type { Transaction } from "../../../core/transactions/transaction.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import type { LoadedRecords } from "../../../core/bulk/hook-batch.ts";
import { takenKeyProblem } from "../../../core/records/database-problem.ts";
import { enumName } from "../../../core/records/column-text.ts";
import type { EnumField } from "../../../core/records/model.ts";
import { columnsOf, updatedAtField } from "../../../core/records/model.ts";
import { recordKeyOf } from "../../../core/records/record-key.ts";
import type { AppRecord } from "../../../core/records/write-hooks.ts";
import type { RecordBatch } from "../../../core/tasks/record-batch.ts";
import { filterBatch } from "../../../core/tasks/record-batch.ts";
import type { NewTaskError } from "../../../core/tasks/task-error.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { ForeignKey } from "../effects/foreign-keys.ts";
import { pgProblem } from "./pg-problem.ts";
import { LOADED_ID, loadRecordsSql, lockRecordsSql } from "../sql/bulk-record-set.ts";
import type { TableShape } from "../records/table-shape.ts";
import type { SetWay } from "./write-set.ts";
import { missingError, staleError, writeSet } from "./write-set.ts";

/** A transaction that writes batches of records. */
export interface BatchWriting {
  readonly work: RecordWork;
  readonly table: TableShape;
  /** All foreign keys that are kept in the database's place. */
  readonly emulated: readonly ForeignKey[];
  /** Opened by `records.unitOfWork`, unless the work is plain. */
  readonly transaction: Transaction;
  readonly records: ChunkRecords;
  /** Guards the records that written records refer to. */
  readonly locks: Pick<LockStore, "guard">;
  /** Whether records whose hooks need held records are left out; otherwise they stop the write. Default: no. */
  readonly isApart?: boolean;
}

/** The records of a chunk that the viewer reaches. */
export interface ReachedRecords {
  readonly batch: RecordBatch;
  /** Their present values; read only if the app has hooks. */
  readonly loaded: LoadedRecords;
  /** One for each record that is out of reach, or that changed since the caller read it. */
  readonly errors: readonly NewTaskError[];
}

/** Locks the records and then reads them, so that they cannot change before they are written. */
export async function reachRecords(writing: BatchWriting, batch: RecordBatch): Promise<ReachedRecords> {
  const { work, table, records, transaction } = writing;
  if (work.operation === "CREATE" || (work.scope === undefined && work.hooks === undefined)) {
    return { batch, loaded: new Map(), errors: [] };
  }
  const { present, loaded, unreadable } = await readApart(writing, batch);
  const within =
    work.scope === undefined
      ? present
      : new Set(await records.existingIds(transaction, work.model.name, [...present], work.scope));
  const isStale = staleness(table, batch, loaded);
  const indexed = batchIndexes(batch);
  const unreached = batch.ids.flatMap((id, at): readonly NewTaskError[] => {
    if (unreadable.has(id)) {
      return [];
    }
    if (within.has(id)) {
      return isStale(id, at) ? [{ ...staleError(id), ...indexed(id) }] : [];
    }
    if (work.operation !== "UPSERT") {
      return [{ ...missingError(id), ...indexed(id) }];
    }
    return present.has(id) ? [{ ...takenError(table, batch, at), ...indexed(id) }] : [];
  });
  const errors = [...unreadable.values(), ...unreached];
  const out = new Set(errors.map(({ recordId }) => recordId));
  const kept = errors.length === 0 ? batch : filterBatch(batch, (id) => !out.has(id));
  return { batch: kept, loaded: loaded ?? new Map(), errors };
}

/** The existing records of a chunk. */
interface ReadRecords {
  readonly present: ReadonlySet<string>;
  /** Undefined if the app has no hooks. */
  readonly loaded: LoadedRecords | undefined;
  /** By id: errors of ids that the key's column cannot hold. The statement that writes would report the same. */
  readonly unreadable: ReadonlyMap<string, NewTaskError>;
}

async function readApart(
  { records, transaction, table, work }: BatchWriting,
  batch: RecordBatch,
): Promise<ReadRecords> {
  const session = requiredSession(transaction);
  const load = (ids: readonly string[]): Promise<LoadedRecords> =>
    loadRecords(records.typedSession(transaction), table, ids);
  if (work.hooks !== undefined) {
    const loaded = await unlessRefused(session, () => load(batch.ids));
    if (loaded !== undefined) {
      return { present: new Set(loaded.keys()), loaded, unreadable: new Map() };
    }
  }
  const { present, errors } = await lockRecords(session, table, batch);
  const loaded = work.hooks === undefined ? undefined : await load([...present]);
  return { present, loaded, unreadable: new Map(errors.map((error) => [error.recordId ?? "", error])) };
}

/** Undefined when the database refuses to read; other statements then find the reason. */
async function unlessRefused<T>(session: SqlSession, read: () => Promise<T>): Promise<T | undefined> {
  const savepoint = await setSavepoint(session, "reading");
  try {
    const result = await read();
    await savepoint.keep();
    return result;
  } catch {
    await savepoint.takeBack();
    return undefined;
  }
}

/** The writing statement checks this, too. It is checked here so that hooks are not called for stale records. */
function staleness(
  table: TableShape,
  { fields, columns }: RecordBatch,
  loaded: LoadedRecords | undefined,
): (id: string, at: number) => boolean {
  const expected = columns[fields.indexOf(EXPECTED_FIELD)];
  const updatedAt = updatedAtField(table.model);
  if (expected === undefined || updatedAt === undefined || loaded === undefined) {
    return () => false;
  }
  return (id, at) => {
    const wanted = expected[at];
    const actual = loaded.get(id)?.[updatedAt.name];
    return typeof wanted === "string" && !(actual instanceof Date && actual.getTime() === Date.parse(wanted));
  };
}

/** The viewer may not see the record, so an upsert tries to create it. This is the error that the database would give. */
export function takenError({ model, columns }: TableShape, batch: RecordBatch, at: number): NewTaskError {
  const recordId = batch.ids[at] ?? "";
  const named = keyColumnsOf(batch);
  if (named.length > 0) {
    const fields = named.flatMap(({ field }) => columns.get(field)?.field ?? []);
    const values = named.map(({ texts }) => texts[at] ?? "");
    return { ...takenKeyProblem(model, fields, values), recordId, outcome: "FAILED" };
  }
  const key = recordKeyOf(model, recordId);
  const values = model.key.map(({ name }) => String(key[name]));
  return { ...takenKeyProblem(model, model.key, values), recordId, outcome: "FAILED" };
}

interface LockedRecords {
  readonly present: ReadonlySet<string>;
  /** One for each id that the key's column cannot hold. A single such id would fail the statement for all records. */
  readonly errors: readonly NewTaskError[];
}

/** Locks the existing records until the transaction ends. */
async function lockRecords(
  session: SqlSession,
  table: TableShape,
  batch: RecordBatch,
): Promise<LockedRecords> {
  const present = new Set<string>();
  const way: SetWay = {
    isOnExisting: false,
    async write({ ids }) {
      const rows = await session.query<{ id: string }>(lockRecordsSql(table), [ids]);
      rows.forEach(({ id }) => present.add(id));
      return [];
    },
    refusalOf(error) {
      const problem = pgProblem(error, table.model);
      return problem && { problem, isForAll: false };
    },
  };
  const { errors } = await writeSet({ session, table, way }, batch);
  return { present, errors };
}

type LoadedRow = Record<string, unknown> & { [LOADED_ID]?: string };

/**
 * Reads records with all their columns in one statement, and locks them until the transaction ends.
 * @param session returns values with the types that records have
 */
export async function loadRecords(
  session: SqlSession,
  table: TableShape,
  ids: readonly string[],
): Promise<LoadedRecords> {
  const rows = ids.length === 0 ? [] : await session.query<LoadedRow>(loadRecordsSql(table), [ids]);
  const renamed = columnsOf(table.model).filter(isRenamedEnum);
  return new Map(
    rows.map((row): [string, AppRecord] => {
      const id = row[LOADED_ID] ?? "";
      delete row[LOADED_ID];
      for (const field of renamed) {
        row[field.name] = namesOf(field, row[field.name]);
      }
      return [id, row];
    }),
  );
}

function isRenamedEnum(field: ReturnType<typeof columnsOf>[number]): field is EnumField {
  return field.kind === "enum" && field.labels !== undefined;
}

function namesOf(field: EnumField, value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map((label) => enumName(field, String(label)));
  }
  return typeof value === "string" ? enumName(field, value) : value;
}
