import { setSavepoint } from "../../../kernel/savepoint.ts";
import type { AddedValues } from "../../../core/bulk/add-values.ts";
import { addToBatch, addToRecords } from "../../../core/bulk/add-values.ts";
import { hookChunks, operationOn } from "../../../core/bulk/hook-batch.ts";
import type { RecordWork, WrittenBatch } from "../../../core/bulk/record-writer.ts";
import { batchIndexes, namedFieldsOf } from "../../../core/bulk/row-field.ts";
import { describeHeld } from "../../../core/locks/lock-refusal.ts";
import type { LockRefusal } from "../../../core/locks/lock-store.ts";
import { WriteStopped } from "../../../core/locks/open-write.ts";
import type { RefusedRecord } from "../../../core/records/record-hooks.ts";
import type { AppRecord, HookRecord, WriteOperation } from "../../../core/records/write-hooks.ts";
import type { RecordBatch } from "../../../core/tasks/record-batch.ts";
import { filterBatch, sliceBatch } from "../../../core/tasks/record-batch.ts";
import type { NewTaskError } from "../../../core/tasks/task-error.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import { emulatedWay, isEmulated } from "./emulated-way.ts";
import { heldReferences } from "./held-references.ts";
import type { BatchWriting, ReachedRecords } from "./reach-records.ts";
import { loadRecords, reachRecords } from "./reach-records.ts";
import type { SetWriting } from "./write-set.ts";
import { appWay, failedErrors, statementWay, writeSet } from "./write-set.ts";

/** The records that the app's hooks are called with, by operation. */
type HookRecords = ReadonlyMap<WriteOperation, readonly HookRecord[]>;

/**
 * Writes a batch so that each failing record is found and the others are written: only records within the viewer's scope
 * that the app's hooks accept. If written records leave the scope, or refer to another task's records, the write is undone
 * and repeated without them.
 */
export function writeBatch(writing: BatchWriting, batch: RecordBatch): Promise<WrittenBatch> {
  return writing.isApart === true && writing.work.hooks !== undefined
    ? writeApart(writing, batch)
    : writeTogether(writing, batch);
}

/** Halves the batch until each record whose hooks need a held record is alone, and leaves it out. */
async function writeApart(writing: BatchWriting, batch: RecordBatch): Promise<WrittenBatch> {
  const session = requiredSession(writing.transaction);
  const savepoint = await setSavepoint(session, "apart");
  try {
    const written = await writeTogether(writing, batch);
    await savepoint.keep();
    return written;
  } catch (error) {
    if (!(error instanceof WriteStopped) || error.stop.kind !== "HELD") {
      throw error;
    }
    await savepoint.takeBack();
    const { length } = batch.ids;
    if (length === 1) {
      return { succeeded: 0, errors: [heldError(writing, batch, error.stop.refusal)] };
    }
    const middle = Math.ceil(length / 2);
    const left = await writeApart(writing, sliceBatch(batch, 0, middle));
    const right = await writeApart(writing, sliceBatch(batch, middle, length));
    return { succeeded: left.succeeded + right.succeeded, errors: [...left.errors, ...right.errors] };
  }
}

/** The error of the only record of the batch. */
function heldError({ work }: BatchWriting, batch: RecordBatch, refusal: LockRefusal): NewTaskError {
  const [id = ""] = batch.ids;
  const outcome = "onConflict" in work && work.onConflict === "SKIP" ? "SKIPPED" : "FAILED";
  const message = `It changes other records, too. ${describeHeld(refusal)} Try again when that has settled.`;
  return { ...batchIndexes(batch)(id), recordId: id, outcome, code: "RECORD_LOCKED", message };
}

async function writeTogether(writing: BatchWriting, batch: RecordBatch): Promise<WrittenBatch> {
  const { work, records, transaction } = writing;
  const reached = await reachRecords(writing, batch);
  const refusal =
    reached.batch.ids.length === 0 ? undefined : await work.guardReached?.(transaction, reached.batch.ids);
  if (refusal !== undefined) {
    return { succeeded: 0, errors: [], refusal };
  }
  const hooked: HookRecords =
    work.hooks === undefined
      ? new Map()
      : hookChunks(records.typed, work.model, work, reached.batch, reached.loaded);
  const { refused, values } = await askHooks(writing, batch, hooked);
  const allowed = without(reached.batch, refused);
  const filled = new Map([...hooked].map(([operation, each]) => [operation, addToRecords(each, values)]));
  const written = await writeParts(addToBatch(work.model, allowed, values), (part) =>
    writeChecked(writing, { ...reached, batch: part }, filled),
  );
  await callAfterHooks(writing, without(allowed, written.errors), filled);
  return { ...written, errors: [...reached.errors, ...refused, ...written.errors] };
}

async function askHooks(
  { transaction, work }: BatchWriting,
  batch: RecordBatch,
  hooked: HookRecords,
): Promise<{ readonly refused: readonly NewTaskError[]; readonly values: AddedValues }> {
  const refused: RefusedRecord[] = [];
  const values = new Map<string, AppRecord>();
  for (const [operation, records] of hooked) {
    const checked = await work.hooks?.check(transaction, { operation, records });
    refused.push(...(checked?.refused ?? []));
    checked?.values.forEach((added, id) => values.set(id, added));
  }
  return { refused: failedErrors(batch, refused), values };
}

