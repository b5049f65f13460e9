import { windowSql } from "./list-window.ts";
import { MAX_TRIAL_ERRORS } from "../../../core/bulk/chunk-writer.ts";

/** $1 task, $2 record ids, $3 outcomes, $4 codes, $5 messages, $6 fields, $7 indexes. Positions follow the given order. */
export const INSERT_TASK_ERRORS = `
  INSERT INTO powercrud.task_error (task_id, record_id, outcome, code, message, field, index)
  SELECT $1::uuid, e.record_id, e.outcome, e.code, e.message, e.field, e.index
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[])
    WITH ORDINALITY AS e(record_id, outcome, code, message, field, index, number)
  ORDER BY e.number`;

const ERROR_COLUMNS = "position, record_id, outcome, code, message, field, index";

/** $1 task, $2 position to start after, $3 limit. */
export const LIST_TASK_ERRORS = `
  SELECT ${ERROR_COLUMNS} FROM powercrud.task_error
  WHERE task_id = $1::uuid AND position > $2::bigint ORDER BY position LIMIT $3::integer`;

/** $1 tasks, $2-$4 window for each. */
export const listErrorPages = (isBackward?: boolean): string => `
  SELECT t.id::text AS task_id, e.* FROM unnest($1::uuid[]) AS t(id)
  CROSS JOIN LATERAL (
    SELECT ${ERROR_COLUMNS} FROM powercrud.task_error
    WHERE task_id = t.id AND ${windowSql({ column: "position", type: "bigint", from: 2 }, isBackward)}
  ) e
  ORDER BY t.id, e.position`;

/** $1 tasks. */
export const COUNT_TASK_ERRORS = `
  SELECT task_id::text AS task_id, count(*)::integer AS count FROM powercrud.task_error
  WHERE task_id = ANY ($1::uuid[]) GROUP BY task_id`;

/** $1 task. The position of its latest error. */
export const LAST_ERROR_POSITION =
  "SELECT coalesce(max(position), 0) AS position FROM powercrud.task_error WHERE task_id = $1::uuid";

/** $1 task, $2 position. The number of its errors after that. */
export const COUNT_ERRORS_AFTER = `
  SELECT count(*)::integer AS count FROM powercrud.task_error
  WHERE task_id = $1::uuid AND position > $2::bigint`;

/**
 * $1 task, $2 chunk and $3 number of the record to start after, $4 limit. Reads chunk after chunk until it has enough, so a
 * page costs the same anywhere in the list, and for any chunk size. Chunks of a dry run are never DONE. If it tried them all
 * and kept all errors, its other records count as SUCCEEDED.
 */
export const LIST_RECORDS = `
  WITH RECURSIVE trial AS MATERIALIZED (
    SELECT is_dry_run AND finished_at IS NOT NULL AND succeeded + failed + skipped = total
           AND failed + skipped <= ${MAX_TRIAL_ERRORS} AS is_whole
    FROM powercrud.task WHERE id = $1::uuid
  ), part AS (
    (
      SELECT number, skipped, cardinality(ids) - skipped AS sum FROM (
        SELECT number, ids, CASE WHEN number = $2::integer THEN $3::integer ELSE 0 END AS skipped
        FROM powercrud.chunk WHERE task_id = $1::uuid AND number >= $2::integer ORDER BY number LIMIT 1
      ) first
    )
    UNION ALL
    SELECT next.number, 0, part.sum + next.count FROM part
    CROSS JOIN LATERAL (
      SELECT number, cardinality(ids) AS count FROM powercrud.chunk
      WHERE task_id = $1::uuid AND number > part.number ORDER BY number LIMIT 1
    ) next
    WHERE part.sum < $4::integer
  ), record AS MATERIALIZED (
    SELECT c.number AS chunk, (part.skipped + u.at)::integer AS number, u.id, c.status
    FROM part JOIN powercrud.chunk c ON c.task_id = $1::uuid AND c.number = part.number
    CROSS JOIN LATERAL unnest(c.ids[part.skipped + 1 : part.skipped + $4::integer]) WITH ORDINALITY AS u(id, at)
    ORDER BY 1, 2 LIMIT $4::integer
  )
  SELECT r.chunk, r.number, r.id, e.code, e.message,
         coalesce(e.outcome, CASE WHEN r.status = 'DONE' OR (SELECT is_whole FROM trial) THEN 'SUCCEEDED'
                                  ELSE 'UNPROCESSED' END) AS outcome
  FROM record r LEFT JOIN LATERAL (
    SELECT outcome, code, message FROM powercrud.task_error
    WHERE task_id = $1::uuid AND hashtextextended(record_id, 0) = hashtextextended(r.id, 0) AND record_id = r.id
    ORDER BY position LIMIT 1
  ) e ON true
  ORDER BY r.chunk, r.number`;
