/**
 * $1 tasks, $2 at. A task that runs already needs no note: one that is just being begun is not waited for either, for
 * the launch would wait with it until its first chunk is written.
 */
export const MARK_ENQUEUED = `
  UPDATE powercrud.task t SET enqueued_at = $2::timestamptz
  FROM (
    SELECT id FROM powercrud.task WHERE id = ANY ($1::uuid[]) AND status = 'PENDING' FOR UPDATE SKIP LOCKED
  ) pending
  WHERE t.id = pending.id`;

/** $1 task. */
export const MARK_CLEANED = `
  UPDATE powercrud.task SET cleaned_at = now()
  WHERE id = $1::uuid AND finished_at IS NOT NULL AND cleaned_at IS NULL
  RETURNING id`;

/** $1 task. The position of its latest error. */
export const LAST_ERROR_POSITION =
  "SELECT coalesce(max(position), 0) AS position FROM powercrud.task_error WHERE task_id = $1::uuid";

/** $1 task, $2 position. How many errors it has after that. */
export const COUNT_ERRORS_AFTER = `
  SELECT count(*)::integer AS count FROM powercrud.task_error
  WHERE task_id = $1::uuid AND position > $2::bigint`;

/** $1 task, $2 claims. */
export const SET_DEPENDENTS = `
  UPDATE powercrud.task SET claims = $2::jsonb || coalesce(
    (SELECT jsonb_agg(own.claim) FROM jsonb_array_elements(claims) AS own(claim) WHERE NOT own.claim ? 'isDependent'),
    '[]'
  )
  WHERE id = $1::uuid`;

/** $1 task. Number 0 is what the launch left out. */
export const READ_CHUNK_IDS =
  "SELECT ids FROM powercrud.chunk WHERE task_id = $1::uuid AND number > 0 ORDER BY number";

/** $1 task, $2 the task that is in its way. */
export const START_WAITING = `
  UPDATE powercrud.task SET status = 'WAITING', blocked_by = $2::uuid
  WHERE id = $1::uuid AND status IN ('PENDING', 'WAITING')
  RETURNING id`;

/** $1 task. */
export const LOCK_WAITING = `
  SELECT id FROM powercrud.task WHERE id = $1::uuid AND status = 'WAITING' FOR UPDATE`;

/** $1 task. */
export const END_WAITING = `
  UPDATE powercrud.task SET status = 'PENDING', blocked_by = NULL WHERE id = $1::uuid AND status = 'WAITING'
  RETURNING id`;

/** Of the task t. */
const HAS_DEPENDENTS = `t.claims @> '[{"isDependent": true}]' AS "hasDependents"`;

/** $1 the task that was in the way, $2 limit. Ids sort by time. */
export const FIND_WAITING_FOR = `
  SELECT t.id::text AS id, t.attempt, ${HAS_DEPENDENTS} FROM powercrud.task t
  WHERE t.status = 'WAITING' AND t.blocked_by = $1::uuid ORDER BY t.id LIMIT $2::integer`;

/** $1 limit. */
export const FIND_WAITING_FOR_NOBODY = `
  SELECT t.id::text AS id, t.attempt, ${HAS_DEPENDENTS} FROM powercrud.task t
  LEFT JOIN powercrud.task b ON b.id = t.blocked_by
  WHERE t.status = 'WAITING' AND (b.id IS NULL OR b.finished_at IS NOT NULL)
  ORDER BY t.id LIMIT $1::integer`;

/** $1 chore, $2 now, $3 the moment before which the last turn must have been. */
export const TAKE_TURN = `
  INSERT INTO powercrud.turn (name, taken_at) VALUES ($1::text, $2::timestamptz)
  ON CONFLICT (name) DO UPDATE SET taken_at = EXCLUDED.taken_at WHERE turn.taken_at <= $3::timestamptz
  RETURNING name`;

/** $1 created before, $2 limit. */
export const FIND_UNENQUEUED = `
  SELECT id::text AS id, attempt FROM powercrud.task
  WHERE status = 'PENDING' AND enqueued_at IS NULL AND created_at < $1::timestamptz
  ORDER BY created_at, id LIMIT $2::integer`;

/** $1 enqueued before, $2 limit. */
export const FIND_UNBEGUN = `
  SELECT id::text AS id, attempt FROM powercrud.task
  WHERE status = 'PENDING' AND enqueued_at < $1::timestamptz
  ORDER BY enqueued_at, id LIMIT $2::integer`;

/** $1 silent since, $2 limit. */
export const FIND_ORPHANS = `
  SELECT t.id::text AS id, t.attempt FROM powercrud.task t
  JOIN powercrud.attempt a ON a.task_id = t.id AND a.number = t.attempt
  WHERE t.status = 'RUNNING' AND a.heartbeat_at < $1::timestamptz
  ORDER BY a.heartbeat_at, t.id LIMIT $2::integer`;

/** $1 finished before, $2 limit. */
export const FIND_UNCLEANED = `
  SELECT id::text AS id, attempt FROM powercrud.task
  WHERE cleaned_at IS NULL AND finished_at < $1::timestamptz
  ORDER BY finished_at, id LIMIT $2::integer`;
