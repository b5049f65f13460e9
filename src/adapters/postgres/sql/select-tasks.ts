/** What task-row reads of a task; `a`, `c` and `k` are from {@link RUNNING_PROGRESS}. */
export const TASK_COLUMNS = `
  t.id::text AS id, t.kind, t.model, t.label, t.status, t.error_policy, t.is_dry_run, t.retry_of::text AS retry_of,
  t.viewer, t.created_at, t.started_at, t.finished_at, t.attempt, t.blocked_by::text AS blocked_by,
  k.requested_at AS cancel_requested_at, t.total, t.succeeded, t.failed, t.skipped, t.message, t.input, t.result,
  t.cleaned_at IS NOT NULL AS is_cleaned, a.progress AS reported,
  c.succeeded AS done_succeeded, c.failed AS done_failed, c.skipped AS done_skipped`;

/**
 * Joins what tells of a running task's progress, and whether it is to stop; settled tasks have their counts in their
 * row, and cost next to nothing here.
 */
export const RUNNING_PROGRESS = `
  LEFT JOIN powercrud.cancellation k ON k.task_id = t.id
  LEFT JOIN powercrud.attempt a ON t.status = 'RUNNING' AND a.task_id = t.id AND a.number = t.attempt
  LEFT JOIN LATERAL (
    SELECT sum(k.succeeded)::integer AS succeeded, sum(k.failed)::integer AS failed, sum(k.skipped)::integer AS skipped
    FROM powercrud.chunk k WHERE k.task_id = t.id AND k.status = 'DONE'
  ) c ON t.status = 'RUNNING'`;

/** $1 statuses, $2 kinds, $3 models, $4 ids, $5 creator; each null for any. */
const TASK_FILTER = `
  ($1::text[] IS NULL OR t.status = ANY ($1::text[]))
  AND ($2::text[] IS NULL OR t.kind = ANY ($2::text[]))
  AND ($3::text[] IS NULL OR t.model = ANY ($3::text[]))
  AND ($4::uuid[] IS NULL OR t.id = ANY ($4::uuid[]))
  AND ($5::text IS NULL OR t.created_by = $5::text)`;

/** $1 ids. */
export const FIND_TASKS = `
  SELECT ${TASK_COLUMNS} FROM powercrud.task t ${RUNNING_PROGRESS} WHERE t.id = ANY ($1::uuid[])`;

/** $1-$5 filter, $6 the task before the page or null, $7 limit. Ids sort by time. */
export const LIST_TASKS = `
  SELECT ${TASK_COLUMNS} FROM powercrud.task t ${RUNNING_PROGRESS}
  WHERE ${TASK_FILTER} AND ($6::uuid IS NULL OR t.id < $6::uuid)
  ORDER BY t.id DESC LIMIT $7::integer`;

/** $1-$5 filter. */
export const COUNT_TASKS = `SELECT count(*)::integer AS count FROM powercrud.task t WHERE ${TASK_FILTER}`;

/** $1 the tasks that are retried, $2 limit for each. */
export const LIST_RETRIES = `
  SELECT ${TASK_COLUMNS} FROM unnest($1::uuid[]) AS first(id)
  CROSS JOIN LATERAL (
    SELECT * FROM powercrud.task one WHERE one.retry_of = first.id ORDER BY one.id LIMIT $2::integer
  ) t ${RUNNING_PROGRESS}
  ORDER BY t.id`;
