/**
 * $1-$11 the task's columns as named, $12 the chunks' joined ids, $13 their separator, $14 claims, $15 how many records
 * are skipped from the start; $16 the chunks' fields, each a JSON array, or null where no chunk has any, $17 their joined
 * columns, with $18 divider, $19 separator and $20 mark for null: see joined-columns; $21 whether it is a dry run, $22 the
 * task that it retries or null, $23 its duplicate key or null. No row when the viewer used the idempotency key before, or
 * the duplicate key is taken; where another transaction is about to take one, or to free it, this waits for its end.
 */
export const INSERT_TASK = `
  WITH task AS (
    INSERT INTO powercrud.task
      (id, kind, model, label, error_policy, viewer, created_by, input, input_hash, idempotency_key, created_at, total,
       claims, skipped, is_dry_run, retry_of, duplicate_key)
    VALUES ($1::uuid, $2::text, $3::text, $4::text, $5::text, $6::jsonb, $6::jsonb ->> 'id', $7::jsonb, $8::text,
      $9::text, $10::timestamptz, $11::integer, $14::jsonb, $15::integer,
      $21::boolean, $22::uuid, $23::text)
    ON CONFLICT DO NOTHING
    RETURNING id
  ), chunks AS (
    INSERT INTO powercrud.chunk (task_id, number, ids, fields, columns, separator, null_mark)
    SELECT task.id, c.number, powercrud.split_ids(c.ids, $13::text),
           CASE WHEN c.fields IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(c.fields)) END,
           CASE WHEN c.columns <> '' THEN trim_array(string_to_array(c.columns, $18::text), 1) END,
           CASE WHEN c.fields IS NOT NULL THEN $19::text END, CASE WHEN c.fields IS NOT NULL THEN $20::text END
    FROM task, unnest($12::text[], $16::jsonb[], $17::text[]) WITH ORDINALITY AS c(ids, fields, columns, number)
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

/** $1 creator or null, $2 duplicate key. Only unsettled tasks have one. */
export const FIND_DUPLICATE = `
  SELECT id::text AS id, input_hash FROM powercrud.task
  WHERE coalesce(created_by, '') = coalesce($1::text, '') AND duplicate_key = $2::text`;

/** $1 creator or null, $2 duplicate key. */
export const LOCK_DUPLICATE = `
  SELECT pg_advisory_xact_lock(
    hashtextextended('powercrud.duplicate:' || coalesce($1::text, '') || ':' || $2::text, 0)
  )`;
