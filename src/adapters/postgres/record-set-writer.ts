import type { SqlSession } from "../../kernel/sql-session.ts";
import type { BulkOperation } from "../../core/bulk/bulk-writer.ts";
import type { RecordProblem } from "../../core/records/record-problem.ts";
import type { NewTaskError } from "../../core/tasks/task-error.ts";
import { constraintProblem, failsForEveryRecord } from "./constraint-problem.ts";
import { lockRecordsSql, recordSetSql } from "./sql/bulk-record-set.ts";
import { MISSING_MESSAGE } from "./sql/bulk-next-chunk.ts";
import type { TableShape } from "./table-shape.ts";

/** What became of a set of records. */
export interface RecordSetResult {
  readonly succeeded: number;
  readonly errors: readonly NewTaskError[];
}

/**
 * Writes a set of records inside a transaction, as one statement where it can. Where the database refuses the
 * set, it is halved until the offenders stand alone: k offenders among n records cost about k · log2(n)
 * statements more.
 * @throws what the database said, when it is not about the records' values
 */
export async function writeRecordSet(
  session: SqlSession,
  table: TableShape,
  operation: BulkOperation,
  ids: readonly string[],
): Promise<RecordSetResult> {
  if (ids.length === 0) {
    return { succeeded: 0, errors: [] };
  }
  const { text, values } = recordSetSql(table, operation, ids);
  await session.query("SAVEPOINT record_set");
  try {
    const missing = await session.query<{ id: string }>(text, values);
    await session.query("RELEASE SAVEPOINT record_set");
    return { succeeded: ids.length - missing.length, errors: missing.map(({ id }) => missingError(id)) };
  } catch (error) {
    const problem = constraintProblem(error, table);
    if (problem === undefined) {
      throw error;
    }
    await session.query("ROLLBACK TO SAVEPOINT record_set");
    await session.query("RELEASE SAVEPOINT record_set");
    return failsForEveryRecord(error, table, operation)
      ? failAll(session, table, ids, problem)
      : halve(session, table, operation, ids, problem);
  }
}

/** A record that was not found; missing and out of scope are not told apart. */
export function missingError(recordId: string): NewTaskError {
  return { recordId, outcome: "SKIPPED", code: "RECORD_MISSING", message: MISSING_MESSAGE };
}

async function halve(
  session: SqlSession,
  table: TableShape,
  operation: BulkOperation,
  ids: readonly string[],
  problem: RecordProblem,
): Promise<RecordSetResult> {
  const [only] = ids;
  if (ids.length === 1 && only !== undefined) {
    return { succeeded: 0, errors: [{ ...problem, recordId: only, outcome: "FAILED" }] };
  }
  const middle = Math.ceil(ids.length / 2);
  const left = await writeRecordSet(session, table, operation, ids.slice(0, middle));
  const right = await writeRecordSet(session, table, operation, ids.slice(middle));
  return { succeeded: left.succeeded + right.succeeded, errors: [...left.errors, ...right.errors] };
}

async function failAll(
  session: SqlSession,
  table: TableShape,
  ids: readonly string[],
  problem: RecordProblem,
): Promise<RecordSetResult> {
  const rows = await session.query<{ id: string }>(lockRecordsSql(table), [ids]);
  const present = new Set(rows.map((row) => row.id));
  const errors = ids.map((id): NewTaskError =>
    present.has(id) ? { ...problem, recordId: id, outcome: "FAILED" } : missingError(id),
  );
  return { succeeded: 0, errors };
}
