import type { SqlSession } from "../../kernel/sql-session.ts";
import { batchIndexes } from "../../core/bulk/batch-index.ts";
import type { BulkWork } from "../../core/bulk/bulk-writer.ts";
import type { LockConflict, LockStore } from "../../core/locks/lock-store.ts";
import type { Reference } from "../../core/records/reference-plan.ts";
import { claimsOfReferences } from "../../core/records/reference-plan.ts";
import type { NewTaskError } from "../../core/tasks/task-error.ts";
import { requiredSession } from "../../core/transactions/required-session.ts";
import type { Transaction } from "../../core/transactions/transaction.ts";
import { batchOf } from "./chunk-writer.ts";
import type { ChunkRow } from "./sql/bulk-chunk-steps.ts";
import { NEXT_CHUNK_WITH, WRITTEN_CHUNK_IDS } from "./sql/bulk-chunk-steps.ts";

/** What guarding takes. */
type Guard = Pick<LockStore, "guard">;

/**
 * Enters the models that the records are going to refer to, before any of their rows is locked: so nobody comes to hold
 * a record there before the transaction ends, and the guards to come wait for nobody. Nothing where there are none.
 */
export async function enterReferences(
  locks: Guard,
  transaction: Transaction,
  { references }: BulkWork,
): Promise<void> {
  // No record has an empty id: what is held is looked at later.
  await locks.guard(transaction, references?.models.map((model) => ({ model, ids: [""] })) ?? []);
}

/** Those of the written records that refer now to what another task holds. */
export async function heldReferences(
  locks: Guard,
  transaction: Transaction,
  { references, taskId }: BulkWork,
  ids: readonly string[],
): Promise<readonly NewTaskError[]> {
  const found = ids.length === 0 ? [] : ((await references?.of(transaction, ids)) ?? []);
  return guardReferences(locks, transaction, taskId, found);
}

/** The same for all that a task has written in this transaction; of each held record names one that refers to it. */
export async function heldReferencesOfAll(
  locks: Guard,
  transaction: Transaction,
  { references, taskId }: BulkWork,
): Promise<readonly NewTaskError[]> {
  if (references === undefined) {
    return [];
  }
  const found = new Map<string, Reference>();
  for await (const ids of writtenIds(requiredSession(transaction), taskId)) {
    for (const reference of await references.of(transaction, ids)) {
      found.set(nameOf(reference), reference);
    }
  }
  const errors = await guardReferences(locks, transaction, taskId, [...found.values()]);
  return withPlaces(requiredSession(transaction), taskId, errors);
}

/** With their places in the caller's list, where there is one; read only now, for most tasks come to no such error. */
async function withPlaces(
  session: SqlSession,
  taskId: string,
  errors: readonly NewTaskError[],
): Promise<readonly NewTaskError[]> {
  const places = new Map<string, { index?: number }>();
  const ids = errors.flatMap(({ recordId }) => recordId ?? []);
  for (let last: number | undefined = 0; last !== undefined && ids.length > 0;) {
    const [chunk]: ChunkRow[] = await session.query<ChunkRow>(NEXT_CHUNK_WITH, [taskId, last, ids]);
    const indexOf = chunk && batchIndexes(batchOf(chunk));
    chunk?.ids.forEach((id) => places.set(id, indexOf?.(id) ?? {}));
    last = chunk?.number;
  }
  return errors.map((error) => ({ ...error, ...places.get(error.recordId ?? "") }));
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
  locks: Guard,
  transaction: Transaction,
  taskId: string,
  found: readonly Reference[],
): Promise<readonly NewTaskError[]> {
  const errors: NewTaskError[] = [];
  // A guard lists so many conflicts at most, so those that it did not name are guarded again.
  for (let open = found; open.length > 0;) {
    const guard = await locks.guard(transaction, claimsOfReferences(open), taskId);
    const conflicts = new Map(
      guard.kind === "GRANTED" ? [] : guard.conflicts.map((one) => [nameOf(one), one]),
    );
    const held = open.flatMap((one) => {
      const conflict = conflicts.get(nameOf(one)) ?? conflicts.get(nameOf({ ...one, id: null }));
      return conflict === undefined ? [] : [{ one, conflict }];
    });
    errors.push(...held.map(({ one, conflict }) => lockedError(one, conflict)));
    const named = new Set(held.map(({ one }) => one));
    open = named.size === 0 ? [] : open.filter((one) => !named.has(one));
  }
  return errors;
}

function nameOf({ model, id }: Pick<LockConflict, "model" | "id">): string {
  return JSON.stringify([model, id]);
}

function lockedError({ record, model, id }: Reference, conflict: LockConflict): NewTaskError {
  const what =
    conflict.id === null
      ? `${model} ${id}, and task ${conflict.owner} holds all of ${model}`
      : `${model} ${id}, which task ${conflict.owner} holds`;
  const message = `It would refer to ${what}. Try again when that has settled.`;
  return { recordId: record, outcome: "FAILED", code: "RECORD_LOCKED", message };
}
