import { RUNNING_PROGRESS, TASK_COLUMNS } from "./tasks.ts";

/**
 * $1 task, $2 expected attempt, $3 worker, $4 at, $5 the statuses that RUNNING may follow, $6 the known kinds or null. See
 * functions/slots.sql.
 */
export const BEGIN_ATTEMPT = `
  SELECT ${TASK_COLUMNS}
  FROM powercrud.begin_attempt($1::uuid, $2::integer, $3::text, $4::timestamptz, $5::text[], $6::text[]) t
  ${RUNNING_PROGRESS}`;

/**
 * $1 task, $2 attempt, $3 at, $4 progress or null. Reads the task's row without a lock: a heartbeat never waits for
 * a chunk's fence. No row once the attempt is not the current one.
 */
export const HEARTBEAT = `
  UPDATE powercrud.attempt
  SET heartbeat_at = $3::timestamptz, progress = coalesce($4::jsonb, progress)
  WHERE task_id = $1::uuid AND number = $2::integer
    AND EXISTS (SELECT FROM powercrud.task WHERE id = $1::uuid AND attempt = $2::integer AND status = 'RUNNING')
  RETURNING EXISTS (SELECT FROM powercrud.cancellation WHERE task_id = $1::uuid) AS is_cancel_requested,
            EXISTS (SELECT FROM powercrud.pause WHERE task_id = $1::uuid) AS is_pause_requested`;

/**
 * $1 task, $2 at, $3 id of the viewer. Does not wait for a chunk's transaction. No row unless the task runs; asking again
 * keeps the first request. A task that is being paused is PAUSED before this writes anything, or not at all (see LOCK_PAUSE).
 */
export const REQUEST_CANCEL = `
  WITH pause AS MATERIALIZED (
    SELECT paused_at FROM powercrud.pause WHERE task_id = $1::uuid FOR UPDATE
  ), running AS (
    SELECT id FROM powercrud.task
    WHERE id = $1::uuid AND status = 'RUNNING' AND NOT EXISTS (SELECT FROM pause WHERE paused_at IS NOT NULL)
  ), requested AS (
    INSERT INTO powercrud.cancellation (task_id, requested_at, requested_by)
    SELECT id, $2::timestamptz, $3::text FROM running
    ON CONFLICT (task_id) DO NOTHING
  )
  SELECT id::text AS id FROM running`;

/** $1 task, $2 attempt. */
export const NOTE_HAND_OVER = `
  UPDATE powercrud.task SET hand_overs = hand_overs + 1
  WHERE id = $1::uuid AND attempt = $2::integer AND status = 'RUNNING'`;

/** $1 task, $2 attempt, $3 the task that it waits for. The circle is null if there is none. */
export const START_WAIT = "SELECT powercrud.start_task_wait($1::uuid, $2::integer, $3::uuid) AS circle";

/** $1 task, $2 the task that it waited for. */
export const END_WAIT = "DELETE FROM powercrud.task_wait WHERE task_id = $1::uuid AND blocked_by = $2::uuid";

/** $1 the task that blocks another, $2 now, $3 silent since, $4 kinds. */
export const FIND_PLACELESS = `
  WITH RECURSIVE before AS (
    SELECT $1::uuid AS id
    UNION
    SELECT b.id FROM before CROSS JOIN LATERAL powercrud.blockers_of(before.id) b
  ), candidate AS (
    SELECT id FROM before
    UNION
    SELECT given.id FROM before JOIN powercrud.task t ON t.id = before.id AND t.status = 'PENDING'
    JOIN powercrud.task given ON given.concurrency_key = t.concurrency_key AND given.slot = 'GIVEN'
  )
  SELECT t.id::text AS id, t.attempt FROM candidate JOIN powercrud.task t ON t.id = candidate.id
  WHERE t.kind = ANY ($4::text[]) AND (
    t.status = 'PENDING' AND t.slot IS DISTINCT FROM 'AWAITED'
      AND (t.postponed_until IS NULL OR t.postponed_until <= $2::timestamptz)
    OR t.status = 'RUNNING' AND EXISTS (
      SELECT FROM powercrud.attempt a
      WHERE a.task_id = t.id AND a.number = t.attempt AND a.heartbeat_at < $3::timestamptz
    )
  )
  ORDER BY t.slot NULLS LAST, t.id LIMIT 1`;
