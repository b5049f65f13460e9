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
import { missingError, staleError } from "./record-set-writer.ts";
import { lockRecordsSql } from "./sql/bulk-record-set.ts";
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
  const loaded = work.hooks === undefined ? undefined : await load(ports, table, batch);
  const present = new Set(loaded?.keys() ?? (await lock(ports, table, batch)));
  const within =
    work.scope === undefined
      ? present
      : new Set(
          await ports.records.existingIds(ports.transaction, work.model.name, [...present], work.scope),
        );
  const isStale = staleness(table, batch, loaded);
  const indexed = batchIndexes(batch);
  const errors = batch.ids.flatMap((id, at): readonly NewTaskError[] => {
    if (within.has(id)) {
      return isStale(id, at) ? [{ ...staleError(id), ...indexed(id) }] : [];
    }
    if (work.operation !== "UPSERT") {
      return [{ ...missingError(id), ...indexed(id) }];
    }
    return present.has(id) ? [{ ...takenError(table, id), ...indexed(id) }] : [];
  });
  const out = new Set(errors.map(({ recordId }) => recordId));
  const kept = errors.length === 0 ? batch : filterBatch(batch, (id) => !out.has(id));
  return { batch: kept, loaded: loaded ?? new Map(), errors };
}

function load(
  { records, transaction }: ChunkPorts,
  table: TableShape,
  batch: RecordBatch,
): Promise<LoadedRecords> {
  return loadRecords(records.typedSession(transaction), table, batch.ids);
}

async function lock(
  { transaction }: ChunkPorts,
  table: TableShape,
  batch: RecordBatch,
): Promise<readonly string[]> {
  const session = requiredSession(transaction);
  const rows = await session.query<{ id: string }>(lockRecordsSql(table), [batch.ids]);
  return rows.map(({ id }) => id);
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
