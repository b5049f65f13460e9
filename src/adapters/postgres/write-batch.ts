import { batchIndexes } from "../../core/bulk/batch-index.ts";
import type { BulkWork } from "../../core/bulk/bulk-writer.ts";
import { hookChunks, operationOn } from "../../core/bulk/hook-batch.ts";
import type { RefusedRecord } from "../../core/records/record-hooks.ts";
import type { HookRecord, WriteOperation } from "../../core/records/write-hooks.ts";
import type { RecordBatch } from "../../core/tasks/record-batch.ts";
import { filterBatch } from "../../core/tasks/record-batch.ts";
import type { NewTaskError } from "../../core/tasks/task-error.ts";
import { requiredSession } from "../../core/transactions/required-session.ts";
import { createAppSetWriter } from "./app-set-writer.ts";
import type { ChunkPorts } from "./chunk-ports.ts";
import { heldReferences } from "./held-references.ts";
import { loadRecords } from "./load-records.ts";
import type { ReachedRecords } from "./reach-records.ts";
import { reachRecords } from "./reach-records.ts";
import type { RecordSetResult, SetWriter } from "./record-set-writer.ts";
import { createStatementSetWriter, writeRecordSet } from "./record-set-writer.ts";
import type { TableShape } from "./table-shape.ts";
import { recordsOutOfScope } from "./written-checks.ts";

/** The records as the app is given them, by what happens to them. */
type HookRecords = ReadonlyMap<WriteOperation, readonly HookRecord[]>;

/**
 * The careful way: the records within the scope that the app lets pass, set by set, offenders apart. What would lead out
 * of the viewer's scope, or refer to another task's records, is taken back, and the rest written once more.
 */
export async function writeBatch(
  ports: ChunkPorts,
  table: TableShape,
  work: BulkWork,
  batch: RecordBatch,
): Promise<RecordSetResult> {
  const reached = await reachRecords(ports, table, work, batch);
  const records: HookRecords =
    work.hooks === undefined
      ? new Map()
      : hookChunks(ports.records.typed, work.model, work, reached.batch, reached.loaded);
  const refused = await askHooks(ports, work, batch, records);
  const allowed = without(reached.batch, refused);
  const written = await writeChecked(ports, table, work, { ...reached, batch: allowed }, records);
  await tellHooks(ports, table, work, without(allowed, written.errors), records);
  return { succeeded: written.succeeded, errors: [...reached.errors, ...refused, ...written.errors] };
}

async function askHooks(
  { transaction }: ChunkPorts,
  { hooks }: BulkWork,
  batch: RecordBatch,
  records: HookRecords,
): Promise<readonly NewTaskError[]> {
  const refused: RefusedRecord[] = [];
  for (const [operation, some] of records) {
    refused.push(...((await hooks?.check(transaction, { operation, records: some })) ?? []));
  }
  const indexed = batchIndexes(batch);
  return refused.map(({ id, problem }): NewTaskError => ({
    ...problem,
    ...indexed(id),
    recordId: id,
    outcome: "FAILED",
  }));
}

async function writeChecked(
  ports: ChunkPorts,
  table: TableShape,
  work: BulkWork,
  { batch, loaded }: ReachedRecords,
  records: HookRecords,
): Promise<RecordSetResult> {
  const session = requiredSession(ports.transaction);
  const writer: SetWriter =
    work.hooks?.hasPersist === true
      ? createAppSetWriter(ports.transaction, work, work.hooks, records)
      : createStatementSetWriter(session, table, work);
  const write = (some: RecordBatch): Promise<RecordSetResult> => writeRecordSet(session, table, writer, some);
  if (work.references === undefined && work.scopeChecks === undefined) {
    return write(batch);
  }
  // Which were there before: an upsert that could not be told otherwise needs it for its checks.
  const isThere = await presence(ports, work, batch, loaded);
  await session.query("SAVEPOINT unchecked");
  const written = await write(batch);
  const changed = without(batch, written.errors);
  const outside = await recordsOutOfScope(ports, work, batch, byOperation(work, changed.ids, isThere));
  const inside = without(changed, outside);
  const held = await heldReferences(ports.locks, ports.transaction, work, inside.ids);
  if (outside.length + held.length === 0) {
    return written;
  }
  await session.query("ROLLBACK TO SAVEPOINT unchecked");
  const indexed = batchIndexes(batch);
  const errors = [...outside, ...held].map((error) => ({ ...error, ...indexed(error.recordId ?? "") }));
  const rest = await write(without(batch, errors));
  return { succeeded: rest.succeeded, errors: [...errors, ...rest.errors] };
}

async function presence(
  { records, transaction }: ChunkPorts,
  work: BulkWork,
  batch: RecordBatch,
  loaded: ReachedRecords["loaded"],
): Promise<(id: string) => boolean> {
  if (work.operation !== "UPSERT" || work.scopeChecks === undefined) {
    return () => true;
  }
  if (work.hooks !== undefined) {
    return (id) => loaded.has(id);
  }
  const there = new Set(await records.existingIds(transaction, work.model.name, batch.ids, undefined));
  return (id) => there.has(id);
}

function byOperation(
  { operation }: BulkWork,
  ids: readonly string[],
  isThere: (id: string) => boolean,
): ReadonlyMap<WriteOperation, readonly string[]> {
  const sorted = new Map<WriteOperation, string[]>();
  for (const id of ids) {
    const deed = operationOn(operation, isThere(id));
    const some = sorted.get(deed);
    if (some === undefined) {
      sorted.set(deed, [id]);
    } else {
      some.push(id);
    }
  }
  return sorted;
}

/** Tells the app of what was written, with the records as they are now. */
async function tellHooks(
  ports: ChunkPorts,
  table: TableShape,
  { hooks }: BulkWork,
  { ids }: RecordBatch,
  records: HookRecords,
): Promise<void> {
  const written = new Set(ids);
  for (const [operation, some] of records) {
    const told = some.filter(({ id }) => written.has(id));
    if (hooks?.hasAfter(operation) === true && told.length > 0) {
      const now =
        operation === "DELETE"
          ? new Map()
          : await loadRecords(
              ports.records.typedSession(ports.transaction),
              table,
              told.map(({ id }) => id),
            );
      await hooks.after(ports.transaction, {
        operation,
        records: told.map((one) => ({ ...one, record: now.get(one.id) ?? null })),
      });
    }
  }
}

function without(batch: RecordBatch, errors: readonly NewTaskError[]): RecordBatch {
  if (errors.length === 0) {
    return batch;
  }
  const named = new Set(errors.map(({ recordId }) => recordId));
  return filterBatch(batch, (id) => !named.has(id));
}
