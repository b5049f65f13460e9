/** Joins the rows of a file, and the values of its chunks. Code points that stand for no character, so that no text has them. */
export const IMPORT_MARKS = { separator: "\uFDD0", divider: "\uFDD1", nullMark: "\uFDD2" } as const;

/** $1 task, $2 form, $3 name of the file, $4 alive until. The task was created by the same transaction. */
export const OPEN_IMPORT = `
  WITH task AS (UPDATE powercrud.task SET status = 'RECEIVING' WHERE id = $1::uuid)
  INSERT INTO powercrud.import (task_id, form, file_name, alive_until)
  VALUES ($1::uuid, $2::jsonb, $3::text, $4::timestamptz)`;

/** $1 task, $2 receiver, $3 alive until. No row unless the task is RECEIVING and nobody has taken it. */
export const TAKE_IMPORT = `
  WITH fence AS MATERIALIZED (
    SELECT id FROM powercrud.task WHERE id = $1::uuid AND status = 'RECEIVING' FOR SHARE
  )
  UPDATE powercrud.import SET receiver = $2::uuid, alive_until = $3::timestamptz
  WHERE task_id = (SELECT id FROM fence) AND receiver IS NULL
  RETURNING task_id`;

/**
 * $1 task, $2 receiver, $3 alive until, $4 bytes, $5 rows, $6 rejected. The share lock keeps the task from being settled
 * before this commits.
 */
const NOTE_RECEIVED = `
  WITH fence AS MATERIALIZED (
    SELECT id FROM powercrud.task WHERE id = $1::uuid AND status = 'RECEIVING' FOR SHARE
  ), noted AS (
    UPDATE powercrud.import
    SET alive_until = $3::timestamptz, bytes = $4::bigint, rows = $5::integer, rejected = $6::integer
    WHERE task_id = (SELECT id FROM fence) AND receiver = $2::uuid
    RETURNING task_id
  )`;

/** As {@link NOTE_RECEIVED}. */
export const RENEW_IMPORT = `${NOTE_RECEIVED} SELECT task_id FROM noted`;

/** $1 task, $2 receiver, $3 the first line, $4 separator. */
export const NOTE_HEAD = `
  UPDATE powercrud.import SET head = $3::text, separator = $4::text WHERE task_id = $1::uuid AND receiver = $2::uuid`;

/**
 * $1-$6 as in {@link NOTE_RECEIVED}; $7 index of the first row, $8 lines, $9 joined texts; $10 number of the chunks before,
 * $11 their joined ids, $12 what separates these, $13 their fields, each a JSON array, $14 their joined columns with $15
 * divider, $16 separator and $17 null mark (see joined-texts).
 */
export const STAGE_ROWS = `
  ${NOTE_RECEIVED}, kept AS (
    INSERT INTO powercrud.import_rows (task_id, first_row, lines, texts)
    SELECT task_id, $7::integer, $8::integer[], $9::text FROM noted
  ), chunks AS (
    INSERT INTO powercrud.chunk (task_id, number, ids, fields, columns, separator, null_mark)
    SELECT noted.task_id, $10::integer + c.number, powercrud.split_ids(c.ids, $12::text),
           ARRAY(SELECT jsonb_array_elements_text(c.fields)), trim_array(string_to_array(c.columns, $15::text), 1),
           $16::text, $17::text
    FROM noted, unnest($11::text[], $13::jsonb[], $14::text[]) WITH ORDINALITY AS c(ids, fields, columns, number)
  )
  SELECT task_id FROM noted`;

/** $1 task, $2 claims, $3 input, $4 total, $5 rejected, $6 skipped. */
export const BEGIN_IMPORTED = `
  UPDATE powercrud.task
  SET status = 'PENDING', claims = $2::jsonb, input = $3::jsonb, total = $4::integer, failed = $5::integer,
      skipped = $6::integer
  WHERE id = $1::uuid AND status = 'RECEIVING'
  RETURNING id`;

/** $1 task, $2 rows, $3 rejected, $4 bytes, $5 content hash, $6 headers of read-only columns. */
export const NOTE_ALL_RECEIVED = `
  UPDATE powercrud.import
  SET rows = $2::integer, rejected = $3::integer, bytes = $4::bigint, content_hash = $5::text, read_only_columns = $6::text[],
      received_at = now()
  WHERE task_id = $1::uuid`;

/** $1 task, $2 rejected, $3 the ids of records that are left out. Both are done with. */
export const INSERT_LEFT_OUT = `
  INSERT INTO powercrud.chunk (task_id, number, ids, status, failed, skipped)
  VALUES ($1::uuid, 0, $3::text[], 'DONE', $2::integer, cardinality($3::text[]))`;

/**
 * $1 task, $2 ids. Takes the records out of the task's chunks; a chunk without any other goes. Tells
 * the places of their rows in the file.
 */
