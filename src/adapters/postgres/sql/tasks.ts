import { windowSql } from "./list-window.ts";
import { INSERT_NOTIFICATIONS } from "./notifications.ts";

/** The columns of a TaskRow; `a`, `c` and `k` are from {@link RUNNING_PROGRESS}. */
export const TASK_COLUMNS = `
  t.id::text AS id, t.kind, t.model, t.label, t.status, t.error_policy, t.is_dry_run, t.on_conflict, t.retry_of::text AS retry_of,
  t.parent_id::text AS parent_id, t.schedule, t.trace, t.viewer, t.created_at, t.started_at, t.finished_at, t.attempt, t.blocked_by::text AS blocked_by,
  k.requested_at AS cancel_requested_at,
  p.requested_at AS pause_requested_at, p.requested_by AS pause_requested_by, p.paused_at, t.pauses, 
  CASE WHEN t.status = 'PENDING' THEN t.postponed_until END AS postponed_until, t.failures, t.hand_overs, t.total, t.succeeded, t.failed, t.skipped, t.message, t.input, t.result,
  coalesce(t.notify @> '[{"channel": "STATUS_PAGE"}]', false) AS has_status_page, t.cleaned_at IS NOT NULL AS is_cleaned, a.progress AS reported,
  c.succeeded AS done_succeeded, c.failed AS done_failed, c.skipped AS done_skipped`;

/**
 * Joins a running task's progress and its cancel request. Costs almost nothing for settled tasks, which have their counts
 * in their own row.
 */
export const RUNNING_PROGRESS = `
  LEFT JOIN powercrud.cancellation k ON k.task_id = t.id
  LEFT JOIN powercrud.pause p ON p.task_id = t.id AND t.finished_at IS NULL
  LEFT JOIN powercrud.attempt a ON t.finished_at IS NULL AND a.task_id = t.id AND a.number = t.attempt
  LEFT JOIN LATERAL (
    SELECT sum(k.succeeded)::integer AS succeeded, sum(k.failed)::integer AS failed, sum(k.skipped)::integer AS skipped
    FROM powercrud.chunk k WHERE k.task_id = t.id AND k.status = 'DONE'
  ) c ON t.finished_at IS NULL AND t.attempt > 0`;

/**
 * Whether a viewer sees the task.
 * @param task the alias of its row
 * @param scope the placeholder of a list of conditions as JSON, one of which must hold; null for all tasks
 */
const isSeen = (task: string, scope: string): string => `
  (${scope}::jsonb IS NULL OR EXISTS (
    SELECT FROM jsonb_array_elements(${scope}::jsonb) AS seen(by)
    WHERE (NOT seen.by ? 'createdBy' OR seen.by -> 'createdBy' ? ${task}.created_by)
      AND (NOT seen.by ? 'kinds' OR seen.by -> 'kinds' ? ${task}.kind)
      AND (NOT seen.by ? 'models' OR seen.by -> 'models' ? ${task}.model)
      AND (NOT seen.by ? 'claims' OR ${task}.viewer -> 'claims' @> (seen.by -> 'claims'))
  ))`;

/**
 * Whether the record is one of the task's, or was claimed by its id. Looks into the chunks of one task after the other, so a
 * page reads no further back than it must; an index on all ids would cost every launch more. A subquery for one value, as
 * EXISTS may be planned to read the chunks of all tasks first.
 * @param from the first of three parameters: the model, the id, and a claim on the record
 */
const concerns = (from: number): string => `
  (t.model = $${from}::text
     AND (SELECT true FROM powercrud.chunk c WHERE c.task_id = t.id AND $${from + 1}::text = ANY (c.ids) LIMIT 1)
   OR t.claims @> $${from + 2}::jsonb)`;

/**
 * $1 statuses, $2 kinds, $3 models, $4 ids, $5 creator, $6 parents, $7 schedules, $8 what the viewer sees, $9 launched then or
 * later, $10 launched before, $11 whether dry runs; each null for any.
 * @param recordFrom the first of the parameters of a record that the tasks concern. Default: any
 */
