/**
 * $1 task, $2 attempt, $3 row filter, $4 fields; of the records $5 ids, $6 places, $7 values before and $8 after, $9 errors.
 * Writes nothing unless the attempt is the current one.
 */
export const WRITE_PREVIEW = `
WITH task AS (
  SELECT id FROM powercrud.task WHERE id = $1::uuid AND attempt = $2::integer AND status = 'RUNNING' FOR SHARE
), preview AS (
  INSERT INTO powercrud.preview (task_id, read_filter, fields) SELECT id, $3::text, $4::jsonb FROM task
  ON CONFLICT (task_id) DO UPDATE SET read_filter = excluded.read_filter, fields = excluded.fields
  RETURNING task_id
), outdated AS (
  DELETE FROM powercrud.preview_record r USING preview
   WHERE r.task_id = preview.task_id AND r.number > cardinality($5::text[])
)
INSERT INTO powercrud.preview_record (task_id, number, record_id, place, before, after, error)
SELECT preview.task_id, number, record_id, place, before, after, error
  FROM preview, unnest($5::text[], $6::bigint[], $7::jsonb[], $8::jsonb[], $9::jsonb[])
       WITH ORDINALITY AS r (record_id, place, before, after, error, number)
ON CONFLICT (task_id, number) DO UPDATE
   SET record_id = excluded.record_id, place = excluded.place, before = excluded.before, after = excluded.after,
       error = excluded.error`;

/** $1 tasks, $2 the most records of each. */
export const READ_PREVIEWS = `
SELECT p.task_id::text AS task_id, p.read_filter, p.fields, r.records
  FROM powercrud.preview p CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_object('recordId', record_id, 'before', before, 'after', after, 'error', error)
                    ORDER BY place, number), '[]') AS records
      FROM (SELECT * FROM powercrud.preview_record WHERE task_id = p.task_id ORDER BY number LIMIT $2::integer) AS sample
  ) r
 WHERE p.task_id = ANY ($1::uuid[])`;
