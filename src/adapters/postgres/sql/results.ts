import { windowSql } from "./list-window.ts";

/** $1 task, $2 record ids, $3 outcomes, $4 codes, $5 messages, $6 fields, $7 indexes, $8 models. Positions follow the given order. */
export const INSERT_TASK_ERRORS = `
  INSERT INTO powercrud.task_error (task_id, record_id, outcome, code, message, field, index, model)
  SELECT $1::uuid, e.record_id, e.outcome, e.code, e.message, e.field, e.index, e.model
  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[], $8::text[])
    WITH ORDINALITY AS e(record_id, outcome, code, message, field, index, model, number)
  ORDER BY e.number`;

const ERROR_COLUMNS = "position, record_id, outcome, code, message, field, index, model";

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
