import type { SqlSession } from "../../../kernel/sql-session.ts";
import { setSavepoint } from "../../../kernel/savepoint.ts";
import type { BulkOperation, RecordWork } from "../../../core/bulk/record-writer.ts";
import { batchIndexes } from "../../../core/bulk/row-field.ts";
import { writtenValues } from "../../../core/bulk/written-values.ts";
import type { RecordProblem } from "../../../core/refusals/problems.ts";
import type { AppHooks, RefusedRecord } from "../../../core/records/record-hooks.ts";
import type { HookRecord, WriteOperation } from "../../../core/records/write-hooks.ts";
import type { RecordBatch } from "../../../core/tasks/record-batch.ts";
import { filterBatch, sliceBatch } from "../../../core/tasks/record-batch.ts";
import type { NewTaskError } from "../../../core/tasks/task-error.ts";
import type { Transaction } from "../../../core/transactions/transaction.ts";
import type { Awaiting } from "./awaits-others.ts";
import { awaitsOthers } from "./awaits-others.ts";
import { failsForEveryRecord, pgProblem } from "./pg-problem.ts";
import { MISSING_MESSAGE, STALE_MESSAGE } from "../sql/bulk-next-chunk.ts";
import type { LeftOutRow } from "../sql/bulk-record-set.ts";
import { lockRecordsSql, recordSetSql } from "../sql/bulk-record-set.ts";
import type { TableShape } from "../records/table-shape.ts";

/** Each round may make records of the next round writable. Records of longer chains keep their errors. */
const MAX_ROUNDS = 10;
/** Each is one statement on all remaining records. */
const MAX_PEELS = 50;

/** The result of writing a set of records. */
export interface WrittenSet {
  readonly succeeded: number;
  readonly errors: readonly NewTaskError[];
}

/** Why a set could not be written as a whole. */
export interface SetRefusal {
  readonly problem: RecordProblem;
  /** Every record would fail the same way, so they are not tried one by one. */
  readonly isForAll: boolean;
  /** Set when the refusal may pass once other records of the set are written, or are left out. */
  readonly awaiting?: Awaiting | undefined;
}

/** A way to write a set of records at once. */
export interface SetWay {
  /** Whether it writes only to existing records. */
  readonly isOnExisting: boolean;
  /** @returns an error for each record that it skipped. @throws when the set is refused; then nothing is written */
  write(batch: RecordBatch): Promise<readonly NewTaskError[]>;
  /** Why the set was refused; undefined when the error is not about the records. May throw another error instead. */
  refusalOf(error: unknown, batch: RecordBatch): SetRefusal | undefined;
}

/** A way to write sets, with the table and the session to use. */
export interface SetWriting {
  readonly session: SqlSession;
  readonly table: TableShape;
  readonly way: SetWay;
  /** True for a single write: a refusal rolls the whole transaction back, so no savepoint is needed. */
  readonly isSingle?: boolean;
}

/** Writes sets with one statement each. */
export function statementWay(session: SqlSession, table: TableShape, operation: BulkOperation): SetWay {
  const { model } = table;
  return {
    isOnExisting: isOnExisting(operation),
    async write(batch) {
      const { text, values } = recordSetSql(table, operation, batch);
      const leftOut = await session.query<LeftOutRow>(text, values);
      return leftOut.map(leftOutError);
    },
    refusalOf(error, batch) {
      const isAlone = batch.ids.length === 1;
      const problem = pgProblem(error, model, isAlone ? writtenValues(operation, table, batch) : []);
      const isForAll = problem !== undefined && failsForEveryRecord(error, model, operation);
      return problem && { problem, isForAll, awaiting: awaitsOthers(error, table, batch) };
    },
  };
}

/** Writes sets with the app's `persist` hooks. */
export function appWay(
  transaction: Transaction,
  work: RecordWork,
  hooks: AppHooks,
  records: ReadonlyMap<WriteOperation, readonly HookRecord[]>,
): SetWay {
  return {
    isOnExisting: isOnExisting(work),
    async write(batch) {
      const wanted = new Set(batch.ids);
      const refused: RefusedRecord[] = [];
      for (const [operation, each] of records) {
        const chunk = { operation, records: each.filter(({ id }) => wanted.has(id)) };
        refused.push(...(chunk.records.length === 0 ? [] : await hooks.persist(transaction, chunk)));
      }
      return failedErrors(batch, refused);
    },
    refusalOf: (error) => hooks.refusalOf(error),
  };
}

/** Records that the app refused, as errors with their places in the caller's list. */
export function failedErrors(batch: RecordBatch, refused: readonly RefusedRecord[]): readonly NewTaskError[] {
  const indexed = batchIndexes(batch);
  return refused.map(({ id, problem }) => ({ ...problem, ...indexed(id), recordId: id, outcome: "FAILED" }));
}

function isOnExisting({ operation }: BulkOperation): boolean {
  return operation !== "CREATE" && operation !== "UPSERT";
}

/** The result of one try at a set. */
interface SetTry extends WrittenSet {
  /** The refused records that may pass now that others are written. */
  readonly awaiting: readonly string[];
}

const NOTHING: SetTry = { succeeded: 0, errors: [], awaiting: [] };

/**
 * Writes a set of records inside a transaction, with one statement if possible. A refused set is halved until each
 * offender is alone: k offenders among n records cost about k · log2(n) more statements. Halving separates records that
 * refer to each other, so these are then tried together again, without the records that the database names.
 * @throws the database's error, when it is not about the records' values
 */
