/**
 * $1 task, $2 attempt, $3 the statuses that the final one may follow. Waits for chunks that are being committed, so
 * that the next statement, with a snapshot of its own, sums them too.
 */
export const LOCK_TO_SETTLE = `
  SELECT id FROM powercrud.task
  WHERE id = $1::uuid AND attempt = $2::integer AND status = ANY ($3::text[]) FOR UPDATE`;

/** $1 task. What its DONE chunks add up to, and how many chunks it has, done or not. */
export const SUM_DONE_CHUNKS = `
  SELECT count(*)::integer AS chunks,
         coalesce(sum(succeeded) FILTER (WHERE status = 'DONE'), 0)::integer AS succeeded,
         coalesce(sum(failed) FILTER (WHERE status = 'DONE'), 0)::integer AS failed,
         coalesce(sum(skipped) FILTER (WHERE status = 'DONE'), 0)::integer AS skipped
  FROM powercrud.chunk WHERE task_id = $1::uuid`;

/** $1 task, $2 status, $3 message, $4 result, $5 finished at, $6-$8 counts, $9 total or null for what it is. */
export const SETTLE_TASK = `
  UPDATE powercrud.task
  SET status = $2::text, blocked_by = NULL, message = $3::text, result = $4::jsonb, finished_at = $5::timestamptz,
      succeeded = $6::integer, failed = $7::integer, skipped = $8::integer, total = coalesce($9::integer, total),
      duplicate_key = NULL,
      idempotency_key = CASE WHEN attempt = 0 AND $2::text = 'FAILED' THEN NULL ELSE idempotency_key END
  WHERE id = $1::uuid`;

/** $1 task, $2 record ids, $3 outcomes, $4 codes, $5 messages, $6 fields, $7 indexes. Positions are in the order given. */
export const INSERT_TASK_ERRORS = `
  INSERT INTO powercrud.task_error (task_id, record_id, outcome, code, message, field, index)
  SELECT $1::uuid, e.record_id, e.outcome, e.code, e.message, e.field, e.index
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[])
    WITH ORDINALITY AS e(record_id, outcome, code, message, field, index, number)
  ORDER BY e.number`;
