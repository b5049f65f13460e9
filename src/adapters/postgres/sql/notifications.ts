import { windowSql } from "./list-window.ts";

/**
 * The rest of a statement that begins with `WITH settled AS (…)`, rows of tasks with `id` and `notify`. Uses its $2, the
 * final status, and its $5, the time. Costs almost nothing for a task that notifies nobody. An in-app notification needs no
 * sending.
 */
export const INSERT_NOTIFICATIONS = `
  INSERT INTO powercrud.notification (id, task_id, channel, target, status, due_at, created_at, sent_at)
  SELECT powercrud.create_id($5::timestamptz), s.id, n.rule ->> 'channel', n.rule ->> 'target',
         CASE n.rule ->> 'channel' WHEN 'IN_APP' THEN 'SENT' ELSE 'PENDING' END, $5::timestamptz, $5::timestamptz,
         CASE n.rule ->> 'channel' WHEN 'IN_APP' THEN $5::timestamptz END
  FROM settled s CROSS JOIN LATERAL jsonb_array_elements(s.notify) AS n(rule)
  WHERE n.rule ->> 'channel' <> 'STATUS_PAGE' AND (n.rule -> 'on' IS NULL OR n.rule -> 'on' ? $2::text)
  RETURNING channel`;

const OUTBOX_COLUMNS =
  "n.id::text AS id, n.task_id::text AS task_id, n.channel, n.target, n.created_at, n.tries, n.last_error";

/** $1 at, $2 until, $3 limit. */
export const TAKE_DUE = `
  WITH due AS MATERIALIZED (
    SELECT id FROM powercrud.notification
    WHERE status = 'PENDING' AND due_at <= $1::timestamptz
    ORDER BY due_at, id LIMIT $3::integer FOR UPDATE SKIP LOCKED
  )
  UPDATE powercrud.notification n SET tries = tries + 1, due_at = $2::timestamptz
  FROM due WHERE n.id = due.id
  RETURNING ${OUTBOX_COLUMNS}`;

/** $1 id, $2 tries, $3 status, $4 due at or null, $5 sent at or null, $6 error or null. */
export const CONCLUDE_TRY = `
  UPDATE powercrud.notification
  SET status = $3::text, due_at = coalesce($4::timestamptz, due_at), sent_at = $5::timestamptz, last_error = $6::text
  WHERE id = $1::uuid AND tries = $2::integer AND status = 'PENDING'`;

export const NEXT_DUE = "SELECT min(due_at) AS due_at FROM powercrud.notification WHERE status = 'PENDING'";

/** $1 whether the launcher matters, $2 the launcher's id or null. */
const DEAD_FILTER = `
  n.status = 'DEAD' AND (NOT $1::boolean OR EXISTS (
    SELECT FROM powercrud.task t WHERE t.id = n.task_id AND t.created_by IS NOT DISTINCT FROM $2::text
  ))`;

/** $1, $2 filter, $3-$5 window. */
export const listDead = (isBackward?: boolean): string => `
  SELECT ${OUTBOX_COLUMNS} FROM powercrud.notification n
  WHERE ${DEAD_FILTER} AND ${windowSql({ column: "n.id", type: "uuid", from: 3 }, isBackward)}`;

/** $1, $2 filter. */
export const COUNT_DEAD = `SELECT count(*)::integer AS count FROM powercrud.notification n WHERE ${DEAD_FILTER}`;

/** $1, $2 filter, $3 ids or null for all, $4 at. */
export const REVIVE = `
  UPDATE powercrud.notification n SET status = 'PENDING', tries = 0, due_at = $4::timestamptz
  WHERE ${DEAD_FILTER} AND ($3::uuid[] IS NULL OR n.id = ANY ($3::uuid[]))
  RETURNING n.id::text AS id`;

const INBOX_COLUMNS =
  "n.id::text AS id, n.task_id::text AS task_id, n.target AS viewer_id, n.created_at, n.read_at";

/** $1 viewer, $2 whether only unread ones. */
const INBOX_FILTER = `
  n.channel = 'IN_APP' AND n.target = $1::text AND (NOT $2::boolean OR n.read_at IS NULL)`;

/** $1, $2 filter, $3-$5 window. Ids sort by time. */
export const listInbox = (isBackward?: boolean): string => `
  SELECT ${INBOX_COLUMNS} FROM powercrud.notification n
  WHERE ${INBOX_FILTER}
    AND ${windowSql({ column: "n.id", type: "uuid", isDescending: true, from: 3 }, isBackward)}`;

/** $1, $2 filter. */
export const COUNT_INBOX = `SELECT count(*)::integer AS count FROM powercrud.notification n WHERE ${INBOX_FILTER}`;

/** $1 viewers, $2 the least id, $3 limit. */
export const INBOX_SINCE = `
  SELECT ${INBOX_COLUMNS} FROM powercrud.notification n
  WHERE n.channel = 'IN_APP' AND n.target = ANY ($1::text[]) AND n.id >= $2::uuid
  ORDER BY n.id LIMIT $3::integer`;

/** $1 viewer, $2 id, $3 at. */
export const MARK_READ = `
  UPDATE powercrud.notification n SET read_at = coalesce(read_at, $3::timestamptz)
  WHERE n.id = $2::uuid AND n.channel = 'IN_APP' AND n.target = $1::text
  RETURNING ${INBOX_COLUMNS}`;

/** $1 viewer, $2 at. */
export const MARK_ALL_READ = `
  WITH marked AS (
    UPDATE powercrud.notification SET read_at = $2::timestamptz
    WHERE channel = 'IN_APP' AND target = $1::text AND read_at IS NULL
    RETURNING id
  )
  SELECT count(*)::integer AS count FROM marked`;
