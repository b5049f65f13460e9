-- The tasks that wait, while they run, until another one settles.

-- Notes that the task waits for another. Returns the circle instead, from the task to itself, if the other waits for the task:
-- because it runs and waits itself, because it is in line, or because only one task of its key may run. One call at a time, so of the tasks of a circle the last one
-- finds it.
CREATE OR REPLACE FUNCTION powercrud.start_task_wait(waiter uuid, waiter_attempt integer, blocker uuid) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
  circle text[];
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('powercrud.task_wait', 0));
  WITH RECURSIVE path AS (
    SELECT blocker AS id, ARRAY[waiter, blocker] AS steps
    UNION ALL
    SELECT next.id, path.steps || next.id
    FROM path CROSS JOIN LATERAL (
      SELECT w.blocked_by AS id FROM powercrud.task_wait w
      JOIN powercrud.task t ON t.id = w.task_id AND t.attempt = w.attempt AND t.status = 'RUNNING'
      WHERE w.task_id = path.id
      UNION
      SELECT t.blocked_by FROM powercrud.task t
      WHERE t.id = path.id AND t.status = 'WAITING' AND t.blocked_by IS NOT NULL
      UNION
      SELECT r.id FROM powercrud.task t
      JOIN powercrud.task r ON r.concurrency_key = t.concurrency_key AND r.status = 'RUNNING'
      WHERE t.id = path.id AND t.status = 'PENDING' AND t.concurrency_max = 1
    ) next
    WHERE path.id <> waiter AND next.id <> ALL (path.steps[2:])
  )
  SELECT path.steps::text[] INTO circle FROM path WHERE path.id = waiter LIMIT 1;
  IF circle IS NULL THEN
    INSERT INTO powercrud.task_wait (task_id, blocked_by, attempt) VALUES (waiter, blocker, waiter_attempt)
    ON CONFLICT (task_id, blocked_by) DO UPDATE SET attempt = EXCLUDED.attempt;
  END IF;
  RETURN circle;
END $$;
