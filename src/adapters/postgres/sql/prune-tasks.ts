/** A batch ends with the task that fills it up to so many records: their errors are deleted one by one. */
const MAX_RECORDS = 200_000;

/**
 * $1 finished before, $2 limit. Chunks, errors, attempts and events go by their foreign keys. The row of
 * `powercrud.pruned` is taken first: of several that prune, one does, and none waits. A
 * task with a retry under way is left for later: taking it out of the retry's row would wait for that one's chunk.
 */
export const PRUNE_TASKS = `
  WITH turn AS MATERIALIZED (
    SELECT position FROM powercrud.pruned FOR UPDATE SKIP LOCKED
  ), old AS MATERIALIZED (
    SELECT t.id, t.finished_at, coalesce(t.total, 0) AS records FROM powercrud.task t
    WHERE t.cleaned_at IS NOT NULL AND t.finished_at < $1::timestamptz AND EXISTS (SELECT FROM turn)
      AND NOT EXISTS (SELECT FROM powercrud.task r WHERE r.retry_of = t.id AND r.finished_at IS NULL)
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
