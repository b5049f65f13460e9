// The rules are in functions/locks.sql and functions/lines.sql: a claim takes several statements, each with a snapshot of
// its own, and functions run them in one round trip.

/**
 * Turns five text arrays into a `powercrud.segment[]`. Every parameter is cast, since Prisma's sessions send parameters
 * without types.
 * @param first number of the first of the parameters: models, lowest, highest, ids, scopes
 */
function segmentsSql(first: number): string {
  const parameters = Array.from({ length: 5 }, (_, at) => `$${first + at}::text[]`).join(", ");
  return `ARRAY(SELECT ROW(s.model, s.lowest, s.highest, s.ids, s.scope)::powercrud.segment
    FROM unnest(${parameters}) AS s(model, lowest, highest, ids, scope))`;
}

/**
 * $1 owner, $2-$6 segments, $7 separator, $8 conflicts at most or null, $9 whether a refused owner joins the line, $10
 * whether it runs. Rows are conflicts; none means granted.
 */
export const ACQUIRE_LOCK = `SELECT model, id, owner, total
  FROM powercrud.acquire_lock($1::uuid, ${segmentsSql(2)}, $7::text, $8::integer, $9::boolean, $10::boolean)`;

/** $1 models. Enters exclusively, as a claim does. Returns a number, since not every session can read a void. */
export const ENTER_LOCKS = `SELECT count(*)::integer AS done
  FROM (SELECT powercrud.enter_locks($1::text[], true)) AS entered`;

/** $1 models, $2 whether as a claim does. */
export const TRY_ENTER_LOCKS = "SELECT powercrud.try_enter_locks($1::text[], $2::boolean) AS is_entered";

/** $1 owner whose own locks are ignored, or null; $2-$6 segments, $7 separator, $8 conflicts at most. */
export const GUARD_LOCK = `SELECT model, id, owner, total
  FROM powercrud.guard_lock($1::uuid, ${segmentsSql(2)}, $7::text, $8::integer)`;

/** $1 model, $2 id, $3 scope. */
export const GUARD_RECORD =
  "SELECT model, id, owner, total FROM powercrud.guard_record($1::text, $2::text, $3::text)";

/** $1 owner. */
export const RELEASE_ALL =
  "SELECT count(*)::integer AS released FROM powercrud.release_locks(ARRAY[$1::uuid])";

/** Deletes locks and places in line without an unsettled task. Its snapshot sees both a launch's task and locks, or neither. */
export const RELEASE_ORPHANS = `
  WITH gone AS (
    DELETE FROM powercrud.lock l
    WHERE NOT EXISTS (SELECT FROM powercrud.task t WHERE t.id = l.owner AND t.finished_at IS NULL)
    RETURNING l.owner
  )
  SELECT DISTINCT owner::text AS owner FROM gone ORDER BY 1`;

/** $1-$5 segments, $6 separator. */
export const LOCK_OWNERS = `SELECT model, id, owner
  FROM powercrud.find_lock_conflicts(NULL, ${segmentsSql(1)}, $6::text, NULL, NULL)`;

/** $1 owner, $2 the most ids of a model and scope that are returned, or null: more of them become one row without ids. */
export const LOCKS_HELD_BY = `
  SELECT DISTINCT model COLLATE "C" AS model, scope COLLATE "C" AS scope, CASE WHEN total <= coalesce($2::integer, total) THEN ids END AS ids
  FROM (
    SELECT model, scope, ids, sum(cardinality(ids)) OVER (PARTITION BY model, scope) AS total
    FROM powercrud.lock WHERE owner = $1::uuid AND ticket IS NULL
  ) AS held
  ORDER BY 1, 2`;

/** $1 owners. */
export const OWNED_RECORDS = `
  SELECT owner::text AS owner, model, ticket IS NOT NULL AS "isInLine",
    CASE WHEN NOT bool_or(lowest IS NULL) THEN sum(cardinality(ids))::integer END AS count
  FROM powercrud.lock WHERE owner = ANY ($1::uuid[]) GROUP BY 1, 2, 3 ORDER BY 3, 2`;

/**
 * $1 owners, $2 the most ids of a row. Ids are joined by a control character: one in an id only keeps that id from being
 * shown.
 */
export const BLOCKERS = `
  SELECT line.owner::text AS waiting, c.owner, c.model,
    CASE WHEN NOT bool_or(c.id IS NULL) THEN count(*)::integer END AS count,
    coalesce((array_agg(c.id ORDER BY c.id) FILTER (WHERE c.id IS NOT NULL))[1:$2::integer], '{}') AS ids
  FROM (
    SELECT w.owner,
      array_agg(ROW(w.model, w.lowest, w.highest, array_to_string(w.ids, E'\\x1f'), w.scope)::powercrud.segment) AS asked
    FROM powercrud.lock w WHERE w.owner = ANY ($1::uuid[]) AND w.ticket IS NOT NULL GROUP BY 1
  ) AS line
  CROSS JOIN LATERAL powercrud.find_lock_conflicts(
    line.owner, line.asked, E'\\x1f', powercrud.lock_ticket_of(line.owner), NULL
  ) AS c
  GROUP BY 1, 2, 3 ORDER BY count(*) DESC, 2, 3`;

/** $1 owner. Locks the rows, so that no other transaction can take the owner out of the line meanwhile. */
export const LOCKS_WAITED_FOR = `SELECT model, scope, ids FROM powercrud.lock
  WHERE owner = $1::uuid AND ticket IS NOT NULL FOR UPDATE`;

/** $1 owner in line. The task directly before it in line for a record that both wait for. */
export const LAST_BEFORE = `
  SELECT l.owner::text AS owner
  FROM powercrud.lock w JOIN powercrud.lock l ON l.model = w.model AND l.ticket < w.ticket
    AND CASE WHEN l.lowest IS NULL OR w.lowest IS NULL THEN l.scope = '' OR w.scope = '' OR l.scope = w.scope
             ELSE l.lowest <= w.highest AND l.highest >= w.lowest AND l.ids && w.ids END
  WHERE w.owner = $1::uuid AND w.ticket IS NOT NULL
  ORDER BY l.ticket DESC LIMIT 1`;
