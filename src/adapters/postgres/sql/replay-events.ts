/** $1 position to start after, $2 task ids or null for all, $3 limit. */
export const REPLAY_EVENTS = `
  SELECT position, task_id::text AS task_id, sequence, type, at, progress, message
  FROM powercrud.event
  WHERE position > $1::bigint AND ($2::uuid[] IS NULL OR task_id = ANY ($2::uuid[]))
  ORDER BY position
  LIMIT $3::integer`;

/** Also where the latest events were deleted with their tasks. */
export const READ_HEAD = `
  SELECT greatest(
    (SELECT max(position) FROM powercrud.event), (SELECT position FROM powercrud.pruned), 0
  ) AS position`;
