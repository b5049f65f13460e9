/** $1 task, $2 claims on dependent records, which replace its earlier ones. */
export const SET_DEPENDENTS = `
  UPDATE powercrud.task SET claims = $2::jsonb || coalesce(
    (SELECT jsonb_agg(own.claim) FROM jsonb_array_elements(claims) AS own(claim) WHERE NOT own.claim ? 'isDependent'),
    '[]'
  )
  WHERE id = $1::uuid`;

/** $1 task, $2 the task that blocks it. */
export const START_WAITING = `
  UPDATE powercrud.task SET status = 'WAITING', blocked_by = $2::uuid
  WHERE id = $1::uuid AND status IN ('PENDING', 'WAITING')
  RETURNING id`;

/** $1 task. */
export const LOCK_WAITING = `
  SELECT id FROM powercrud.task WHERE id = $1::uuid AND status = 'WAITING' FOR UPDATE`;

/** $1 task. */
export const END_WAITING = `
  UPDATE powercrud.task SET status = 'PENDING', blocked_by = NULL WHERE id = $1::uuid AND status = 'WAITING'
  RETURNING kind, created_at AS "createdAt"`;

/** For the task t. */
const HAS_DEPENDENTS = `t.claims @> '[{"isDependent": true}]' AS "hasDependents"`;

/** $1 the blocking task, $2 limit. Ids sort by time. */
export const FIND_WAITING_FOR = `
  SELECT t.id::text AS id, t.attempt, ${HAS_DEPENDENTS} FROM powercrud.task t
  WHERE t.status = 'WAITING' AND t.blocked_by = $1::uuid ORDER BY t.id LIMIT $2::integer`;

/** $1 limit. */
export const FIND_WAITING_FOR_NOBODY = `
  SELECT t.id::text AS id, t.attempt, ${HAS_DEPENDENTS}, b.finished_at AS "unblockedAt" FROM powercrud.task t
  LEFT JOIN powercrud.task b ON b.id = t.blocked_by
  WHERE t.status = 'WAITING' AND (b.id IS NULL OR b.finished_at IS NOT NULL)
  ORDER BY t.id LIMIT $1::integer`;
