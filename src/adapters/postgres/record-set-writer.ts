import type { SqlSession } from "../../kernel/sql-session.ts";
import { batchIndexes } from "../../core/bulk/batch-index.ts";
import type { BulkOperation } from "../../core/bulk/bulk-writer.ts";
import { writtenValues } from "../../core/bulk/written-values.ts";
import type { RecordProblem } from "../../core/refusals/problems.ts";
import type { RecordBatch } from "../../core/tasks/record-batch.ts";
import { filterBatch, sliceBatch } from "../../core/tasks/record-batch.ts";
import type { NewTaskError } from "../../core/tasks/task-error.ts";
import type { Awaiting } from "./awaits-others.ts";
import { awaitsOthers } from "./awaits-others.ts";
import { constraintProblem, failsForEveryRecord } from "./constraint-problem.ts";
import { MISSING_MESSAGE, STALE_MESSAGE } from "./sql/bulk-next-chunk.ts";
import type { LeftOutRow } from "./sql/bulk-record-set.ts";
import { lockRecordsSql, recordSetSql } from "./sql/bulk-record-set.ts";
import type { TableShape } from "./table-shape.ts";

/** Each round writes what the one before made way for; longer chains than this are left with their errors. */
const MAX_ROUNDS = 10;
/** Each takes a statement on all that are left. */
const MAX_PEELS = 50;

/** What became of a set of records. */
export interface RecordSetResult {
  readonly succeeded: number;
  readonly errors: readonly NewTaskError[];
}

/** Why a set could not be written as a whole. */
export interface SetRefusal {
  readonly problem: RecordProblem;
  /** It would be the same for each record by itself, so there is no use in trying. */
  readonly isForAll: boolean;
  /** It may go through once others of the set are written, or are left out. */
  readonly awaiting?: Awaiting | undefined;
}

/** A way to write a set of records at once. */
export interface SetWriter {
  /** Whether it writes only to records that are there. */
  readonly isOnExisting: boolean;
  /** Those that were left out, with the reason. @throws where the set is refused; nothing of it is written then */
  write(batch: RecordBatch): Promise<readonly NewTaskError[]>;
  /** What was wrong with the set; undefined when the error is not about the records. May throw another error instead. */
  refusalOf(error: unknown, batch: RecordBatch): Promise<SetRefusal | undefined>;
}

/** Writes sets with one statement each. */
export function createStatementSetWriter(
  session: SqlSession,
  table: TableShape,
  operation: BulkOperation,
): SetWriter {
  return {
    isOnExisting: operation.operation !== "CREATE" && operation.operation !== "UPSERT",
    async write(batch) {
      const { text, values } = recordSetSql(table, operation, batch);
      const leftOut = await session.query<LeftOutRow>(text, values);
      return leftOut.map(leftOutError);
    },
    refusalOf(error, batch) {
      const isAlone = batch.ids.length === 1;
      const problem = constraintProblem(error, table, isAlone ? writtenValues(operation, table, batch) : []);
      const isForAll = problem !== undefined && failsForEveryRecord(error, table, operation);
      return Promise.resolve(problem && { problem, isForAll, awaiting: awaitsOthers(error, table, batch) });
    },
  };
}

/** What became of one try at a set. */
interface SetTry extends RecordSetResult {
  /** Those of the offenders that may go through now that others are written. */
  readonly awaiting: readonly string[];
}

const NOTHING: SetTry = { succeeded: 0, errors: [], awaiting: [] };

/**
 * Writes a set of records inside a transaction, at once where it can. Where the set is refused, it is halved until the
 * offenders stand alone: k offenders among n records cost about k · log2(n) statements more. That separates records
 * that refer to each other, so those are tried once more together, without the ones that the database then objects to.
 * @throws what the database said, when it is not about the records' values
 */