const taskFilter = (recordFrom?: number): string => `
  ($1::text[] IS NULL OR t.status = ANY ($1::text[]))
  AND ($2::text[] IS NULL OR t.kind = ANY ($2::text[]))
  AND ($3::text[] IS NULL OR t.model = ANY ($3::text[]))
  AND ($4::uuid[] IS NULL OR t.id = ANY ($4::uuid[]))
  AND ($5::text IS NULL OR t.created_by = $5::text)
  AND ($6::uuid[] IS NULL OR t.parent_id = ANY ($6::uuid[]))
  AND ($7::text[] IS NULL OR t.schedule = ANY ($7::text[]))
  AND ${isSeen("t", "$8")}
  AND ($9::timestamptz IS NULL OR t.created_at >= $9::timestamptz)
  AND ($10::timestamptz IS NULL OR t.created_at < $10::timestamptz)
  AND ($11::boolean IS NULL OR t.is_dry_run = $11::boolean)
  AND ${recordFrom === undefined ? "true" : concerns(recordFrom)}`;

/** $1 ids. */
export const FIND_TASKS = `
  SELECT ${TASK_COLUMNS} FROM powercrud.task t ${RUNNING_PROGRESS} WHERE t.id = ANY ($1::uuid[])`;

/** What the tasks of a statement have in common. */
interface TaskRange {
  /** Whether they concern a record. Its parameters come last. */
  readonly isOfRecord: boolean;
  readonly isBackward?: boolean | undefined;
}

/** $1-$11 filter, $12-$14 window. Ids sort by time. */
export const listTasks = ({ isOfRecord, isBackward }: TaskRange): string => `
  SELECT ${TASK_COLUMNS} FROM powercrud.task t ${RUNNING_PROGRESS}
  WHERE ${taskFilter(isOfRecord ? 15 : undefined)}
    AND ${windowSql({ column: "t.id", type: "uuid", isDescending: true, from: 12 }, isBackward)}`;

/** $1-$11 filter. */
export const countTasks = ({ isOfRecord }: TaskRange): string =>
  `SELECT count(*)::integer AS count FROM powercrud.task t WHERE ${taskFilter(isOfRecord ? 12 : undefined)}`;

/** $1-$11 filter. */
export const countTasksByStatus = ({ isOfRecord }: TaskRange): string => `
  SELECT t.status, count(*)::integer AS count FROM powercrud.task t
  WHERE ${taskFilter(isOfRecord ? 12 : undefined)} GROUP BY 1`;

/** $1 the kinds that are told apart. */
export const COUNT_UNSETTLED = `
  SELECT CASE WHEN kind = ANY ($1::text[]) THEN kind ELSE 'other' END AS kind, status, count(*)::integer AS count,
    extract(epoch FROM now() - min(created_at))::float8 AS "ageSeconds"
  FROM powercrud.task WHERE status IN ('RECEIVING', 'PENDING', 'RUNNING', 'WAITING', 'PAUSED') GROUP BY 1, 2`;

/** $1 the tasks that are referred to, $2 limit for each, $3 what the viewer sees. @param column the one that refers to them */
const listReferring = (column: string): string => `
  SELECT ${TASK_COLUMNS} FROM unnest($1::uuid[]) AS first(id)
  CROSS JOIN LATERAL (
    SELECT * FROM powercrud.task one WHERE one.${column} = first.id AND ${isSeen("one", "$3")} ORDER BY one.id LIMIT $2::integer
  ) t ${RUNNING_PROGRESS}
  ORDER BY t.id`;

/** $1 task. Follows its retries and theirs, level by level. */
export const NEWEST_RETRY = `
  WITH RECURSIVE retry AS (
    SELECT id FROM powercrud.task WHERE retry_of = $1::uuid
    UNION ALL
    SELECT next.id FROM powercrud.task next JOIN retry ON next.retry_of = retry.id
  )
  SELECT ${TASK_COLUMNS} FROM powercrud.task t ${RUNNING_PROGRESS}
  WHERE t.id = (SELECT id FROM retry ORDER BY id DESC LIMIT 1)`;

/** $1 the tasks that are retried, $2 limit for each, $3 what the viewer sees. */
export const LIST_RETRIES = listReferring("retry_of");

