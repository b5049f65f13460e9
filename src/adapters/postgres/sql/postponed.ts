import { STRANDED_COLUMNS } from "./stranded.ts";

/** $1 task, $2 attempt, $3 until. Its next attempt is given to the queue afterwards; should that fail, by the sweeper. */
export const POSTPONE = `
  WITH asked AS (
    SELECT FROM powercrud.cancellation WHERE task_id = $1::uuid
  ), postponed AS (
    UPDATE powercrud.task
    SET status = 'PENDING', postponed_until = $3::timestamptz, failures = failures + 1, enqueued_at = NULL,
        slot = NULL
    WHERE id = $1::uuid AND attempt = $2::integer AND status = 'RUNNING' AND NOT EXISTS (SELECT FROM asked)
    RETURNING id
  )
  SELECT EXISTS (SELECT FROM postponed) AS is_postponed, EXISTS (SELECT FROM asked) AS is_cancelled`;

/**
 * $1 task, $2 attempt, $3 now, $4 and $5 the least and the longest delay in ms, $6 the longest wait in ms. The delay is as long
 * as the task has waited already. No row for a delivery that comes before the task is due, unless it is due later than the longest delay allows now: another one
 * is on its way.
 */
export const AWAIT_KIND = `
  UPDATE powercrud.task
  SET status = 'PENDING', enqueued_at = NULL, slot = NULL, unknown_since = coalesce(unknown_since, $3::timestamptz),
      postponed_until = least(
        $3::timestamptz + least(
          greatest($3::timestamptz - coalesce(unknown_since, $3::timestamptz), $4::integer * interval '1 ms'),
          $5::integer * interval '1 ms'
        ),
        coalesce(unknown_since, $3::timestamptz) + $6::float8 * interval '1 ms'
      )
  WHERE id = $1::uuid AND attempt = $2::integer AND status IN ('PENDING', 'RUNNING')
    AND (postponed_until IS NULL OR postponed_until <= $3::timestamptz OR status = 'RUNNING'
      OR postponed_until > $3::timestamptz + $5::integer * interval '1 ms')
  RETURNING unknown_since, postponed_until`;

/** $1 kinds, $2 limit. */
export const FIND_AWAITING_KINDS = `
  SELECT id::text AS id, attempt FROM powercrud.task t
  WHERE unknown_since IS NOT NULL AND kind = ANY ($1::text[]) AND status = 'PENDING'
  ORDER BY id LIMIT $2::integer`;

/** $1 task. */
export const GIVE_SLOTS = `
  SELECT ${STRANDED_COLUMNS} FROM powercrud.task ended
  CROSS JOIN LATERAL powercrud.give_slots(ended.concurrency_key) t
  WHERE ended.id = $1::uuid AND ended.concurrency_key IS NOT NULL`;

/** The keys one after the other, in their order. */
export const GIVE_ALL_SLOTS = `
  SELECT ${STRANDED_COLUMNS} FROM (
    SELECT DISTINCT concurrency_key FROM powercrud.task WHERE slot = 'AWAITED' AND status = 'PENDING' ORDER BY concurrency_key
  ) full_keys
  CROSS JOIN LATERAL powercrud.give_slots(full_keys.concurrency_key) t`;
