/**
 * $1 task, $2 attempt, $3 the statuses that the final one may follow. Waits for chunks that are being committed, so
 * that the next statement, with a snapshot of its own, sums them too.
 */
export const LOCK_TO_SETTLE = `
  SELECT id FROM powercrud.task
  WHERE id = $1::uuid AND attempt = $2::integer AND status = ANY ($3::text[]) FOR UPDATE`;

/** $1 task, $2 status, $3 message, $4 result, $5 finished at, $6-$8 counts or null for the chunks' sums, $9 total or null. */
export const SETTLE_TASK = `
  UPDATE powercrud.task t
  SET status = $2::text, blocked_by = NULL, message = $3::text, result = $4::jsonb, finished_at = $5::timestamptz,
      succeeded = coalesce($6::integer, c.succeeded, 0), failed = coalesce($7::integer, c.failed, 0),
      skipped = coalesce($8::integer, c.skipped, 0), total = coalesce($9::integer, t.total),
      duplicate_key = NULL,
      idempotency_key = CASE WHEN t.attempt = 0 AND $2::text = 'FAILED' THEN NULL ELSE t.idempotency_key END
  FROM (
    SELECT sum(k.succeeded)::integer AS succeeded, sum(k.failed)::integer AS failed, sum(k.skipped)::integer AS skipped
    FROM powercrud.chunk k WHERE k.task_id = $1::uuid AND k.status = 'DONE'
  ) c
  WHERE t.id = $1::uuid`;

/** $1 task, $2 record ids, $3 outcomes, $4 codes, $5 messages, $6 fields, $7 indexes. Positions are in the order given. */
export const INSERT_TASK_ERRORS = `
  INSERT INTO powercrud.task_error (task_id, record_id, outcome, code, message, field, index)
  SELECT $1::uuid, e.record_id, e.outcome, e.code, e.message, e.field, e.index
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[])
    WITH ORDINALITY AS e(record_id, outcome, code, message, field, index, number)
  ORDER BY e.number`;