export async function writeRecordSet(
  session: SqlSession,
  table: TableShape,
  writer: SetWriter,
  batch: RecordBatch,
): Promise<RecordSetResult> {
  let { succeeded, errors, awaiting } = await trySet(session, table, writer, batch);
  for (let rounds = 0, gained = 1; gained > 0 && awaiting.length > 0 && rounds < MAX_ROUNDS; rounds += 1) {
    const again = new Set(awaiting);
    const isAgain = (id: string | null): boolean => id !== null && again.has(id);
    const next = await peelSet(session, table, writer, filterBatch(batch, isAgain));
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

async function trySet(
  session: SqlSession,
  table: TableShape,
  writer: SetWriter,
  batch: RecordBatch,
): Promise<SetTry> {
  const end = await writeAtOnce(session, writer, batch);
  if (!("problem" in end)) {
    return end;
  }
  return end.isForAll
    ? failAll(session, table, writer, batch, end.problem)
    : halve(session, table, writer, batch, end);
}

/** The set without those to which the database objects, one after the other; halved where it does not say to which. */
async function peelSet(
  session: SqlSession,
  table: TableShape,
  writer: SetWriter,
  batch: RecordBatch,
): Promise<SetTry> {
  const errors: NewTaskError[] = [];
  const indexed = batchIndexes(batch);
  let rest = batch;
  for (let peels = 0; peels < MAX_PEELS; peels += 1) {
    const end = await writeAtOnce(session, writer, rest);
    if (!("problem" in end)) {
      return { ...end, errors: [...errors, ...end.errors] };
    }
    const out = new Set(end.awaiting?.objectedTo);
    if (out.size === 0) {
      break;
    }
    for (const recordId of out) {
      errors.push({ ...end.problem, ...indexed(recordId), recordId, outcome: "FAILED" });
    }
    rest = filterBatch(rest, (id) => !out.has(id));
  }
  const last = await trySet(session, table, writer, rest);
  return { ...last, errors: [...errors, ...last.errors] };
}

/** @returns what became of the set, or why nothing of it was written */
async function writeAtOnce(
  session: SqlSession,
  writer: SetWriter,
  batch: RecordBatch,
): Promise<SetTry | SetRefusal> {
  if (batch.ids.length === 0) {
    return NOTHING;
  }
  await session.query("SAVEPOINT record_set");
  try {
    const errors = await writer.write(batch);
    await session.query("RELEASE SAVEPOINT record_set");
    return { succeeded: batch.ids.length - errors.length, errors, awaiting: [] };
  } catch (error) {
    const refusal = await writer.refusalOf(error, batch);
    if (refusal === undefined) {
      throw error;
    }
    await session.query("ROLLBACK TO SAVEPOINT record_set");
    await session.query("RELEASE SAVEPOINT record_set");
    return refusal;
  }
}

/** A record that was not found; missing and out of scope are not told apart. */
export function missingError(recordId: string): NewTaskError {
  return { recordId, outcome: "SKIPPED", code: "RECORD_MISSING", message: MISSING_MESSAGE };
}

/** A record that is not as the caller expects. */
export function staleError(recordId: string): NewTaskError {
  return { recordId, outcome: "FAILED", code: "STALE_RECORD", message: STALE_MESSAGE };
}

function leftOutError({ id, index, is_stale: isStale }: LeftOutRow): NewTaskError {
  return { ...(isStale ? staleError(id) : missingError(id)), ...(index === null ? {} : { index }) };
}

async function halve(
  session: SqlSession,
  table: TableShape,
  writer: SetWriter,
  batch: RecordBatch,
  { problem, awaiting }: SetRefusal,
): Promise<SetTry> {
  const { ids } = batch;
  const [only] = ids;
  if (ids.length === 1 && only !== undefined) {
    const indexed = batchIndexes(batch)(only);
    const errors: readonly NewTaskError[] = [{ ...problem, ...indexed, recordId: only, outcome: "FAILED" }];
    return { succeeded: 0, errors, awaiting: awaiting === undefined ? [] : ids };
  }
  const middle = Math.ceil(ids.length / 2);
  const left = await trySet(session, table, writer, sliceBatch(batch, 0, middle));
  const right = await trySet(session, table, writer, sliceBatch(batch, middle, ids.length));
  return {
    succeeded: left.succeeded + right.succeeded,
    errors: [...left.errors, ...right.errors],
    awaiting: [...left.awaiting, ...right.awaiting],
  };
}

async function failAll(
  session: SqlSession,
  table: TableShape,
  { isOnExisting }: SetWriter,
  batch: RecordBatch,
  problem: RecordProblem,
): Promise<SetTry> {
  const { ids } = batch;
  const there = isOnExisting ? await session.query<{ id: string }>(lockRecordsSql(table), [ids]) : [];
  const present = isOnExisting ? new Set(there.map(({ id }) => id)) : new Set(ids);
  const indexed = batchIndexes(batch);
  const errors = ids.map((id): NewTaskError => ({
    ...(present.has(id) ? { ...problem, recordId: id, outcome: "FAILED" } : missingError(id)),
    ...indexed(id),
  }));
  return { succeeded: 0, errors, awaiting: [] };
}