/** $1 the parents, $2 limit for each, $3 what the viewer sees. */
export const LIST_CHILDREN = listReferring("parent_id");

/**
 * $1-$11 the task's columns, $12 the chunks' joined ids, $13 their separator, $14 claims, $15 number of records that the
 * launch skipped; $16 the chunks' fields, each a JSON array, or null if no chunk has any; $17 their joined columns with
 * $18 divider, $19 separator and $20 null mark (see joined-texts); $21 whether it is a dry run, $22 the task that it retries
 * or null, $23 its duplicate key or null, $24 its parent or null, $25 its schedule or null, $26 whom to notify or null,
 * $27 and $28 the key and limit of its concurrency or null, $29 what it does on a conflict. No row if the viewer has used the idempotency key before, or if the duplicate key
 * is taken. Waits for a transaction that is about to take or free one of the keys.
 */
export const INSERT_TASK = `
  WITH task AS (
    INSERT INTO powercrud.task
      (id, kind, model, label, error_policy, viewer, created_by, input, input_hash, idempotency_key, created_at, total,
       claims, skipped, is_dry_run, retry_of, duplicate_key, parent_id, schedule, notify, concurrency_key, concurrency_max,
       on_conflict, trace)
    VALUES ($1::uuid, $2::text, $3::text, $4::text, $5::text, $6::jsonb, $6::jsonb ->> 'id', $7::jsonb, $8::text,
      $9::text, $10::timestamptz, $11::integer, $14::jsonb, $15::integer,
      $21::boolean, $22::uuid, $23::text, $24::uuid, $25::text, $26::jsonb, $27::text, $28::integer, $29::text, $30::text)
    ON CONFLICT DO NOTHING
    RETURNING id
  ), chunks AS (
    INSERT INTO powercrud.chunk (task_id, number, ids, fields, columns, separator, null_mark)
    SELECT task.id, c.number, powercrud.split_ids(c.ids, $13::text),
           CASE WHEN c.fields IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text(c.fields)) END,
           CASE WHEN c.columns <> '' THEN trim_array(string_to_array(c.columns, $18::text), 1) END,
           CASE WHEN c.fields IS NOT NULL THEN $19::text END, CASE WHEN c.fields IS NOT NULL THEN $20::text END
    FROM task, unnest($12::text[], $16::jsonb[], $17::text[]) WITH ORDINALITY AS c(ids, fields, columns, number)
  )
  SELECT id::text AS id FROM task`;

/** $1 creator or null, $2 key. */
export const FIND_BY_IDEMPOTENCY_KEY = `
  SELECT id::text AS id, input_hash FROM powercrud.task
  WHERE coalesce(created_by, '') = coalesce($1::text, '') AND idempotency_key = $2::text`;

/** $1 creator or null, $2 duplicate key. Only unsettled tasks have one. */
export const FIND_DUPLICATE = `
  SELECT id::text AS id, input_hash FROM powercrud.task
  WHERE coalesce(created_by, '') = coalesce($1::text, '') AND duplicate_key = $2::text`;

/** $1 creator or null, $2 duplicate key. */
export const LOCK_DUPLICATE = `
  SELECT pg_advisory_xact_lock(
    hashtextextended('powercrud.duplicate:' || coalesce($1::text, '') || ':' || $2::text, 0)
  )`;

/**
 * $1 tasks, $2 when each was enqueued. Skips running tasks, which need no mark, and tasks whose attempt is just beginning: waiting for these
 * would delay the launch until their first chunk is written.
 */
export const MARK_ENQUEUED = `
  UPDATE powercrud.task t SET enqueued_at = marked.at
  FROM (
    SELECT id FROM powercrud.task WHERE id = ANY ($1::uuid[]) AND status = 'PENDING' FOR UPDATE SKIP LOCKED
  ) pending
  JOIN unnest($1::uuid[], $2::timestamptz[]) AS marked(id, at) USING (id)
  WHERE t.id = pending.id`;