export async function writeSet(set: SetWriting, batch: RecordBatch): Promise<WrittenSet> {
  const first = await trySet(set, batch);
  return batch.ids.length > 1 && first.awaiting.length > 0 ? tryAwaiting(set, batch, first) : first;
}

async function tryAwaiting(set: SetWriting, batch: RecordBatch, first: SetTry): Promise<WrittenSet> {
  let { succeeded, errors, awaiting } = first;
  for (let rounds = 0, gained = 1; gained > 0 && awaiting.length > 0 && rounds < MAX_ROUNDS; rounds += 1) {
    const again = new Set(awaiting);
    const isAgain = (id: string | null): boolean => id !== null && again.has(id);
    const next = await peelSet(set, filterBatch(batch, isAgain));
    gained = next.succeeded;
    succeeded += gained;
    errors = inOrder(batch, [...errors.filter(({ recordId }) => !isAgain(recordId)), ...next.errors]);
    awaiting = next.awaiting;
  }
  return { succeeded, errors };
}

function inOrder({ ids }: RecordBatch, errors: readonly NewTaskError[]): readonly NewTaskError[] {
  const places = new Map(ids.map((id, at) => [id, at]));
  const placeOf = ({ recordId }: NewTaskError): number => places.get(recordId ?? "") ?? -1;
  return errors.toSorted((a, b) => placeOf(a) - placeOf(b));
}

async function trySet(set: SetWriting, batch: RecordBatch): Promise<SetTry> {
  const end = await writeAtOnce(set, batch);
  if (!("problem" in end)) {
    return end;
  }
  const isAlone = batch.ids.length === 1;
  if (isAlone && set.isSingle === true) {
    return failOne(batch, end);
  }
  return end.isForAll ? failAll(set, batch, end.problem) : isAlone ? failOne(batch, end) : halve(set, batch);
}

/** Leaves out the records that the database names, one error after the other; halves the set when it names none. */
async function peelSet(set: SetWriting, batch: RecordBatch): Promise<SetTry> {
  const errors: NewTaskError[] = [];
  const indexed = batchIndexes(batch);
  let rest = batch;
  for (let peels = 0; peels < MAX_PEELS; peels += 1) {
    const end = await writeAtOnce(set, rest);
    if (!("problem" in end)) {
      return { ...end, errors: [...errors, ...end.errors] };
    }
    const out = new Set(end.awaiting?.refusedIds);
    if (out.size === 0) {
      break;
    }
    for (const recordId of out) {
      errors.push({ ...end.problem, ...indexed(recordId), recordId, outcome: "FAILED" });
    }
    rest = filterBatch(rest, (id) => !out.has(id));
  }
  const last = await trySet(set, rest);
  return { ...last, errors: [...errors, ...last.errors] };
}

/** @returns the result, or why nothing was written */
async function writeAtOnce(set: SetWriting, batch: RecordBatch): Promise<SetTry | SetRefusal> {
  if (batch.ids.length === 0) {
    return NOTHING;
  }
  const { session, way } = set;
  const savepoint = set.isSingle === true ? undefined : await setSavepoint(session, "record_set");
  try {
    const errors = await way.write(batch);
    await savepoint?.keep();
    return { succeeded: batch.ids.length - errors.length, errors, awaiting: [] };
  } catch (error) {
    const refusal = way.refusalOf(error, batch);
    if (refusal === undefined) {
      throw error;
    }
    await savepoint?.takeBack();
    return refusal;
  }
}

/** A record that was not found; callers do not learn whether it is missing or out of scope. */
export function missingError(recordId: string): NewTaskError {
  return { recordId, outcome: "SKIPPED", code: "RECORD_MISSING", message: MISSING_MESSAGE };
}

/** A record that changed since the caller read it. */
export function staleError(recordId: string): NewTaskError {
  return { recordId, outcome: "FAILED", code: "STALE_RECORD", message: STALE_MESSAGE };
}

/** A record that a statement did not change. */
function leftOutError({ id, index, is_stale: isStale }: LeftOutRow): NewTaskError {
  return { ...(isStale ? staleError(id) : missingError(id)), ...(index === null ? {} : { index }) };
}

function failOne(batch: RecordBatch, { problem, awaiting }: SetRefusal): SetTry {
  const { ids } = batch;
  const errors = failedErrors(
    batch,
    ids.map((id) => ({ id, problem })),
  );
  return { succeeded: 0, errors, awaiting: awaiting === undefined ? [] : ids };
}

async function halve(set: SetWriting, batch: RecordBatch): Promise<SetTry> {
  const { length } = batch.ids;
  const middle = Math.ceil(length / 2);
  const left = await trySet(set, sliceBatch(batch, 0, middle));
  const right = await trySet(set, sliceBatch(batch, middle, length));
  return {
    succeeded: left.succeeded + right.succeeded,
    errors: [...left.errors, ...right.errors],
    awaiting: [...left.awaiting, ...right.awaiting],
  };
}

async function failAll(
  { session, table, way }: SetWriting,
  batch: RecordBatch,
  problem: RecordProblem,
): Promise<SetTry> {
  const { ids } = batch;
  const there = way.isOnExisting ? await session.query<{ id: string }>(lockRecordsSql(table), [ids]) : [];
  const present = way.isOnExisting ? new Set(there.map(({ id }) => id)) : new Set(ids);
  const indexed = batchIndexes(batch);
  const errors = ids.map((id): NewTaskError => ({
    ...(present.has(id) ? { ...problem, recordId: id, outcome: "FAILED" } : missingError(id)),
    ...indexed(id),
  }));
  return { succeeded: 0, errors, awaiting: [] };
}
