/** Statements that return no row after a correct round, each with the meaning of a row. */
export const CHECKS: readonly { readonly wrong: string; readonly sql: string }[] = [
  {
    wrong: "a task is not settled and cleaned",
    sql: `SELECT id, status, attempt, blocked_by FROM powercrud.task
          WHERE status IN ('PENDING', 'WAITING', 'RUNNING') OR finished_at IS NULL OR cleaned_at IS NULL`,
  },
  {
    wrong: "a record has not grown by just what its tasks say",
    sql: `SELECT c.id, c.population, b.population + coalesce(a.sum, 0) AS expected
          FROM city c JOIN chaos.before b USING (id)
          LEFT JOIN (SELECT id, sum(increment) FROM chaos.applied GROUP BY id) a USING (id)
          WHERE c.population <> b.population + coalesce(a.sum, 0)`,
  },
  {
    wrong: "a record was written twice under one mark",
    sql: "SELECT mark, id, count(*) FROM chaos.written GROUP BY mark, id HAVING count(*) > 1",
  },
  {
    wrong: "a task says that it wrote a record, but did not",
    sql: "SELECT label, id FROM chaos.applied EXCEPT SELECT mark, id FROM chaos.written",
  },
  {
    wrong: "a task wrote a record, but does not say so",
    sql: "SELECT mark, id FROM chaos.written WHERE mark LIKE 'bulk-%' EXCEPT SELECT label, id FROM chaos.applied",
  },
  {
    wrong: "a record was written that another unsettled task owned",
    sql: `SELECT mark, ids[1:3] AS ids, foreign_owners, foreign_at_commit FROM chaos.write
          WHERE foreign_owners <> '{}' OR foreign_at_commit <> '{}'`,
  },
  {
    wrong: "a task wrote records that it did not own, or under another's mark",
    sql: `SELECT mark, mark_count, cardinality(ids) AS written, own_count FROM chaos.write
          WHERE mark_count <> 1 OR (mark LIKE 'bulk-%' AND own_count <> cardinality(ids))`,
  },
  {
    wrong: "a task's counts are not what happened",
    sql: `SELECT t.id, t.status, t.error_policy, t.attempt, t.total, t.succeeded, a.count AS applied,
                 t.failed, e.failed AS failures, t.skipped, e.skipped AS skips
          FROM powercrud.task t
          LEFT JOIN LATERAL (SELECT count(*) FROM chaos.applied WHERE task_id = t.id) a ON true
          LEFT JOIN LATERAL (
            SELECT count(*) FILTER (WHERE outcome = 'FAILED' AND record_id IS NOT NULL) AS failed,
                   count(*) FILTER (WHERE outcome = 'SKIPPED') AS skipped
            FROM powercrud.task_error WHERE task_id = t.id
          ) e ON true
          WHERE t.succeeded <> a.count OR t.failed <> e.failed OR t.skipped <> e.skipped
             OR (t.status IN ('SUCCEEDED', 'PARTIAL') AND t.succeeded + t.failed + t.skipped <> t.total)`,
  },
  {
    wrong: "a chunk's counts do not add up to its records",
    sql: `SELECT task_id, number, cardinality(ids) AS size, succeeded, failed, skipped FROM powercrud.chunk
          WHERE succeeded + failed + skipped <> CASE status WHEN 'DONE' THEN cardinality(ids) ELSE 0 END`,
  },
  {
    wrong: "an ALL_OR_NOTHING task did a part",
    sql: `SELECT t.id, t.status, count(*) FILTER (WHERE c.status = 'DONE') AS done, count(*) AS chunks
          FROM powercrud.task t JOIN powercrud.chunk c ON c.task_id = t.id AND c.number > 0
          WHERE t.error_policy = 'ALL_OR_NOTHING' GROUP BY t.id, t.status
          HAVING count(*) FILTER (WHERE c.status = 'DONE') <> CASE t.status WHEN 'SUCCEEDED' THEN count(*) ELSE 0 END`,
  },
  {
    wrong: "a task that is SUCCEEDED or PARTIAL left a chunk out",
    sql: `SELECT t.id, t.status, c.number FROM powercrud.task t JOIN powercrud.chunk c ON c.task_id = t.id
          WHERE t.status IN ('SUCCEEDED', 'PARTIAL') AND c.status <> 'DONE'`,
  },
  {
    wrong: "a task's events are not CREATE, its attempts' STARTs, its end, CLEANUP, numbered without gaps",
    sql: `SELECT t.id, t.status, t.attempt, e.types, e.sequences FROM powercrud.task t
          JOIN LATERAL (
            SELECT array_agg(type ORDER BY sequence) AS types, array_agg(sequence ORDER BY sequence) AS sequences
            FROM powercrud.event WHERE task_id = t.id
          ) e ON true
          WHERE e.types IS DISTINCT FROM
                  ARRAY['CREATE'] || array_fill('START'::text, ARRAY[t.attempt])
                  || ARRAY[CASE t.status WHEN 'FAILED' THEN 'FAIL' WHEN 'CANCELLED' THEN 'CANCEL' ELSE 'COMPLETE' END, 'CLEANUP']
             OR e.sequences IS DISTINCT FROM ARRAY(SELECT generate_series(1, t.attempt + 3))`,
  },
  {
    wrong: "a task's attempts are not numbered from one on",
    sql: `SELECT t.id, t.attempt, count(a.number), max(a.number) FROM powercrud.task t
          LEFT JOIN powercrud.attempt a ON a.task_id = t.id GROUP BY t.id, t.attempt
          HAVING count(a.number) <> t.attempt OR coalesce(max(a.number), 0) <> t.attempt`,
  },
  {
    wrong: "two tasks came of one idempotency key",
    sql: `SELECT label, array_agg(id) AS tasks FROM powercrud.task WHERE NOT (status = 'FAILED' AND attempt = 0)
          GROUP BY label HAVING count(*) > 1`,
  },
];

/** Views that the checks read; made after the round. */
export const CHECK_VIEWS = `
CREATE MATERIALIZED VIEW chaos.written AS SELECT mark, unnest(ids) AS id FROM chaos.write;
CREATE MATERIALIZED VIEW chaos.applied AS
SELECT t.id AS task_id, t.label, split_part(t.label, '+', 2)::integer AS increment, member.id::integer AS id
FROM powercrud.task t JOIN powercrud.chunk c ON c.task_id = t.id, unnest(c.ids) AS member(id)
WHERE c.status = 'DONE' AND c.number > 0 AND NOT EXISTS (
  SELECT FROM powercrud.task_error e WHERE e.task_id = t.id AND e.record_id = member.id
);
CREATE INDEX ON chaos.applied (task_id);
ANALYZE chaos.applied;
`;
