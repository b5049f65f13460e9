/**
 * $1-$11 the task's columns as named, $12 the chunks' joined ids, $13 their separator, $14 claims, $15 how many records
 * are skipped from the start. No row when the viewer used the idempotency key before; where another transaction is
 * about to, this waits for its end.
 */
export const INSERT_TASK = `
  WITH task AS (
    INSERT INTO powercrud.task
      (id, kind, model, label, error_policy, viewer, created_by, input, input_hash, idempotency_key, created_at, total, claims, skipped)
    VALUES ($1::uuid, $2::text, $3::text, $4::text, $5::text, $6::jsonb, $6::jsonb ->> 'id', $7::jsonb, $8::text,
      $9::text, $10::timestamptz, $11::integer, $14::jsonb, $15::integer)
    ON CONFLICT (coalesce(created_by, ''), idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
    RETURNING id
  ), chunks AS (
    INSERT INTO powercrud.chunk (task_id, number, ids)
    SELECT task.id, c.number, powercrud.split_ids(c.ids, $13::text)
    FROM task, unnest($12::text[]) WITH ORDINALITY AS c(ids, number)
  )
  SELECT id::text AS id FROM task`;

/** $1 task, $2 ids. What is skipped from the start is a chunk that was never to be written. */
export const INSERT_SKIPPED_CHUNK = `
  INSERT INTO powercrud.chunk (task_id, number, ids, status, skipped)
  VALUES ($1::uuid, 0, $2::text[], 'DONE', cardinality($2::text[]))`;

/** $1 creator or null, $2 key. */
export const FIND_BY_IDEMPOTENCY_KEY = `
  SELECT id::text AS id, input_hash FROM powercrud.task
  WHERE coalesce(created_by, '') = coalesce($1::text, '') AND idempotency_key = $2::text`;
