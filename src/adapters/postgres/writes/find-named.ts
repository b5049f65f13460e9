import { givenIdsOf, keyColumnsOf, newIdsOf } from "../../../core/bulk/named-batch.ts";
import { guardEffects, guardFirst } from "../../../core/bulk/guard-effects.ts";
import { batchIndexes } from "../../../core/bulk/row-field.ts";
import type { Claim } from "../../../core/locks/claim.ts";
import type { LockRefusal } from "../../../core/locks/lock-store.ts";
import { formatRecordKey } from "../../../core/records/record-key.ts";
import type { RecordDefaults } from "../../../core/records/record-defaults.ts";
import type { RecordProblem } from "../../../core/refusals/problems.ts";
import { problem } from "../../../core/refusals/problems.ts";
import type { RecordBatch } from "../../../core/tasks/record-batch.ts";
import { filterBatch } from "../../../core/tasks/record-batch.ts";
import type { NewTaskError } from "../../../core/tasks/task-error.ts";
import { requiredSession } from "../../../core/transactions/transaction.ts";
import { AppError } from "../../../kernel/app-error.ts";
import type { KeyRow } from "../records/record-ids.ts";
import { idOfRow } from "../records/record-ids.ts";
import { IDS_IN_CHUNKS, namedRecordsSql } from "../sql/named-records.ts";
import type { BatchWriting } from "./reach-records.ts";
import { takenError } from "./reach-records.ts";
import { missingError } from "./write-set.ts";

/** Each round finds records that others created or renamed meanwhile. */
const MAX_ROUNDS = 5;

/** A transaction that writes records that are named by a key. */
export interface NamedWriting extends BatchWriting {
  /** Makes the ids of records that are gone since the operation was accepted. */
  readonly defaults: RecordDefaults;
  /** Called with the records of a dry run once they are found, before they are written. */
  readonly beforeFound?: (ids: readonly string[]) => Promise<void>;
}

/** The records of a batch, found by their keys. */
export interface FoundBatch {
  /** Of the records that may be written, with their ids in the place of their names. */
  readonly batch: RecordBatch;
  /** By id: the names of the records. */
  readonly names: ReadonlyMap<string, string>;
  /** The ids of those that are not there: an upsert creates them. */
  readonly absent: ReadonlySet<string>;
  /** Under their names: records that may not be written. */
  readonly errors: readonly NewTaskError[];
  /** For a single write: another task holds the record. */
  readonly refusal?: LockRefusal;
}

/** Ids of records by their names. */
type Ids = ReadonlyMap<string, string>;

/**
 * Finds the records of a batch by their keys, and locks their rows, so that they keep their keys until the transaction
 * ends. A record that is not the one that was claimed, because it was created or got its key since, is guarded first:
 * where another task holds it, it may not be written.
 * @param written ids of records that the batch has written already
 */
export async function findNamed(
  writing: NamedWriting,
  batch: RecordBatch,
  written: ReadonlySet<string>,
): Promise<FoundBatch> {
  const guarded = new Set([...batch.ids, ...newIdsOf(batch).flatMap((id) => id ?? [])]);
  const errors = new Map<string, NewTaskError>();
  let isLocking = false;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const open = filterBatch(batch, (name) => !errors.has(name));
    const found = await lookUp(writing, open, isLocking);
    const given = givenIds(writing, open, found);
    const moved = new Map([...found, ...given].filter(([, id]) => !guarded.has(id)));
    if (moved.size === 0 && (isLocking || found.size === 0)) {
      return toFound(writing, batch, { found, given, errors, written });
    }
    // Rows are locked only once no record has to be guarded: a claim may hold the gate and wait for a row.
    isLocking = moved.size === 0;
    const refusal = await guardMoved(writing, batch, { moved, found }, errors);
    if (refusal !== undefined) {
      return { batch: NOTHING, names: new Map(), absent: new Set(), errors: [], refusal };
    }
    [...moved].filter(([name]) => !errors.has(name)).forEach(([, id]) => guarded.add(id));
  }
  throw new AppError(
    "UNAVAILABLE",
    "Other writes keep changing the keys that this one names. Try again later.",
  );
}

