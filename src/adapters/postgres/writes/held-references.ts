import type { ChunkWork } from "../../../core/bulk/chunk-writer.ts";
import { batchIndexes } from "../../../core/bulk/row-field.ts";
import type { RecordWork } from "../../../core/bulk/record-writer.ts";
import type { LockConflict, LockRefusal, LockStore } from "../../../core/locks/lock-store.ts";
import type { RefusedRecord } from "../../../core/records/record-hooks.ts";
import type { Reference } from "../../../core/records/side-effects.ts";
import { claimsOfReferences } from "../../../core/records/side-effects.ts";
import { problem } from "../../../core/refusals/problems.ts";
import type { NewTaskError } from "../../../core/tasks/task-error.ts";
import { requiredSession } from "../../../core/transactions/required-session.ts";
import type { Transaction } from "../../../core/transactions/transaction.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { ChunkRow } from "../sql/bulk-chunk-steps.ts";
import { batchOf, NEXT_CHUNK_WITH, WRITTEN_CHUNK_IDS } from "../sql/bulk-chunk-steps.ts";

/** Where written records are looked after. */
interface ReferenceGuard<Work extends RecordWork = RecordWork> {
  readonly locks: Pick<LockStore, "guard">;
  readonly transaction: Transaction;
  readonly work: Work;
}

/** Records that refer to what other tasks hold. */
interface HeldReferences {
  readonly records: readonly RefusedRecord[];
  /** What is held, and by whom; undefined where nothing is. */
  readonly refusal: LockRefusal | undefined;
}

/**
 * Enters the models that the records are going to refer to, before any of their rows is locked: so nobody comes to hold
 * a record there before the transaction ends, and the guards to come wait for nobody. Nothing where there are none.
 */
export async function enterReferences({ locks, transaction, work }: ReferenceGuard): Promise<void> {
  // No record has an empty id: what is held is looked at later.
  await locks.guard(transaction, work.references?.models.map((model) => ({ model, ids: [""] })) ?? []);
}

/** The written records that refer now to what another task holds. */
export async function heldReferences(guard: ReferenceGuard, ids: readonly string[]): Promise<HeldReferences> {
  const { work, transaction } = guard;
  const found = ids.length === 0 ? [] : ((await work.references?.of(transaction, ids)) ?? []);
  return guardReferences(guard, found);
}

/** The same for all that a task has written in this transaction; of each held record names one that refers to it. */
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

/** As errors with their places in the caller's list, where there is one; read only now, for they are rare. */
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
  // A guard lists so many conflicts at most, so those that it did not name are guarded again.
  for (let open = found; open.length > 0;) {
    const guard = await locks.guard(transaction, claimsOfReferences(open, lockScopeOf), taskId);
    if (guard.kind === "GRANTED") {
      break;
    }
    refusal ??= guard;
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
  const what =
    conflict.id === null
      ? `${model} ${id}, and task ${conflict.owner} holds all of ${model}`
      : `${model} ${id}, which task ${conflict.owner} holds`;
  const message = `It would refer to ${what}. Try again when that has settled.`;
  return { id: record, problem: problem(message, undefined, "RECORD_LOCKED") };
}
