/** The columns of a StrandedTask. */
export const STRANDED_COLUMNS = `
  t.id::text AS id, t.attempt, (extract(epoch FROM t.postponed_until) * 1000)::float8 AS "postponedUntil"`;

/** Whether the queue is to have the PENDING task. $1 a moment: it was due by then. */
const IS_DUE =
  "t.slot IS DISTINCT FROM 'AWAITED' AND (t.postponed_until IS NULL OR t.postponed_until < $1::timestamptz)";

/** $1 created, and due, before; $2 limit. */
export const FIND_UNENQUEUED = `
  SELECT ${STRANDED_COLUMNS} FROM powercrud.task t
  WHERE status = 'PENDING' AND enqueued_at IS NULL AND created_at < $1::timestamptz AND ${IS_DUE}
  ORDER BY created_at, id LIMIT $2::integer`;

/** $1 enqueued, and due, before; $2 limit. */
export const FIND_UNBEGUN = `
  SELECT ${STRANDED_COLUMNS} FROM powercrud.task t
  WHERE status = 'PENDING' AND enqueued_at < $1::timestamptz AND ${IS_DUE}
  ORDER BY enqueued_at, id LIMIT $2::integer`;

/** $1 silent since, $2 limit. */
export const FIND_ORPHANS = `
  SELECT t.id::text AS id, t.attempt FROM powercrud.task t
  JOIN powercrud.attempt a ON a.task_id = t.id AND a.number = t.attempt
  WHERE t.status = 'RUNNING' AND a.heartbeat_at < $1::timestamptz
  ORDER BY a.heartbeat_at, t.id LIMIT $2::integer`;

/** $1 limit. Ids sort by time. */
export const FIND_ABANDONED = `
  SELECT c.id::text AS id, c.attempt FROM powercrud.task c
  JOIN powercrud.task p ON p.id = c.parent_id AND p.status = 'CANCELLED'
  WHERE c.parent_id IS NOT NULL AND c.finished_at IS NULL
    AND NOT EXISTS (SELECT FROM powercrud.cancellation k WHERE k.task_id = c.id)
  ORDER BY c.id LIMIT $1::integer`;

/** $1 finished before, $2 limit. */
export const FIND_UNCLEANED = `
  SELECT id::text AS id, attempt FROM powercrud.task
  WHERE cleaned_at IS NULL AND finished_at < $1::timestamptz
  ORDER BY finished_at, id LIMIT $2::integer`;

/** $1 chore, $2 now, $3 the latest time of the previous turn. No row if another process took its turn after that. */
export const TAKE_TURN = `
  INSERT INTO powercrud.turn (name, taken_at) VALUES ($1::text, $2::timestamptz)
  ON CONFLICT (name) DO UPDATE SET taken_at = EXCLUDED.taken_at WHERE turn.taken_at <= $3::timestamptz
  RETURNING name`;