const NOTHING: RecordBatch = { ids: [], fields: [], columns: [] };

async function lookUp(
  { transaction, table }: NamedWriting,
  batch: RecordBatch,
  isLocking: boolean,
): Promise<Ids> {
  const columns = keyColumnsOf(batch);
  const text = namedRecordsSql(
    table,
    columns.map(({ field }) => field),
    isLocking,
  );
  const rows = await requiredSession(transaction).query<KeyRow & { readonly at: number }>(
    text,
    columns.map(({ texts }) => texts),
  );
  return new Map(rows.map((row) => [batch.ids[row.at] ?? "", idOfRow(table.model, row)]));
}

/** The ids, known by now, of records that an upsert has to create. */
function givenIds({ work }: NamedWriting, batch: RecordBatch, found: Ids): Ids {
  if (work.operation !== "UPSERT") {
    return new Map();
  }
  const claimed = newIdsOf(batch);
  const given = givenIdsOf(work.model, batch);
  return new Map(
    batch.ids.flatMap((name, at) => {
      const id = claimed[at] ?? given[at];
      return id === undefined || found.has(name) ? [] : [[name, id] as const];
    }),
  );
}

/**
 * Guards records that were not claimed, if the viewer may see them. Adds the errors of those that may not be written.
 * @param moved ids of these records, by name; those that are not found are to be created
 * @returns the refusal of a single write
 */
async function guardMoved(
  writing: NamedWriting,
  batch: RecordBatch,
  { moved, found }: { readonly moved: Ids; readonly found: Ids },
  errors: Map<string, NewTaskError>,
): Promise<LockRefusal | undefined> {
  const { work } = writing;
  const there = [...moved].filter(([name]) => found.has(name)).map(([, id]) => id);
  const visible = await visibleIds(writing, there);
  const listed = await listedIds(writing, visible);
  const places = new Map(batch.ids.map((name, at) => [name, at]));
  const indexed = batchIndexes(batch);
  for (const [name, id] of moved) {
    if (found.has(name) && !visible.has(id)) {
      const hidden =
        work.operation === "UPSERT"
          ? takenError(writing.table, batch, places.get(name) ?? 0)
          : missingError(name);
      errors.set(name, { ...hidden, ...indexed(name) });
    } else if (listed.has(id)) {
      errors.set(name, failed(name, repeatedProblem(work.model.name, id), indexed));
    }
  }
  const open = new Map([...moved].filter(([name]) => !errors.has(name)));
  const ids = new Set(open.values());
  const held = new Map([...(await guardAll(writing, ids)), ...(await guardEffectsOf(writing, ids))]);
  if (work.taskId === undefined) {
    return held.values().next().value;
  }
  for (const [name, id] of open) {
    const refusal = held.get(id);
    if (refusal !== undefined) {
      errors.set(name, failed(name, heldProblem(refusal), indexed));
    }
  }
  return undefined;
}

/** By id: records that other tasks hold, or whose write would change one. */
type HeldIds = ReadonlyMap<string, LockRefusal>;

/** Guards the records, all at once, and enters the models of their side effects. */
async function guardAll(
  { locks, transaction, work }: NamedWriting,
  ids: ReadonlySet<string>,
): Promise<HeldIds> {
  const { model, taskId, effects, lockScopeOf } = work;
  const held = new Map<string, LockRefusal>();
  const open = new Set(ids);
  // A guard lists a limited number of conflicts, so the records that it did not name are guarded again.
  while (open.size > 0) {
    const own: Claim = { model: model.name, ids: [...open], scope: lockScopeOf?.(model.name) };
    const refusal = await guardFirst(locks, transaction, [own], effects?.models ?? [], taskId);
    if (refusal === undefined) {
      break;
    }
    for (const id of refusal.conflicts.flatMap((conflict) => conflict.id ?? [...open])) {
      held.set(id, aboutOne(refusal, id));
      open.delete(id);
    }
  }
  return held;
}

function aboutOne({ conflicts }: LockRefusal, id: string): LockRefusal {
  const own = conflicts.filter((conflict) => conflict.id === id || conflict.id === null);
  return { kind: "CONFLICT", conflicts: own, totalConflicts: own.length };
}

