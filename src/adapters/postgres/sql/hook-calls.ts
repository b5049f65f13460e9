/** $1 task, $2 step, $3 at. No row where the call was made. */
export const KEEP_HOOK_CALL = `
  UPDATE powercrud.hook_call SET taken_at = $3::timestamptz WHERE task_id = $1::uuid AND step = $2::text
  RETURNING task_id`;

/** $1 task, $2 step. */
export const END_HOOK_CALL = `
  DELETE FROM powercrud.hook_call WHERE task_id = $1::uuid AND step = $2::text`;

/**
 * $1 at, $2 silent since, $3 steps of every task, $4 kinds and $5 their steps, $6 limit. A task's cleanup comes after its
 * cleaning, and after its other call.
 */
export const TAKE_HOOK_CALLS = `
  WITH overdue AS MATERIALIZED (
    SELECT h.task_id, h.step, h.created_at FROM powercrud.hook_call h JOIN powercrud.task t ON t.id = h.task_id
    WHERE h.taken_at < $2::timestamptz
      AND (h.step = ANY ($3::text[])
        OR (t.kind, h.step) IN (SELECT * FROM unnest($4::text[], $5::text[])))
      AND (h.step <> 'cleanup' OR t.cleaned_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM powercrud.hook_call e WHERE e.task_id = h.task_id AND e.step <> 'cleanup'
      ))
    ORDER BY h.created_at, h.task_id LIMIT $6::integer FOR UPDATE OF h SKIP LOCKED
  ), taken AS (
    UPDATE powercrud.hook_call h SET taken_at = $1::timestamptz FROM overdue o
    WHERE h.task_id = o.task_id AND h.step = o.step
    RETURNING h.task_id, h.step, h.created_at
  )
  SELECT task_id::text AS "taskId", step FROM taken ORDER BY created_at, task_id`;
