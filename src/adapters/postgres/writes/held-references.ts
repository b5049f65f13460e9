import type { ChunkWork } from "../../../core/bulk/chunk-writer.ts";
import { batchIndexes } from "../../../core/bulk/row-field.ts";
import type { RecordWork } from "../../../core/bulk/record-writer.ts";
import type { LockConflict, LockRefusal, LockStore } from "../../../core/locks/lock-store.ts";
import type { RefusedRecord } from "../../../core/records/record-hooks.ts";
import type { Reference } from "../../../core/records/side-effects.ts";
import { claimsOfReferences } from "../../../core/records/side-effects.ts";
import { problem } from "../../../core/refusals/problems.ts";
import type { NewTaskError } from "../../../core/tasks/task-error.ts";
import type { Transaction } from "../../../core/transactions/transaction.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { ChunkRow } from "../sql/bulk-chunk-steps.ts";
import { NEXT_CHUNK_WITH, WRITTEN_CHUNK_IDS, batchOf } from "../sql/bulk-chunk-steps.ts";

/** A transaction that writes records, with the locks that its references are checked against. */
interface ReferenceGuard<Work extends RecordWork = RecordWork> {
  readonly locks: Pick<LockStore, "guard">;
  readonly transaction: Transaction;
  readonly work: Work;
}

/** Written records that refer to records held by other tasks. */
interface HeldReferences {
  readonly records: readonly RefusedRecord[];
  /** For a single write: the locks in the way; undefined if there are none. A task fails only the records. */
  readonly refusal: LockRefusal | undefined;
}

/**
 * Enters the gates of the models that the records will refer to, before any row is locked. No task can then claim
 * records of these models until the transaction ends, and later guards do not have to wait.
 * @param claimed models that its hooks will claim records of: all are then entered as claims do, in one call
 */
export async function enterReferences(
  { locks, transaction, work }: ReferenceGuard & { readonly locks: Pick<LockStore, "enter"> },
  claimed: readonly string[],
): Promise<void> {
  if (claimed.length > 0) {
    return locks.enter(transaction, [...new Set([...(work.references?.models ?? []), ...claimed])]);
  }
  // Only the gate matters here, and no record has an empty id. The references are checked after the write.
  await locks.guard(transaction, work.references?.models.map((model) => ({ model, ids: [""] })) ?? []);
}

/** The written records that now refer to a record held by another task. */
export async function heldReferences(guard: ReferenceGuard, ids: readonly string[]): Promise<HeldReferences> {
  const { work, transaction } = guard;
  const found = ids.length === 0 ? [] : ((await work.references?.of(transaction, ids)) ?? []);
  return guardReferences(guard, found);
}

/** The same for all records that a task wrote in this transaction. Reports one referring record per held record. */
export async function heldReferencesOfAll(
  guard: ReferenceGuard<ChunkWork>,
): Promise<readonly NewTaskError[]> {
  const { references, taskId } = guard.work;
  if (references === undefined) {
    return [];
  }
  const session = requiredSession(guard.transaction);
  const found = new Map<string, Reference>();
  for await (const ids of writtenIds(session, taskId)) {
    for (const reference of await references.of(guard.transaction, ids)) {
      found.set(nameOf(reference), reference);
    }
  }
  const { records } = await guardReferences(guard, [...found.values()]);
  return withPlaces(session, taskId, records);
}

/** The errors, with the records' places in the caller's list if there is one. Places are read only for errors. */
async function withPlaces(
  session: SqlSession,
  taskId: string,
  records: readonly RefusedRecord[],
): Promise<readonly NewTaskError[]> {
  const places = new Map<string, { index?: number }>();
  const ids = records.map(({ id }) => id);
  for (let last: number | undefined = 0; last !== undefined && ids.length > 0;) {
    const [chunk]: ChunkRow[] = await session.query<ChunkRow>(NEXT_CHUNK_WITH, [taskId, last, ids]);
    const indexOf = chunk && batchIndexes(batchOf(chunk));
    chunk?.ids.forEach((id) => places.set(id, indexOf?.(id) ?? {}));
    last = chunk?.number;
  }
  return records.map(({ id, problem: each }) => ({
    ...each,
    ...places.get(id),
    recordId: id,
    outcome: "FAILED",
  }));
}

async function* writtenIds(session: SqlSession, taskId: string): AsyncGenerator<readonly string[]> {
  type Row = { readonly number: number; readonly ids: readonly string[] };
  for (let last = 0; ;) {
    const chunks = await session.query<Row>(WRITTEN_CHUNK_IDS, [taskId, last]);
    for (const { number, ids } of chunks) {
      yield ids;
      last = number;
    }
    if (chunks.length === 0) {
      return;
    }
  }
}

async function guardReferences(
  { locks, transaction, work: { taskId, lockScopeOf } }: ReferenceGuard,
  found: readonly Reference[],
): Promise<HeldReferences> {
  const records: RefusedRecord[] = [];
  let refusal: LockRefusal | undefined;
  // A guard lists a limited number of conflicts, so the references that it did not name are guarded again.
  for (let open = found; open.length > 0;) {
    const guard = await locks.guard(transaction, claimsOfReferences(open, lockScopeOf), taskId);
    if (guard.kind === "GRANTED") {
      break;
    }
    if (taskId === undefined) {
      refusal ??= guard;
    }
    const conflicts = new Map(guard.conflicts.map((one) => [nameOf(one), one]));
    const held = open.flatMap((one) => {
      const conflict = conflicts.get(nameOf(one)) ?? conflicts.get(nameOf({ ...one, id: null }));
      return conflict === undefined ? [] : [{ one, conflict }];
    });
    records.push(...held.map(({ one, conflict }) => lockedRecord(one, conflict)));
    const named = new Set(held.map(({ one }) => one));
    open = named.size === 0 ? [] : open.filter((one) => !named.has(one));
  }
  return { records, refusal };
}

function nameOf({ model, id }: Pick<LockConflict, "model" | "id">): string {
  return JSON.stringify([model, id]);
}

function lockedRecord({ record, model, id }: Reference, conflict: LockConflict): RefusedRecord {
  const held =
    conflict.id === null
      ? `${model} ${id}, and task ${conflict.owner} holds all of ${model}`
      : `${model} ${id}, which task ${conflict.owner} holds`;
  const message = `It would refer to ${held}. Try again when that has settled.`;
  return { id: record, problem: problem(message, undefined, "RECORD_LOCKED") };
}
