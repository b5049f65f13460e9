import { segmentsSql } from "./lock-segments.ts";

// The rules are in the functions of the engine's migration: what a claim must check and write has to be several
// statements, each with a fresh snapshot, and is to be one round trip.

/** $1 owner, $2-$5 segments, $6 separator, $7 conflicts at most. Rows are conflicts; none means granted. */
export const ACQUIRE_LOCK = `SELECT model, id, owner, total
  FROM powercrud.acquire_lock($1::uuid, ${segmentsSql(2)}, $6::text, $7::integer)`;

/** $1-$4 segments, $5 separator, $6 conflicts at most. */
export const GUARD_LOCK = `SELECT model, id, owner, total
  FROM powercrud.guard_lock(${segmentsSql(1)}, $5::text, $6::integer)`;

/** $1 model, $2 id. */
export const GUARD_RECORD = "SELECT model, id, owner, total FROM powercrud.guard_record($1::text, $2::text)";

/** $1 owner, $2-$5 segments, $6 separator. Hands back a number: not every session can read a void. */
export const RELEASE_SOME = `SELECT count(*)::integer AS done
  FROM (SELECT powercrud.release_lock($1::uuid, ${segmentsSql(2)}, $6::text)) AS released`;

/** $1 owner. Needs no advisory lock: until the commit others see the rows and are refused. */
export const RELEASE_ALL = "DELETE FROM powercrud.lock WHERE owner = $1::uuid";

/** $1-$4 segments, $5 separator. All of them, whoever the owner. */
export const LOCK_OWNERS = `SELECT model, id, owner
  FROM powercrud.find_lock_conflicts(NULL, ${segmentsSql(1)}, $5::text, NULL)`;

/** $1 owner. */
export const LOCKS_HELD_BY =
  'SELECT model, ids FROM powercrud.lock WHERE owner = $1::uuid ORDER BY model COLLATE "C"';

export const LIST_LOCK_OWNERS = "SELECT DISTINCT owner::text AS owner FROM powercrud.lock ORDER BY 1";
