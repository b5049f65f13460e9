import type { RecordBatch } from "../../../core/tasks/record-batch.ts";
import { splitColumn } from "./joined-texts.ts";

/** Why the task is to stop before its next chunk, null if it goes on; read together with its fence. */
export const STOP_REASON = `CASE
  WHEN EXISTS (SELECT FROM powercrud.cancellation k WHERE k.task_id = $1::uuid) THEN 'CANCELLED'
  WHEN EXISTS (SELECT FROM powercrud.pause p WHERE p.task_id = $1::uuid) THEN 'PAUSED' END`;

/** See {@link STOP_REASON}. */
export type StopReason = "CANCELLED" | "PAUSED";

/** $1 task, $2 attempt. Takes the fence; no row if the attempt is not the current one. bulk-next-chunk explains the share lock. */
export const TAKE_FENCE = `
SELECT ${STOP_REASON} AS stop FROM powercrud.task
 WHERE id = $1::uuid AND attempt = $2::int AND status = 'RUNNING' FOR SHARE`;

/** $1 task. Takes the task's next chunk that no other transaction has. */
export const TAKE_FREE_CHUNK = `
SELECT number, ids, coalesce(fields, '{}') AS fields, columns, separator, null_mark FROM powercrud.chunk
 WHERE task_id = $1::uuid AND status = 'PENDING'
 ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED`;

/**
 * $1 task. Takes the task's next chunk. Waits if another transaction has it: that transaction belongs to an attempt that
 * has lost the task, and cannot commit.
 */
export const TAKE_CHUNK = `
SELECT number, ids, coalesce(fields, '{}') AS fields, columns, separator, null_mark FROM powercrud.chunk
 WHERE task_id = $1::uuid AND status = 'PENDING'
 ORDER BY number LIMIT 1 FOR UPDATE`;

/** $1 task, $2 number of the chunk before. The ids of its next chunk, without the records that were not written. */
export const WRITTEN_CHUNK_IDS = `
SELECT c.number, ARRAY(
         SELECT id FROM unnest(c.ids) AS id
          WHERE id NOT IN (SELECT record_id FROM powercrud.task_error WHERE task_id = $1::uuid AND record_id IS NOT NULL)
       ) AS ids
  FROM powercrud.chunk c
 WHERE c.task_id = $1::uuid AND c.number > $2::int ORDER BY c.number LIMIT 1`;

/** $1 task, $2 number of the chunk before, $3 ids. The task's next chunk with one of the ids, and its columns. */
export const NEXT_CHUNK_WITH = `
SELECT number, ids, coalesce(fields, '{}') AS fields, columns, separator, null_mark FROM powercrud.chunk
 WHERE task_id = $1::uuid AND number > $2::int AND fields IS NOT NULL AND ids && $3::text[] ORDER BY number LIMIT 1`;

/** A chunk as it is stored. */
export interface ChunkRow {
  readonly number: number;
  readonly ids: readonly string[];
  readonly fields: readonly string[];
  /** See joined-texts. */
  readonly columns: readonly string[] | null;
  readonly separator: string | null;
  readonly null_mark: string | null;
}

/** The chunk's records with their columns. */
export function batchOf({ ids, fields, columns, separator, null_mark: nullMark }: ChunkRow): RecordBatch {
  const marks = { separator: separator ?? "", nullMark: nullMark ?? "" };
  return { ids, fields, columns: (columns ?? []).map((text) => splitColumn(text, marks)) };
}

/** $1 task. The different field lists of its pending chunks, the first chunk's first. */
export const LIST_PENDING_FIELDS = `
SELECT coalesce(fields, '{}') AS fields FROM powercrud.chunk
 WHERE task_id = $1::uuid AND status = 'PENDING' GROUP BY 1 ORDER BY min(number)`;

/** $1 task. Waits for the transactions that are writing its pending chunks. */
export const AWAIT_CHUNKS = `
SELECT count(*) FROM (
  SELECT FROM powercrud.chunk WHERE task_id = $1::uuid AND status = 'PENDING' ORDER BY number FOR SHARE
) AS waited`;

/** $1 task. */
export const LIST_FIELDS =
  "SELECT DISTINCT unnest(fields) AS field FROM powercrud.chunk WHERE task_id = $1::uuid ORDER BY field";

/**
 * $1 task, $2 chunk, $3-$5 counts, $6-$12 errors, $13 the ids of records that were named by a key. Marks the chunk DONE, and
 * stores its errors in the order given.
 */
export const FINISH_CHUNK = `
WITH errors AS (
  INSERT INTO powercrud.task_error (task_id, record_id, outcome, code, message, field, index, model)
  SELECT $1::uuid, record_id, outcome, code, message, field, index, model
    FROM unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::integer[], $12::text[])
         WITH ORDINALITY AS e (record_id, outcome, code, message, field, index, model, at)
   ORDER BY at
)
UPDATE powercrud.chunk SET status = 'DONE', succeeded = $3::int, failed = $4::int, skipped = $5::int,
       ids = coalesce($13::text[], ids)
 WHERE task_id = $1::uuid AND number = $2::int`;

/** $1 task. The sums over its chunks, and how many are pending. */
export const COUNT_WRITTEN = `
SELECT coalesce(sum(succeeded), 0)::int AS succeeded,
       coalesce(sum(failed), 0)::int AS failed,
       coalesce(sum(skipped), 0)::int AS skipped,
       (count(*) FILTER (WHERE status = 'PENDING'))::int AS pending
  FROM powercrud.chunk WHERE task_id = $1::uuid`;