/** Guards what the writes change besides the records. One by one: each has its own answer, and most have no effects. */
async function guardEffectsOf(
  { locks, transaction, work: { effects, taskId } }: NamedWriting,
  ids: ReadonlySet<string>,
): Promise<HeldIds> {
  const held = new Map<string, LockRefusal>();
  for (const id of effects === undefined ? [] : ids) {
    const refusal = effects && (await guardEffects(locks, transaction, effects, [id], taskId));
    if (refusal !== undefined) {
      held.set(id, refusal);
    }
  }
  return held;
}

async function visibleIds(
  { records, transaction, work }: NamedWriting,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  return work.scope === undefined || ids.length === 0
    ? new Set(ids)
    : new Set(await records.existingIds(transaction, work.model.name, ids, work.scope));
}

/** Those of the records that the task's list names by another name. */
async function listedIds(
  { transaction, work }: NamedWriting,
  ids: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  if (work.taskId === undefined || ids.size === 0) {
    return new Set();
  }
  const rows = await requiredSession(transaction).query<{ id: string }>(IDS_IN_CHUNKS, [
    work.taskId,
    [...ids],
  ]);
  return new Set(rows.map(({ id }) => id));
}

async function toFound(
  writing: NamedWriting,
  batch: RecordBatch,
  known: {
    readonly found: Ids;
    readonly given: Ids;
    readonly errors: ReadonlyMap<string, NewTaskError>;
    readonly written: ReadonlySet<string>;
  },
): Promise<FoundBatch> {
  const { work } = writing;
  const errors = new Map(known.errors);
  const indexed = batchIndexes(batch);
  const ids = new Map([...known.found, ...known.given]);
  if (work.operation === "UPSERT") {
    const unmade = batch.ids.filter((name) => !ids.has(name) && !errors.has(name));
    (await makeIds(writing, unmade)).forEach((id, name) => ids.set(name, id));
  }
  const names = new Map<string, string>();
  for (const name of batch.ids.filter((each) => !errors.has(each))) {
    const id = ids.get(name);
    if (id === undefined) {
      errors.set(name, { ...missingError(name), ...indexed(name) });
    } else if (names.has(id) || known.written.has(id)) {
      errors.set(name, failed(name, repeatedProblem(work.model.name, id), indexed));
    } else {
      names.set(id, name);
    }
  }
  return {
    batch: { ...filterBatch(batch, (name) => !errors.has(name)), ids: [...names.keys()] },
    names,
    absent: new Set([...names].filter(([, name]) => !known.found.has(name)).map(([id]) => id)),
    errors: [...errors.values()],
  };
}

/** New ids for records that were there when the operation was accepted. */
async function makeIds(
  { work: { model }, defaults, table, transaction }: NamedWriting,
  names: readonly string[],
): Promise<Ids> {
  if (names.length === 0) {
    return new Map();
  }
  const isKey = (name: string): boolean => model.key.some((field) => field.name === name);
  const others = [...table.columns.keys()].filter((name) => !isKey(name));
  const made = await defaults.make(model, others, names.length, transaction);
  const idAt = (at: number): string => {
    const key = model.key.map(({ name }) => [name, "value" in made ? made.value.get(name)?.[at] : undefined]);
    return formatRecordKey(model, Object.fromEntries(key));
  };
  return new Map(names.map((name, at) => [name, idAt(at)]));
}

function failed(
  name: string,
  fault: RecordProblem,
  indexed: (name: string) => { index?: number },
): NewTaskError {
  return { ...fault, ...indexed(name), recordId: name, outcome: "FAILED" };
}

function repeatedProblem(model: string, id: string): RecordProblem {
  return problem(
    `It is ${model} ${id}, which the list names already. Give each record once.`,
    undefined,
    "CONSTRAINT_VIOLATED",
  );
}

function heldProblem({ conflicts: [first] }: LockRefusal): RecordProblem {
  const what = first?.id === null ? `all of ${first.model}` : `${first?.model} ${first?.id}`;
  return problem(
    `Task ${first?.owner} holds ${what}. Try again when that has settled.`,
    undefined,
    "RECORD_LOCKED",
  );
}
