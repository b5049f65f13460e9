import { STRANDED_COLUMNS } from "./stranded.ts";

/** $1 task, $2 at, $3 id of the viewer. No row unless it is PENDING. */
export const PAUSE_PENDING = `
  WITH paused AS (
    UPDATE powercrud.task SET status = 'PAUSED', slot = NULL WHERE id = $1::uuid AND status = 'PENDING' RETURNING id
  ), noted AS (
    INSERT INTO powercrud.pause (task_id, requested_at, requested_by, paused_at)
    SELECT id, $2::timestamptz, $3::text, $2::timestamptz FROM paused
    ON CONFLICT (task_id) DO UPDATE SET paused_at = EXCLUDED.paused_at
  )
  SELECT id::text AS id FROM paused`;

/**
 * $1 task, $2 at, $3 id of the viewer. Does not wait for a chunk's transaction. No row unless the task runs; asking again
 * keeps the first request.
 */
export const REQUEST_PAUSE = `
  WITH running AS (
    SELECT id FROM powercrud.task WHERE id = $1::uuid AND status = 'RUNNING'
  ), requested AS (
    INSERT INTO powercrud.pause (task_id, requested_at, requested_by)
    SELECT id, $2::timestamptz, $3::text FROM running
    ON CONFLICT (task_id) DO NOTHING
  )
  SELECT id::text AS id FROM running`;

/**
 * $1 task. Requests to cancel and to resume wait for this lock, or this waits for them; the next statement, with its own
 * snapshot, sees what they did.
 */
export const LOCK_PAUSE = `SELECT FROM powercrud.pause WHERE task_id = $1::uuid FOR UPDATE`;

/** $1 task, $2 attempt, $3 at, $4 progress. The attempt is over, whether or not the request still stands. */
export const PAUSE_RUNNING = `
  WITH paused AS (
    UPDATE powercrud.pause SET paused_at = $3::timestamptz
    WHERE task_id = $1::uuid AND paused_at IS NULL
      AND NOT EXISTS (SELECT FROM powercrud.cancellation WHERE task_id = $1::uuid)
      AND EXISTS (SELECT FROM powercrud.task WHERE id = $1::uuid AND attempt = $2::integer AND status = 'RUNNING')
    RETURNING task_id
  ), shown AS (
    UPDATE powercrud.attempt SET progress = $4::jsonb
    WHERE task_id = $1::uuid AND number = $2::integer AND EXISTS (SELECT FROM paused)
  )
  UPDATE powercrud.task
  SET pauses = pauses + 1, status = CASE WHEN EXISTS (SELECT FROM paused) THEN 'PAUSED' ELSE status END,
      slot = CASE WHEN EXISTS (SELECT FROM paused) THEN NULL ELSE slot END
  WHERE id = $1::uuid AND attempt = $2::integer AND status = 'RUNNING'
  RETURNING status = 'PAUSED' AS is_paused,
            EXISTS (SELECT FROM powercrud.cancellation WHERE task_id = $1::uuid) AS is_cancelled`;

/** $1 task. No row where there is no request, or the task is PAUSED already. */
export const WITHDRAW_PAUSE = `
  DELETE FROM powercrud.pause WHERE task_id = $1::uuid AND paused_at IS NULL RETURNING task_id`;

/** $1 task. The sweeper enqueues it if the caller does not. */
export const RESUME_TASK = `
  WITH resumed AS (
    UPDATE powercrud.task SET status = 'PENDING', enqueued_at = NULL WHERE id = $1::uuid AND status = 'PAUSED'
    RETURNING *
  ), gone AS (
    DELETE FROM powercrud.pause WHERE task_id = (SELECT id FROM resumed)
  )
  SELECT ${STRANDED_COLUMNS} FROM resumed t`;
