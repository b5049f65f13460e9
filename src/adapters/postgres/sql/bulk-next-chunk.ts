import type { ChunkWork } from "../../../core/bulk/chunk-writer.ts";
import type { TableShape } from "../records/table-shape.ts";
import { changeSql } from "./bulk-change.ts";
import type { StopReason } from "./bulk-chunk-steps.ts";
import { STOP_REASON } from "./bulk-chunk-steps.ts";
import { expectedColumn, indexColumn, rowColumns, targetList } from "./bulk-rows.ts";
import { keyMatches, sameKey } from "./bulk-target.ts";

/** The message for a record of the chunk that was skipped. */
export const MISSING_MESSAGE = "The record is not there any more, or out of reach.";
/** The message for a record of the chunk that changed since the caller read it. */
export const STALE_MESSAGE = "The record has changed since it was read. Read it again.";

/** The result for the chunk that was written; `number` is null if there was no chunk to write. */
export interface NextChunkRow {
  readonly is_current: boolean;
  /** Why nothing was written, if the task is to stop. */
  readonly stop: StopReason | null;
  readonly number: number | null;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Writes the next chunk in one statement, so in one transaction and one round trip: the fence, the choice of the chunk,
 * the change, the missing records, the DONE mark and the counts. Ids never travel to the worker.
 *
 * The fence is a share lock on the task's row. Beginning another attempt updates that row, so either it waits for this
 * statement, or this statement sees the new attempt number and writes nothing. Chunks of one task do not wait for each
 * other.
 *
 * @param fields the columns beside each record's id; only chunks with exactly these are written
 * @param isWhole true inside a transaction that writes all chunks: that takes the fence itself at its end, and waits for a
 *   chunk that another transaction has instead of skipping it
 */
export function nextChunkSql(
  table: TableShape,
  work: ChunkWork,
  fields: readonly string[],
  isWhole: boolean,
): { readonly text: string; readonly values: readonly unknown[] } {
  const own = [work.taskId, work.attempt, MISSING_MESSAGE, STALE_MESSAGE, fields];
  const change = changeSql(table, work, fields, own.length + 1);
  const text = `
WITH fence AS MATERIALIZED (
  SELECT id, ${STOP_REASON} AS stop FROM powercrud.task
   WHERE id = $1::uuid AND attempt = $2::int AND status = 'RUNNING' ${isWhole ? "" : "FOR SHARE"}
), chunk AS MATERIALIZED (
  SELECT c.number, c.ids, c.columns, c.separator, c.null_mark
    FROM powercrud.chunk c
   WHERE c.task_id = (SELECT id FROM fence WHERE stop IS NULL) AND c.status = 'PENDING'
     AND coalesce(c.fields, '{}') = $5::text[]
   ORDER BY c.number LIMIT 1
     FOR UPDATE ${isWhole ? "" : "SKIP LOCKED"}
), target AS MATERIALIZED (
  SELECT ${targetList(table, fields)} FROM (${chunkRowsSql(fields)}) AS listed
), ${change.text}, left_out AS (
  INSERT INTO powercrud.task_error (task_id, record_id, outcome, code, message, index)
  SELECT $1::uuid, o.id, CASE WHEN o.is_stale THEN 'FAILED' ELSE 'SKIPPED' END,
         CASE WHEN o.is_stale THEN 'STALE_RECORD' ELSE 'RECORD_MISSING' END,
         CASE WHEN o.is_stale THEN $4::text ELSE $3::text END, o.index
    FROM (${leftOutSql(table, fields)}) AS o
  RETURNING outcome
), done AS (
  UPDATE powercrud.chunk c
     SET status = 'DONE',
         succeeded = (SELECT count(*) FROM changed),
         failed = (SELECT count(*) FROM left_out WHERE outcome = 'FAILED'),
         skipped = (SELECT count(*) FROM left_out WHERE outcome = 'SKIPPED')
    FROM chunk
   WHERE c.task_id = $1::uuid AND c.number = chunk.number
  RETURNING c.number, c.succeeded, c.failed, c.skipped
)
SELECT EXISTS (SELECT FROM fence) AS is_current, (SELECT stop FROM fence) AS stop,
       done.number, coalesce(done.succeeded, 0) AS succeeded, coalesce(done.failed, 0) AS failed,
       coalesce(done.skipped, 0) AS skipped
  FROM (VALUES (1)) AS one LEFT JOIN done ON true`;
  return { text, values: [...own, ...change.values] };
}

/** Each column ends with the separator, so it yields one part too many; that part has no id. */
function chunkRowsSql(fields: readonly string[]): string {
  const columns = fields.map(
    (_field, at) => `string_to_array(chunk.columns[${at + 1}], chunk.separator, chunk.null_mark)`,
  );
  const lists = ["chunk.ids", ...columns].join(", ");
  return `SELECT u.* FROM chunk, unnest(${lists}) AS u(${rowColumns(fields)}) WHERE u.id IS NOT NULL`;
}

/** The records of `target` that were not changed: missing, or stale if the caller gave an expected `updatedAt`. */
export function leftOutSql(table: TableShape, fields: readonly string[]): string {
  const expected = expectedColumn(fields);
  const index = indexColumn(fields);
  const isStale =
    expected === undefined
      ? "false"
      : `target.${expected} IS NOT NULL AND EXISTS (SELECT FROM ${table.table} t WHERE ${keyMatches(table, "t", "target")})`;
  return `
  SELECT target.id, ${index === undefined ? "NULL::integer" : `target.${index}`} AS index, ${isStale} AS is_stale
    FROM target WHERE NOT EXISTS (SELECT FROM changed WHERE ${sameKey(table, "changed", "target")})`;
}
