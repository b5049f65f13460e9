import { segmentsSql } from "./lock-segments.ts";

/** $1 models, $2 whether to claim. */
export const ENTER_LEDGER =
  "SELECT epoch, has_line FROM powercrud.enter_redis_locks($1::text[], $2::boolean)";

export const ENTER_ALONE = "SELECT name, epoch FROM powercrud.enter_backend_alone()";

export const READ_EPOCH = "SELECT name, epoch FROM powercrud.backend";

/** $1 epoch. */
export const RENEW_EPOCH = "UPDATE powercrud.backend SET epoch = $1::text";

/** The unsettled tasks' claims, except those that are their chunks'. */
export const LIVE_CLAIMS = `
  SELECT t.id::text AS owner, c.value ->> 'model' AS model, c.value ->> 'scope' AS scope, c.value -> 'ids' AS ids
  FROM powercrud.task t, jsonb_array_elements(t.claims) AS c
  WHERE t.status IN ('PENDING', 'RUNNING') ORDER BY t.id`;

/** $1 task, $2 number of the chunk before. Number 0 is what the launch left out. */
export const NEXT_CHUNK_IDS = `
  SELECT number, ids FROM powercrud.chunk WHERE task_id = $1::uuid AND number > $2::integer ORDER BY number LIMIT 10`;

/** $1 owners. */
export const LIVE_OWNERS =
  "SELECT id::text AS id FROM powercrud.task WHERE id = ANY ($1::uuid[]) AND finished_at IS NULL";

/** $1 owners. */
export const HOLDERS = `
  SELECT id::text AS id FROM powercrud.task WHERE id = ANY ($1::uuid[]) AND status IN ('PENDING', 'RUNNING')`;

/** $1 owner, $2-$6 segments, $7 separator, $8 conflicts at most or null. */
export const LINE_CONFLICTS = `SELECT model, id, owner, total FROM powercrud.find_lock_conflicts(
  $1::uuid, ${segmentsSql(2)}, $7::text, powercrud.lock_ticket_of($1::uuid), $8::integer)`;

/** $1 owner, $2-$6 segments, $7 separator. Hands back a number: not every session can read a void. */
export const JOIN_LINE = `SELECT count(*)::integer AS done
  FROM (SELECT powercrud.join_lock_line($1::uuid, ${segmentsSql(2)}, $7::text)) AS joined`;
