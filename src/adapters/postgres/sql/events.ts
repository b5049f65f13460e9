/**
 * $1 task, $2 type, $3 at, $4 progress, $5 message. The caller has locked the task's row, so that the highest sequence
 * cannot change during this statement. A trigger sets the position while the transaction commits.
 */
export const APPEND_EVENT = `
  INSERT INTO powercrud.event (task_id, sequence, type, at, progress, message)
  SELECT $1::uuid, coalesce(max(sequence), 0) + 1, $2::text, $3::timestamptz, $4::jsonb, $5::text
  FROM powercrud.event WHERE task_id = $1::uuid`;

/** $1 position to start after, $2 task ids or null for all, $3 limit. */
export const REPLAY_EVENTS = `
  SELECT position, task_id::text AS task_id, sequence, type, at, progress, message
  FROM powercrud.event
  WHERE position > $1::bigint AND ($2::uuid[] IS NULL OR task_id = ANY ($2::uuid[]))
  ORDER BY position
  LIMIT $3::integer`;

/** The highest position that was ever given, even if its event was deleted with its task. */
export const READ_HEAD = `
  SELECT greatest(
    (SELECT max(position) FROM powercrud.event), (SELECT position FROM powercrud.pruned), 0
  ) AS position`;