/** Writes one part after the other. Most batches have a single one. */
async function writeParts(
  parts: readonly RecordBatch[],
  write: (part: RecordBatch) => Promise<WrittenBatch>,
): Promise<WrittenBatch> {
  let all: WrittenBatch = { succeeded: 0, errors: [] };
  for (const part of parts) {
    const written = await write(part);
    all = {
      ...all,
      ...written,
      succeeded: all.succeeded + written.succeeded,
      errors: [...all.errors, ...written.errors],
    };
  }
  return all;
}

async function writeChecked(
  writing: BatchWriting,
  { batch, loaded }: ReachedRecords,
  hooked: HookRecords,
): Promise<WrittenBatch> {
  const { work } = writing;
  const set = setOf(writing, batch, hooked);
  if (work.references === undefined && work.scopeChecks === undefined) {
    return writeSet(set, batch);
  }
  // Read before the write: an upsert does not report which records it created.
  const existed = await existence(writing, batch, loaded);
  // A single write is rolled back as a whole.
  const savepoint = set.isSingle === true ? undefined : await setSavepoint(set.session, "unchecked");
  const written = await writeSet(set, batch);
  const changed = without(batch, written.errors);
  const outside = await recordsOutOfScope(writing, batch, byOperation(work, changed.ids, existed));
  const held = await heldReferences(writing, without(changed, outside).ids);
  const offenders = failedErrors(batch, [...outside, ...held.records]);
  if (offenders.length === 0) {
    await savepoint?.keep();
    return written;
  }
  await savepoint?.takeBack();
  const rest =
    savepoint === undefined ? { succeeded: 0, errors: [] } : await writeSet(set, without(batch, offenders));
  return {
    succeeded: rest.succeeded,
    errors: [...offenders, ...rest.errors],
    ...(held.refusal === undefined ? {} : { refusal: held.refusal }),
  };
}

function setOf(writing: BatchWriting, { ids }: RecordBatch, hooked: HookRecords): SetWriting {
  const { work, table, transaction, emulated } = writing;
  const session = requiredSession(transaction);
  if (work.hooks?.hasPersist === true) {
    // The app writes with Prisma's client, which keeps its references itself.
    return { session, table, way: appWay(transaction, work, work.hooks, hooked) };
  }
  const plain = statementWay(session, table, work);
  const way = isEmulated(emulated, work.model) ? emulatedWay(writing, plain) : plain;
  return { session, table, way, isSingle: work.taskId === undefined && ids.length === 1 };
}

async function existence(
  { records, transaction, work }: BatchWriting,
  batch: RecordBatch,
  loaded: ReachedRecords["loaded"],
): Promise<(id: string) => boolean> {
  if (work.operation !== "UPSERT" || work.scopeChecks === undefined) {
    return () => true;
  }
  if (work.hooks !== undefined) {
    return (id) => loaded.has(id);
  }
  const existing = new Set(await records.existingIds(transaction, work.model.name, batch.ids, undefined));
  return (id) => existing.has(id);
}

function byOperation(
  { operation }: RecordWork,
  ids: readonly string[],
  existed: (id: string) => boolean,
): ReadonlyMap<WriteOperation, readonly string[]> {
  const groups = new Map<WriteOperation, string[]>();
  for (const id of ids) {
    const performed = operationOn(operation, existed(id));
    const same = groups.get(performed);
    if (same === undefined) {
      groups.set(performed, [id]);
    } else {
      same.push(id);
    }
  }
  return groups;
}

/**
 * The written records that are now out of the viewer's scope, or refer to a record that is.
 * @param written the ids by operation
 */
async function recordsOutOfScope(
  { records, transaction, work }: BatchWriting,
  batch: RecordBatch,
  written: ReadonlyMap<WriteOperation, readonly string[]>,
): Promise<readonly RefusedRecord[]> {
  const outside = new Map<string, RefusedRecord>();
  for (const [operation, ids] of written) {
    for (const { within, problem } of work.scopeChecks?.(writtenFields(work, batch, operation)) ?? []) {
      const found = new Set(await records.existingIds(transaction, work.model.name, ids, within));
      for (const id of ids) {
        if (!found.has(id) && !outside.has(id)) {
          outside.set(id, { id, problem });
        }
      }
    }
  }
  return [...outside.values()];
}

function writtenFields(work: RecordWork, batch: RecordBatch, operation: WriteOperation): readonly string[] {
  return work.operation === "UPDATE"
    ? Object.keys(work.change)
    : namedFieldsOf(batch.fields, operation === "CREATE" ? "create" : "update");
}

/** Calls the app's after hooks for the written records, with their new values. */
async function callAfterHooks(
  { work: { hooks }, records, transaction, table }: BatchWriting,
  { ids }: RecordBatch,
  hooked: HookRecords,
): Promise<void> {
  const written = new Set(ids);
  for (const [operation, each] of hooked) {
    const writtenRecords = each.filter(({ id }) => written.has(id));
    if (hooks?.hasAfter(operation) === true && writtenRecords.length > 0) {
      const session = records.typedSession(transaction);
      const writtenIds = writtenRecords.map(({ id }) => id);
      const now = operation === "DELETE" ? new Map() : await loadRecords(session, table, writtenIds);
      await hooks.after(transaction, {
        operation,
        records: writtenRecords.map((one) => ({ ...one, record: now.get(one.id) ?? null })),
      });
    }
  }
}

function without(batch: RecordBatch, errors: readonly (NewTaskError | RefusedRecord)[]): RecordBatch {
  if (errors.length === 0) {
    return batch;
  }
  const named = new Set(errors.map((error) => ("id" in error ? error.id : error.recordId)));
  return filterBatch(batch, (id) => !named.has(id));
}
