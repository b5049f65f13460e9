import type { SqlSession } from "../../kernel/sql-session.ts";
import { batchIndexes } from "../../core/bulk/batch-index.ts";
import type { BulkOperation } from "../../core/bulk/bulk-writer.ts";
import type { RecordProblem } from "../../core/records/record-problem.ts";
import type { RecordBatch } from "../../core/tasks/record-batch.ts";
import { sliceBatch } from "../../core/tasks/record-batch.ts";
import type { NewTaskError } from "../../core/tasks/task-error.ts";
import { constraintProblem, failsForEveryRecord } from "./constraint-problem.ts";
import { MISSING_MESSAGE, STALE_MESSAGE } from "./sql/bulk-next-chunk.ts";
import type { LeftOutRow } from "./sql/bulk-record-set.ts";
import { lockRecordsSql, recordSetSql } from "./sql/bulk-record-set.ts";
import type { TableShape } from "./table-shape.ts";

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
}

/** A way to write a set of records at once. */
export interface SetWriter {
  /** Whether it writes only to records that are there. */
  readonly isOnExisting: boolean;
  /** Those that were left out, with the reason. @throws where the set is refused; nothing of it is written then */
  write(batch: RecordBatch): Promise<readonly NewTaskError[]>;
  /** What was wrong with the set; undefined when the error is not about the records. May throw another error instead. */
  refusalOf(error: unknown): Promise<SetRefusal | undefined>;
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
    refusalOf(error) {
      const problem = constraintProblem(error, table);
      const isForAll = problem !== undefined && failsForEveryRecord(error, table, operation);
      return Promise.resolve(problem && { problem, isForAll });
    },
  };
}

/**
 * Writes a set of records inside a transaction, at once where it can. Where the set is refused, it is halved until the
 * offenders stand alone: k offenders among n records cost about k · log2(n) statements more.
 * @throws what the database said, when it is not about the records' values
 */
export async function writeRecordSet(
  session: SqlSession,
  table: TableShape,
  writer: SetWriter,
  batch: RecordBatch,
): Promise<RecordSetResult> {
  if (batch.ids.length === 0) {
    return { succeeded: 0, errors: [] };
  }
  await session.query("SAVEPOINT record_set");
  try {
    const errors = await writer.write(batch);
    await session.query("RELEASE SAVEPOINT record_set");
    return { succeeded: batch.ids.length - errors.length, errors };
  } catch (error) {
    const refusal = await writer.refusalOf(error);
    if (refusal === undefined) {
      throw error;
    }
    await session.query("ROLLBACK TO SAVEPOINT record_set");
    await session.query("RELEASE SAVEPOINT record_set");
    return refusal.isForAll
      ? failAll(session, table, writer, batch, refusal.problem)
      : halve(session, table, writer, batch, refusal.problem);
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
  problem: RecordProblem,
): Promise<RecordSetResult> {
  const { ids } = batch;
  const [only] = ids;
  if (ids.length === 1 && only !== undefined) {
    const indexed = batchIndexes(batch)(only);
    return { succeeded: 0, errors: [{ ...problem, ...indexed, recordId: only, outcome: "FAILED" }] };
  }
  const middle = Math.ceil(ids.length / 2);
  const left = await writeRecordSet(session, table, writer, sliceBatch(batch, 0, middle));
  const right = await writeRecordSet(session, table, writer, sliceBatch(batch, middle, ids.length));
  return { succeeded: left.succeeded + right.succeeded, errors: [...left.errors, ...right.errors] };
}

async function failAll(
  session: SqlSession,
  table: TableShape,
  { isOnExisting }: SetWriter,
  batch: RecordBatch,
  problem: RecordProblem,
): Promise<RecordSetResult> {
  const { ids } = batch;
  const there = isOnExisting ? await session.query<{ id: string }>(lockRecordsSql(table), [ids]) : [];
  const present = isOnExisting ? new Set(there.map(({ id }) => id)) : new Set(ids);
  const indexed = batchIndexes(batch);
  const errors = ids.map((id): NewTaskError => ({
    ...(present.has(id) ? { ...problem, recordId: id, outcome: "FAILED" } : missingError(id)),
    ...indexed(id),
  }));
  return { succeeded: 0, errors };
}
