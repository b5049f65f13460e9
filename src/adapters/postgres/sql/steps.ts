import { TASK_COLUMNS } from "./tasks.ts";

// The steps are in functions/steps.sql: functions keep the plans of their statements, which take longer to plan than to run.

/** $1 launches as JSON. Ids of the tasks that were written. */
export const LAUNCH_TASKS = "SELECT id::text AS id FROM powercrud.launch_tasks($1::jsonb) AS id";

/** $1 tasks, $2 worker, $3 at, $4 the known kinds or null. The tasks that were begun. Nothing is reported or requested yet. */
export const BEGIN_TASKS = `
  SELECT ${TASK_COLUMNS} FROM powercrud.begin_tasks($1::uuid[], $2::text, $3::timestamptz, $4::text[]) t
  LEFT JOIN powercrud.cancellation k ON false
  LEFT JOIN powercrud.pause p ON false
  LEFT JOIN powercrud.attempt a ON false
  CROSS JOIN LATERAL (SELECT t.succeeded, t.failed, t.skipped) c`;

/** $1 endings as JSON. The tasks that were settled and cleaned. */
export const SETTLE_TASKS = "SELECT id::text AS id, had_locks FROM powercrud.settle_tasks($1::jsonb)";
