import type { BulkWork } from "../../../core/bulk/bulk-writer.ts";
import type { TableShape } from "../table-shape.ts";
import { changeSql } from "./bulk-change.ts";
import { IS_CANCELLED } from "./bulk-chunk-steps.ts";
import { keyColumns, sameKey } from "./bulk-target.ts";

/** Why a record of the chunk was left out. */
export const MISSING_MESSAGE = "The record is not there any more, or out of reach.";

/** The chunk that was written; `number` is null when there was none to write. */
export interface NextChunkRow {
  readonly is_current: boolean;
  readonly is_cancelled: boolean;
  readonly number: number | null;
  readonly succeeded: number;
  readonly skipped: number;
}

/**
 * The next chunk in one statement, and so in one transaction and one round trip: the fence, the choice of the
 * chunk, the change, the missing records, the DONE mark and the counts. Ids never travel to the worker.
 *
 * The fence is a share lock on the task's row: beginning another attempt updates that row, so either that waits for
 * this statement, or this one sees the new attempt number and writes nothing. Chunks of one task do not wait for
 * each other.
 *
 * @param isWhole true inside a transaction that writes all chunks: it takes the fence by itself at its end, and
 *   waits for a chunk that another transaction has instead of leaving it out
 */
export function nextChunkSql(
  table: TableShape,
  work: BulkWork,
  isWhole: boolean,
): { readonly text: string; readonly values: readonly unknown[] } {
  const change = changeSql(table, work, 4);
  const text = `
WITH fence AS MATERIALIZED (
  SELECT id, ${IS_CANCELLED} AS is_cancelled FROM powercrud.task
   WHERE id = $1::uuid AND attempt = $2::int AND status = 'RUNNING' ${isWhole ? "" : "FOR SHARE"}
), chunk AS MATERIALIZED (
  SELECT c.number, c.ids
    FROM powercrud.chunk c
   WHERE c.task_id = (SELECT id FROM fence WHERE NOT is_cancelled) AND c.status = 'PENDING'
   ORDER BY c.number LIMIT 1
     FOR UPDATE ${isWhole ? "" : "SKIP LOCKED"}
), target AS MATERIALIZED (
  SELECT id, ${keyColumns(table)} FROM chunk, unnest(chunk.ids) AS id
), changed AS (
  ${change.text}
), missing AS (
  INSERT INTO powercrud.task_error (task_id, record_id, outcome, code, message)
  SELECT $1::uuid, target.id, 'SKIPPED', 'RECORD_MISSING', $3::text
    FROM target WHERE NOT EXISTS (SELECT FROM changed WHERE ${sameKey(table, "changed", "target")})
  RETURNING 1
), done AS (
  UPDATE powercrud.chunk c
     SET status = 'DONE',
         succeeded = (SELECT count(*) FROM changed),
         skipped = (SELECT count(*) FROM missing)
    FROM chunk
   WHERE c.task_id = $1::uuid AND c.number = chunk.number
  RETURNING c.number, c.succeeded, c.skipped
)
SELECT EXISTS (SELECT FROM fence) AS is_current, EXISTS (SELECT FROM fence WHERE is_cancelled) AS is_cancelled,
       done.number, coalesce(done.succeeded, 0) AS succeeded, coalesce(done.skipped, 0) AS skipped
  FROM (VALUES (1)) AS one LEFT JOIN done ON true`;
  return { text, values: [work.taskId, work.attempt, MISSING_MESSAGE, ...change.values] };
}
