import type { SqlSession } from "../../kernel/sql-session.ts";
import type { BulkWork } from "../../core/bulk/bulk-writer.ts";
import { batchIndexes } from "../../core/bulk/batch-index.ts";
import type { LoadedRecords } from "../../core/bulk/hook-batch.ts";
import { formatRowField } from "../../core/bulk/row-field.ts";
import { updatedAtField } from "../../core/records/model.ts";
import type { RecordBatch } from "../../core/tasks/record-batch.ts";
import { filterBatch } from "../../core/tasks/record-batch.ts";
import type { NewTaskError } from "../../core/tasks/task-error.ts";
import { requiredSession } from "../../core/transactions/required-session.ts";
import type { ChunkPorts } from "./chunk-ports.ts";
import { loadRecords } from "./load-records.ts";
import { lockRecords } from "./lock-records.ts";
import { missingError, staleError } from "./record-set-writer.ts";
import type { TableShape } from "./table-shape.ts";

/** The records of a chunk that the viewer reaches. */
export interface ReachedRecords {
  readonly batch: RecordBatch;
  /** As they are; read only where the app has a say. */
  readonly loaded: LoadedRecords;
  /** Those that are out of reach, or not as expected. */
  readonly errors: readonly NewTaskError[];
}

const EXPECTED = formatRowField({ kind: "EXPECTED" });

/** Locks the records, and only then looks at them, so that what is seen of them still holds when they are written. */
export async function reachRecords(
  ports: ChunkPorts,
  table: TableShape,
  work: BulkWork,
  batch: RecordBatch,
): Promise<ReachedRecords> {
  if (work.operation === "CREATE" || (work.scope === undefined && work.hooks === undefined)) {
    return { batch, loaded: new Map(), errors: [] };
  }
  const { present, loaded, unreadable } = await readApart(ports, table, work, batch);
  const within =
    work.scope === undefined
      ? present
      : new Set(
          await ports.records.existingIds(ports.transaction, work.model.name, [...present], work.scope),
        );
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
    return present.has(id) ? [{ ...takenError(table, id), ...indexed(id) }] : [];
  });
  const errors = [...unreadable.values(), ...unreached];
  const out = new Set(errors.map(({ recordId }) => recordId));
  const kept = errors.length === 0 ? batch : filterBatch(batch, (id) => !out.has(id));
  return { batch: kept, loaded: loaded ?? new Map(), errors };
}

/** The records of a chunk that are there. */
interface ReadRecords {
  readonly present: ReadonlySet<string>;
  /** Undefined where the app has no say. */
  readonly loaded: LoadedRecords | undefined;
  /** By id: what the database says where it cannot even look for it, as the statement that writes would be told. */
  readonly unreadable: ReadonlyMap<string, NewTaskError>;
}

async function readApart(
  { records, transaction }: ChunkPorts,
  table: TableShape,
  work: BulkWork,
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

/** Undefined where the database refuses it; what is wrong is then to be found by other statements. */
async function unlessRefused<T>(session: SqlSession, read: () => Promise<T>): Promise<T | undefined> {
  await session.query("SAVEPOINT reading");
  const result = await read().catch(async () => {
    await session.query("ROLLBACK TO SAVEPOINT reading");
    return undefined;
  });
  await session.query("RELEASE SAVEPOINT reading");
  return result;
}

/** The statement that writes looks, too; but the app is not to be asked about what will not be written. */
function staleness(
  table: TableShape,
  { fields, columns }: RecordBatch,
  loaded: LoadedRecords | undefined,
): (id: string, at: number) => boolean {
  const expected = columns[fields.indexOf(EXPECTED)];
  const touched = updatedAtField(table.model);
  if (expected === undefined || touched === undefined || loaded === undefined) {
    return () => false;
  }
  return (id, at) => {
    const wanted = expected[at];
    const actual = loaded.get(id)?.[touched.name];
    return typeof wanted === "string" && !(actual instanceof Date && actual.getTime() === Date.parse(wanted));
  };
}

/** A record that the viewer may not see counts as none, so it would be created: what the database would say to that. */
function takenError(table: TableShape, recordId: string): NewTaskError {
  const field = table.key.map((column) => column.field.name).join(",");
  return {
    recordId,
    outcome: "FAILED",
    code: "CONSTRAINT_VIOLATED",
    message: `${field} must be unique: another record has this value.`,
    field,
  };
}
