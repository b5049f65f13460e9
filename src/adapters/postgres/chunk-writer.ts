import type { SqlSession } from "../../kernel/sql-session.ts";
import type { BulkWork, ChunkResult } from "../../core/bulk/bulk-writer.ts";
import type { RecordBatch } from "../../core/tasks/record-batch.ts";
import { splitColumn } from "./joined-columns.ts";
import type { RecordSetResult } from "./record-set-writer.ts";
import type { ChunkRow } from "./sql/bulk-chunk-steps.ts";
import { FINISH_CHUNK, LIST_PENDING_FIELDS } from "./sql/bulk-chunk-steps.ts";
import type { NextChunkRow } from "./sql/bulk-next-chunk.ts";
import { nextChunkSql } from "./sql/bulk-next-chunk.ts";
import { taskErrorColumns } from "./tasks/task-errors.ts";
import type { TableShape } from "./table-shape.ts";

/**
 * The fast way: one statement, no exceptions. Chunks whose records have other fields take another statement.
 * @param isWhole see {@link nextChunkSql}
 */
export async function writeAsOne(
  session: SqlSession,
  table: TableShape,
  work: BulkWork,
  isWhole: boolean,
): Promise<ChunkResult> {
  for (const fields of await pendingFields(session, work)) {
    const { text, values } = nextChunkSql(table, work, fields, isWhole);
    const [row] = await session.query<NextChunkRow>(text, values);
    if (row === undefined || !row.is_current) {
      return { kind: "FENCED" };
    }
    if (row.is_cancelled) {
      return { kind: "CANCELLED" };
    }
    if (row.number !== null) {
      const { succeeded, failed, skipped } = row;
      return { kind: "WRITTEN", counts: { succeeded, failed, skipped } };
    }
  }
  return { kind: "EXHAUSTED" };
}

async function pendingFields(session: SqlSession, work: BulkWork): Promise<readonly (readonly string[])[]> {
  if (work.operation === "UPDATE" || work.operation === "DELETE") {
    return [[]];
  }
  const rows = await session.query<{ fields: readonly string[] }>(LIST_PENDING_FIELDS, [work.taskId]);
  // Also when nothing is pending: the fence and the cancellation are to be looked at.
  return rows.length === 0 ? [[]] : rows.map(({ fields }) => fields);
}

/** The chunk's records with what stands beside them. */
export function batchOf({ ids, fields, columns, separator, null_mark: nullMark }: ChunkRow): RecordBatch {
  const marks = { separator: separator ?? "", nullMark: nullMark ?? "" };
  return { ids, fields, columns: (columns ?? []).map((text) => splitColumn(text, marks)) };
}

/** Marks the chunk DONE, with what became of its records. */
export async function finishChunk(
  session: SqlSession,
  taskId: string,
  number: number,
  { succeeded, errors }: RecordSetResult,
): Promise<Extract<ChunkResult, { kind: "WRITTEN" }>> {
  const failed = errors.filter((error) => error.outcome === "FAILED").length;
  const counts = { succeeded, failed, skipped: errors.length - failed };
  await session.query(FINISH_CHUNK, [
    taskId,
    number,
    counts.succeeded,
    counts.failed,
    counts.skipped,
    ...taskErrorColumns(errors),
  ]);
  return { kind: "WRITTEN", counts };
}