export const LEAVE_RECORDS_OUT = `
  WITH hit AS MATERIALIZED (
    SELECT number, ids, fields, columns, separator FROM powercrud.chunk
    WHERE task_id = $1::uuid AND number > 0 AND ids && $2::text[]
  ), kept AS (
    SELECT h.number, array_agg(r.at ORDER BY r.at) AS places, array_agg(r.id ORDER BY r.at) AS ids
    FROM hit h, unnest(h.ids) WITH ORDINALITY AS r(id, at)
    WHERE r.id <> ALL ($2::text[]) GROUP BY h.number
  ), gone AS (
    DELETE FROM powercrud.chunk c USING hit h
    WHERE c.task_id = $1::uuid AND c.number = h.number AND h.number NOT IN (SELECT number FROM kept)
  ), changed AS (
    UPDATE powercrud.chunk c
    SET ids = k.ids, columns = ARRAY(
      SELECT (SELECT string_agg(v.text || h.separator, '' ORDER BY v.at)
              FROM unnest(string_to_array(col.text, h.separator)) WITH ORDINALITY AS v(text, at)
              WHERE v.at = ANY (k.places))
      FROM unnest(h.columns) WITH ORDINALITY AS col(text, at) ORDER BY col.at
    )
    FROM hit h JOIN kept k USING (number)
    WHERE c.task_id = $1::uuid AND c.number = h.number
  )
  SELECT r.id, r.place::integer AS index
  FROM hit h, unnest(h.ids, string_to_array(h.columns[array_position(h.fields, ':index')], h.separator)) AS r(id, place)
  WHERE r.id = ANY ($2::text[])`;

/** $1 task. The values to write of a task that does not go on. */
export const DROP_CHUNKS = "DELETE FROM powercrud.chunk WHERE task_id = $1::uuid";
/** $1 task. */
export const DROP_ERRORS = "DELETE FROM powercrud.task_error WHERE task_id = $1::uuid";
/** $1 task. */
export const DROP_ROWS = `
  WITH rows AS (DELETE FROM powercrud.import_rows WHERE task_id = $1::uuid)
  UPDATE powercrud.import SET tidied_at = now() WHERE task_id = $1::uuid`;

const IMPORT_COLUMNS = `
  i.task_id::text AS "taskId", i.form, i.file_name AS "fileName", i.head, i.separator, i.bytes::float8 AS bytes, i.rows,
  i.rejected, i.receiver::text AS receiver, i.content_hash AS "contentHash", i.read_only_columns AS "readOnlyColumns", i.received_at AS "receivedAt"`;

/** $1 tasks. */
export const FIND_IMPORTS = `SELECT ${IMPORT_COLUMNS} FROM powercrud.import i WHERE i.task_id = ANY ($1::uuid[])`;

/** $1 task. */
export const FIND_ORIGIN = `
  WITH RECURSIVE source AS (
    SELECT id, retry_of FROM powercrud.task WHERE id = $1::uuid
    UNION ALL
    SELECT t.id, t.retry_of FROM source JOIN powercrud.task t ON t.id = source.retry_of
  )
  SELECT ${IMPORT_COLUMNS} FROM powercrud.import i JOIN source ON source.id = i.task_id`;

/** $1 task, $2 origin, $3 index after which to go on, $4 limit. Each block of rows is taken apart once. */
export const FAILED_ROWS = `
  WITH failed AS MATERIALIZED (
    SELECT DISTINCT ON (index) index, field, message FROM powercrud.task_error
    WHERE task_id = $1::uuid AND index > $3::integer ORDER BY index, position LIMIT $4::integer
  ), block AS MATERIALIZED (
    SELECT b.first_row, b.lines, string_to_array(b.texts, '${IMPORT_MARKS.separator}') AS texts
    FROM powercrud.import_rows b
    WHERE b.task_id = $2::uuid AND b.first_row <= (SELECT max(index) FROM failed)
      AND b.first_row + cardinality(b.lines) > (SELECT min(index) FROM failed)
  ), row AS (
    SELECT b.first_row + u.at - 1 AS index, u.line, u.text
    FROM block b, unnest(b.lines, b.texts) WITH ORDINALITY AS u(line, text, at)
  )
  SELECT failed.index, row.line, row.text, failed.field, failed.message
  FROM failed JOIN row ON row.index = failed.index ORDER BY failed.index`;

/** $1 now, $2 limit. */
export const FIND_EXPIRED = `
  SELECT i.task_id::text AS id FROM powercrud.import i JOIN powercrud.task t ON t.id = i.task_id
  WHERE i.tidied_at IS NULL AND i.alive_until < $1::timestamptz AND t.status = 'RECEIVING'
  ORDER BY i.alive_until LIMIT $2::integer`;

/**
 * $1 limit. Of a cleaned import that wrote its rows, those that did not fail go; one that did not receive its whole file, and
 * ended, keeps nothing. One that failed or was cancelled later may be retried, so it keeps its rows as long as its task is kept.
 */
export const TIDY_IMPORTS = `
  WITH done AS MATERIALIZED (
    SELECT i.task_id, i.received_at IS NULL AS is_broken, t.status FROM powercrud.import i
    JOIN powercrud.task t ON t.id = i.task_id
    WHERE i.tidied_at IS NULL AND t.cleaned_at IS NOT NULL
    ORDER BY i.alive_until LIMIT $1::integer FOR UPDATE OF i SKIP LOCKED
  ), rows AS (
    DELETE FROM powercrud.import_rows r USING done
    WHERE r.task_id = done.task_id AND (done.is_broken OR done.status IN ('SUCCEEDED', 'PARTIAL') AND NOT EXISTS (
      SELECT FROM powercrud.task_error e
      WHERE e.task_id = r.task_id AND e.index >= r.first_row AND e.index < r.first_row + cardinality(r.lines)
    ))
  ), chunks AS (
    DELETE FROM powercrud.chunk c USING done WHERE c.task_id = done.task_id AND done.is_broken
  ), errors AS (
    DELETE FROM powercrud.task_error e USING done WHERE e.task_id = done.task_id AND done.is_broken
  )
  UPDATE powercrud.import i SET tidied_at = now() FROM done WHERE i.task_id = done.task_id RETURNING i.task_id`;