/**
 * $1 task, $2 attempt, $3 the statuses that the final one may follow. Waits for chunks that are being committed, so that
 * the next statement, with its own snapshot, counts them. Rows that refer to the task, such as requests to cancel, can be
 * written meanwhile.
 */
export const LOCK_TO_SETTLE = `
  SELECT id FROM powercrud.task
  WHERE id = $1::uuid AND attempt = $2::integer AND status = ANY ($3::text[]) FOR NO KEY UPDATE`;

/**
 * $1 task, $2 status, $3 message, $4 result, $5 finished at, $6-$8 counts, $9 total or null to keep it, $10 hooks that the
 * caller calls next. Writes the task's notifications, too, and returns a row with the channel of each.
 */
export const SETTLE_TASK = `
  WITH calls AS (
    INSERT INTO powercrud.hook_call (task_id, step, created_at, taken_at)
    SELECT $1::uuid, step, $5::timestamptz, $5::timestamptz FROM unnest($10::text[]) AS step
  ), settled AS (
    UPDATE powercrud.task
    SET status = $2::text, blocked_by = NULL, message = $3::text, result = $4::jsonb, finished_at = $5::timestamptz,
        succeeded = $6::integer, failed = $7::integer, skipped = $8::integer, total = coalesce($9::integer, total),
        duplicate_key = NULL,
        idempotency_key = CASE WHEN attempt = 0 AND $2::text = 'FAILED' THEN NULL ELSE idempotency_key END
    WHERE id = $1::uuid
    RETURNING id, notify
  )
  ${INSERT_NOTIFICATIONS}`;

/** $1 task. */
export const MARK_CLEANED = `
  UPDATE powercrud.task SET cleaned_at = now()
  WHERE id = $1::uuid AND finished_at IS NOT NULL AND cleaned_at IS NULL
  RETURNING id`;

/** $1 task. Its claims without those on dependent records. */
export const OWN_CLAIMS = `
  SELECT own.claim FROM powercrud.task t, jsonb_array_elements(t.claims) WITH ORDINALITY AS own(claim, at)
  WHERE t.id = $1::uuid AND NOT own.claim ? 'isDependent' ORDER BY own.at`;

/** A batch ends with the task that brings it to this many records, since each record may have errors to delete. */
const MAX_RECORDS = 200_000;

/**
 * $1 finished before, $2 limit. Foreign keys delete chunks, errors, attempts and events along with their task. The row of
 * `powercrud.pruned` is locked first: of several concurrent calls one prunes, and none waits. A task with an unsettled retry
 * or child is kept for now: clearing `retry_of` or `parent_id` in that one's row would wait for its chunk.
 */
export const PRUNE_TASKS = `
  WITH turn AS MATERIALIZED (
    SELECT position FROM powercrud.pruned FOR UPDATE SKIP LOCKED
  ), old AS MATERIALIZED (
    SELECT t.id, t.finished_at, coalesce(t.total, 0) AS records FROM powercrud.task t
    WHERE t.cleaned_at IS NOT NULL AND t.finished_at < $1::timestamptz AND EXISTS (SELECT FROM turn)
      AND NOT EXISTS (SELECT FROM powercrud.task r WHERE r.retry_of = t.id AND r.finished_at IS NULL)
      AND NOT EXISTS (SELECT FROM powercrud.task c WHERE c.parent_id = t.id AND c.finished_at IS NULL)
    ORDER BY t.finished_at, t.id LIMIT $2::integer FOR UPDATE OF t SKIP LOCKED
  ), batch AS MATERIALIZED (
    SELECT id FROM (
      SELECT id, sum(records) OVER (ORDER BY finished_at, id) - records AS before FROM old
    ) counted
    WHERE before < ${MAX_RECORDS}
  ), noted AS (
    UPDATE powercrud.pruned p
    SET position = greatest(
      p.position, (SELECT max(e.position) FROM powercrud.event e WHERE e.task_id IN (SELECT id FROM batch))
    )
    WHERE EXISTS (SELECT FROM batch)
  ), gone AS (
    DELETE FROM powercrud.task t USING batch WHERE t.id = batch.id RETURNING t.id, t.finished_at
  )
  SELECT id::text AS id FROM gone ORDER BY finished_at, id`;
