/** The columns of a ScheduleRow; `s` is the schedule, `t` its latest task. */
const COLUMNS = `
  s.name, s.kind, s.input, s.cron, s.time_zone, s.viewer, s.missed, s.on_conflict, s.next_run_at, s.last_run_at,
  s.last_task_id::text AS last_task_id, t.status AS last_task_status, s.last_outcome, s.last_message,
  s.paused_at, s.paused_by`;

/**
 * $1 the schedules as a JSON array, $2 keeper, $3 now, $4 rows that others have kept since then stay as they are, or null;
 * $5 rows that nobody has kept since then go. A row that is due, or whose launch has begun, keeps its due time.
 */
export const KEEP_SCHEDULES = `
  WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1::jsonb) AS g(name text, kind text, input jsonb, cron text, "timeZone" text,
      viewer jsonb, missed text, "onConflict" text, "nextRunAt" timestamptz)
  ), gone AS (
    DELETE FROM powercrud.schedule s
    WHERE s.kept_at < $5::timestamptz AND NOT EXISTS (SELECT FROM given g WHERE g.name = s.name)
  )
  INSERT INTO powercrud.schedule AS s
    (name, kind, input, cron, time_zone, viewer, missed, on_conflict, keeper, kept_at, next_run_at)
  SELECT g.name, g.kind, coalesce(g.input, 'null'), g.cron, g."timeZone", g.viewer, g.missed, g."onConflict",
         $2::text, $3::timestamptz, g."nextRunAt"
  FROM given g ORDER BY g.name
  ON CONFLICT (name) DO UPDATE SET
    kind = EXCLUDED.kind, input = EXCLUDED.input, cron = EXCLUDED.cron, time_zone = EXCLUDED.time_zone,
    viewer = EXCLUDED.viewer, missed = EXCLUDED.missed, on_conflict = EXCLUDED.on_conflict,
    keeper = EXCLUDED.keeper, kept_at = EXCLUDED.kept_at,
    next_run_at = CASE
      WHEN (s.cron, s.time_zone) = (EXCLUDED.cron, EXCLUDED.time_zone)
        OR s.run_through IS NOT NULL OR s.next_run_at <= $3::timestamptz THEN s.next_run_at
      ELSE EXCLUDED.next_run_at
    END
  WHERE s.keeper = $2::text OR $4::timestamptz IS NULL OR s.kept_at < $4::timestamptz`;

/** $1 names. */
export const LIST_SCHEDULES = `
  SELECT ${COLUMNS} FROM powercrud.schedule s LEFT JOIN powercrud.task t ON t.id = s.last_task_id
  WHERE s.name = ANY ($1::text[]) ORDER BY s.name`;

/** $1 name, $2 its due time, $3 through. No row if it has moved on, or is paused. */
export const TAKE_SCHEDULE = `
  UPDATE powercrud.schedule SET run_through = coalesce(run_through, $3::timestamptz)
  WHERE name = $1::text AND next_run_at = $2::timestamptz AND paused_at IS NULL
  RETURNING run_through`;

/** $1 name, $2 its due time, $3 the next one, $4 at, $5 task or null, $6 outcome, $7 message. */
export const MOVE_SCHEDULE_ON = `
  UPDATE powercrud.schedule
  SET next_run_at = $3::timestamptz, run_through = NULL, last_run_at = $4::timestamptz,
      last_task_id = coalesce($5::uuid, last_task_id), last_outcome = $6::text, last_message = $7::text
  WHERE name = $1::text AND next_run_at = $2::timestamptz`;

/** $1 name, $2 at, $3 task or null, $4 outcome, $5 message. */
export const RECORD_SCHEDULE_RUN = `
  UPDATE powercrud.schedule
  SET last_run_at = $2::timestamptz, last_task_id = coalesce($3::uuid, last_task_id), last_outcome = $4::text,
      last_message = $5::text
  WHERE name = $1::text`;

/** The changed row as {@link LIST_SCHEDULES} shows it. */
const SHOWN = `SELECT ${COLUMNS} FROM changed s LEFT JOIN powercrud.task t ON t.id = s.last_task_id`;

/** $1 name, $2 at, $3 the viewer's id or null. The first pause counts. */
export const PAUSE_SCHEDULE = `
  WITH changed AS (
    UPDATE powercrud.schedule
    SET paused_by = CASE WHEN paused_at IS NULL THEN $3::text ELSE paused_by END,
        paused_at = coalesce(paused_at, $2::timestamptz)
    WHERE name = $1::text RETURNING *
  ) ${SHOWN}`;

/** $1 name, $2 its next due time if it was paused. */
export const RESUME_SCHEDULE = `
  WITH changed AS (
    UPDATE powercrud.schedule
    SET next_run_at = CASE WHEN paused_at IS NULL THEN next_run_at ELSE $2::timestamptz END,
        run_through = CASE WHEN paused_at IS NULL THEN run_through END,
        paused_at = NULL, paused_by = NULL
    WHERE name = $1::text RETURNING *
  ) ${SHOWN}`;
