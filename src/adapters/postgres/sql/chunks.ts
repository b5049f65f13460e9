/** $1 task. The sums of its DONE chunks, and the number of all its chunks. */
export const SUM_DONE_CHUNKS = `
  SELECT count(*)::integer AS chunks,
         coalesce(sum(succeeded) FILTER (WHERE status = 'DONE'), 0)::integer AS succeeded,
         coalesce(sum(failed) FILTER (WHERE status = 'DONE'), 0)::integer AS failed,
         coalesce(sum(skipped) FILTER (WHERE status = 'DONE'), 0)::integer AS skipped
  FROM powercrud.chunk WHERE task_id = $1::uuid`;

/** $1 task, $2 ids. Stores the records that the launch skipped as chunk 0, which is DONE. */
export const INSERT_SKIPPED_CHUNK = `
  INSERT INTO powercrud.chunk (task_id, number, ids, status, skipped)
  VALUES ($1::uuid, 0, $2::text[], 'DONE', cardinality($2::text[]))`;

/** $1 task. Without chunk 0, which has the records that the launch skipped. */
export const READ_CHUNK_IDS =
  "SELECT ids FROM powercrud.chunk WHERE task_id = $1::uuid AND number > 0 ORDER BY number";

/**
 * $1 task, $2 whether failed records are wanted, $3 whether unprocessed ones are. One row per chunk with such records, in
 * order, without chunk 0.
 */
export const RECORDS_TO_RETRY = `
  WITH failed AS MATERIALIZED (
    SELECT record_id FROM powercrud.task_error
    WHERE task_id = $1::uuid AND outcome = 'FAILED' AND record_id IS NOT NULL
  )
  SELECT wanted.fields, wanted.ids FROM (
    SELECT c.number, coalesce(c.fields, '{}') AS fields, ARRAY(
             SELECT r.id FROM unnest(c.ids) WITH ORDINALITY AS r(id, at)
             WHERE CASE WHEN r.id IN (SELECT record_id FROM failed) THEN $2::boolean
                        ELSE $3::boolean AND c.status = 'PENDING' END
             ORDER BY r.at
           ) AS ids
    FROM powercrud.chunk c WHERE c.task_id = $1::uuid AND c.number > 0
  ) wanted
  WHERE cardinality(wanted.ids) > 0 ORDER BY wanted.number`;

/**
 * $1 task, $2 whether failed records are wanted, $3 whether unprocessed ones are. The ids that the wanted records will be
 * linked with, each once per field such as `update:tags:add`. The part after a column's last separator has no id.
 */
export const LINKS_TO_RETRY = `
  WITH failed AS MATERIALIZED (
    SELECT record_id FROM powercrud.task_error
    WHERE task_id = $1::uuid AND outcome = 'FAILED' AND record_id IS NOT NULL
  )
  SELECT split_part(f.name, ':', 2) AS field, array_agg(DISTINCT link.id) AS ids
  FROM powercrud.chunk c,
       unnest(c.fields) WITH ORDINALITY AS f(name, at),
       unnest(c.ids, string_to_array(c.columns[f.at], c.separator)) AS r(id, text),
       jsonb_array_elements_text(
         CASE WHEN r.id IS NULL OR r.text = c.null_mark THEN '[]' ELSE r.text END::jsonb
       ) AS link(id)
  WHERE c.task_id = $1::uuid AND c.number > 0 AND f.name ~ '^(create|update):[^:]+:(add|set)$'
    AND CASE WHEN r.id IN (SELECT record_id FROM failed) THEN $2::boolean
             ELSE $3::boolean AND c.status = 'PENDING' END
  GROUP BY f.name ORDER BY f.name`;

/**
 * $1 task, $2 the task that it retries. Copies the values of the new task's records from the chunks of the retried one, as
 * stored there (see joined-texts). All chunks of a task share separator and null mark.
 */
export const COPY_COLUMNS = `
  WITH cell AS MATERIALIZED (
    SELECT u.id, k.at, min(u.text COLLATE "C") || min(s.separator) AS text
    FROM powercrud.chunk s,
         generate_series(1, cardinality(s.fields)) AS k(at),
         unnest(s.ids, string_to_array(s.columns[k.at], s.separator)) AS u(id, text)
    WHERE s.task_id = $2::uuid AND s.fields IS NOT NULL AND u.id IS NOT NULL
      AND u.id IN (SELECT unnest(n.ids) FROM powercrud.chunk n WHERE n.task_id = $1::uuid)
    GROUP BY u.id, k.at
  ), joined AS (
    SELECT n.number, cell.at, string_agg(cell.text, '' ORDER BY r.at) AS text
    FROM powercrud.chunk n, unnest(n.ids) WITH ORDINALITY AS r(id, at) JOIN cell ON cell.id = r.id
    WHERE n.task_id = $1::uuid AND n.fields IS NOT NULL
    GROUP BY n.number, cell.at
  ), gathered AS (
    SELECT number, array_agg(text ORDER BY at) AS columns FROM joined GROUP BY number
  ), marks AS (
    SELECT separator, null_mark FROM powercrud.chunk WHERE task_id = $2::uuid AND fields IS NOT NULL LIMIT 1
  )
  UPDATE powercrud.chunk c
  SET columns = gathered.columns, separator = marks.separator, null_mark = marks.null_mark
  FROM gathered, marks WHERE c.task_id = $1::uuid AND c.number = gathered.number`;
