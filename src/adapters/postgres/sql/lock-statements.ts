import { segmentsSql } from "./lock-segments.ts";

// The rules are in the functions of the engine's migrations: what a claim must check and write has to be several
// statements, each with a fresh snapshot, and is to be one round trip.

/**
 * $1 owner, $2-$6 segments, $7 separator, $8 conflicts at most or null, $9 whether a refused owner joins the line.
 * Rows are conflicts; none means granted.
 */
export const ACQUIRE_LOCK = `SELECT model, id, owner, total
  FROM powercrud.acquire_lock($1::uuid, ${segmentsSql(2)}, $7::text, $8::integer, $9::boolean)`;

/** $1 models. Exclusively, as a claim does. */
export const ENTER_LOCKS = "SELECT powercrud.enter_locks($1::text[], true, 'postgres') AS epoch";

/** $1 for whom or null, $2-$6 segments, $7 separator, $8 conflicts at most. */
export const GUARD_LOCK = `SELECT model, id, owner, total
  FROM powercrud.guard_lock($1::uuid, ${segmentsSql(2)}, $7::text, $8::integer)`;

/** $1 model, $2 id, $3 scope. */
export const GUARD_RECORD =
  "SELECT model, id, owner, total FROM powercrud.guard_record($1::text, $2::text, $3::text)";

/** $1 owner, $2-$6 segments, $7 separator. Hands back a number: not every session can read a void. */
export const RELEASE_SOME = `SELECT count(*)::integer AS done
  FROM (SELECT powercrud.release_lock($1::uuid, ${segmentsSql(2)}, $7::text)) AS released`;

/** $1 owner. Hands back a number, too. */
export const RELEASE_ALL = `SELECT count(*)::integer AS done
  FROM (SELECT powercrud.release_all_locks($1::uuid)) AS released`;

/** $1-$5 segments, $6 separator. All of them, whoever the owner. */
export const LOCK_OWNERS = `SELECT model, id, owner
  FROM powercrud.find_lock_conflicts(NULL, ${segmentsSql(1)}, $6::text, NULL, NULL)`;

/** $1 owner. */
export const LOCKS_HELD_BY = `SELECT model, scope, ids FROM powercrud.lock
  WHERE owner = $1::uuid AND ticket IS NULL ORDER BY model COLLATE "C", scope COLLATE "C"`;

/** $1 owner. Waits for one who takes the owner out of the line, and keeps others from doing so meanwhile. */
export const LOCKS_WAITED_FOR = `SELECT model, scope, ids FROM powercrud.lock
  WHERE owner = $1::uuid AND ticket IS NOT NULL FOR UPDATE`;

export const LIST_LOCK_OWNERS =
  "SELECT DISTINCT owner::text AS owner FROM powercrud.lock WHERE ticket IS NULL ORDER BY 1";

/** $1 owner in line. Who stands there right before it, for something that it waits for too. */
export const LAST_BEFORE = `
  SELECT l.owner::text AS owner
  FROM powercrud.lock w JOIN powercrud.lock l ON l.model = w.model AND l.ticket < w.ticket
    AND CASE WHEN l.lowest IS NULL OR w.lowest IS NULL THEN l.scope = '' OR w.scope = '' OR l.scope = w.scope
             ELSE l.lowest <= w.highest AND l.highest >= w.lowest AND l.ids && w.ids END
  WHERE w.owner = $1::uuid AND w.ticket IS NOT NULL
  ORDER BY l.ticket DESC LIMIT 1`;
