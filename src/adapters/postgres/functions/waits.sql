-- The tasks that wait, while they run, until another one settles.

-- The tasks that a task waits for: one that runs, for all whose end it awaits; one that stands in line, for the one before it;
-- one whose key has no free slot, until any of those that have them ends. Nothing of the latter if one of them waits for
-- nobody: then a slot will be free.
CREATE OR REPLACE FUNCTION powercrud.blockers_of(waiting uuid) RETURNS TABLE (id uuid, is_any boolean) LANGUAGE sql STABLE AS $$
  SELECT w.blocked_by, false FROM powercrud.task_wait w
  JOIN powercrud.task t ON t.id = w.task_id AND t.attempt = w.attempt AND t.status = 'RUNNING'
  WHERE w.task_id = waiting
  UNION ALL
  SELECT t.blocked_by, false FROM powercrud.task t
  WHERE t.id = waiting AND t.status = 'WAITING' AND t.blocked_by IS NOT NULL
  UNION ALL
  SELECT r.id, true FROM powercrud.task t
  JOIN powercrud.task r ON r.concurrency_key = t.concurrency_key AND r.status = 'RUNNING'
  WHERE t.id = waiting AND t.status = 'PENDING' AND t.slot IS DISTINCT FROM 'GIVEN' AND t.concurrency_max <= (
    SELECT count(*) FROM powercrud.task h
    WHERE h.concurrency_key = t.concurrency_key AND h.status = 'RUNNING'
      AND EXISTS (SELECT FROM powercrud.task_wait w WHERE w.task_id = h.id AND w.attempt = h.attempt)
  );
$$;

-- Notes that the task waits for another. Returns the circle instead, from the task to itself, if the other waits for the task:
-- because it runs and waits itself, because it is in line, or because all that may run beside it do not end before it does.
-- One call at a time, so of the tasks of a circle the last one finds it.
CREATE OR REPLACE FUNCTION powercrud.start_task_wait(waiter uuid, waiter_attempt integer, blocker uuid) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
  -- Who waits for whom, from the task on.
  waiting uuid[];
  awaited uuid[];
  any_of boolean[];
  -- Those that cannot go on before another of them does.
  stuck uuid[];
  still uuid[];
  -- The next one on the way to the task, by task.
  way jsonb := '{}';
  found jsonb;
  circle text[];
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('powercrud.task_wait', 0));
  INSERT INTO powercrud.task_wait (task_id, blocked_by, attempt) VALUES (waiter, blocker, waiter_attempt)
  ON CONFLICT (task_id, blocked_by) DO UPDATE SET attempt = EXCLUDED.attempt;

  WITH RECURSIVE path AS (
    SELECT waiter AS id, blocker AS next, false AS is_any
    UNION
    SELECT path.next, b.id, b.is_any FROM path CROSS JOIN LATERAL powercrud.blockers_of(path.next) b
  )
  SELECT array_agg(id), array_agg(next), array_agg(is_any) INTO waiting, awaited, any_of FROM path;
  IF waiter <> ALL (awaited) THEN
    RETURN NULL;
  END IF;

  still := waiting;
  LOOP
    stuck := still;
    still := ARRAY(
      SELECT e.id FROM unnest(waiting, awaited, any_of) AS e(id, next, is_any)
      WHERE e.id = ANY (stuck) GROUP BY e.id
      HAVING CASE WHEN bool_or(e.is_any) THEN bool_and(e.next = ANY (stuck)) ELSE bool_or(e.next = ANY (stuck)) END
    );
    EXIT WHEN cardinality(still) = cardinality(stuck);
  END LOOP;

  WHILE NOT way ? blocker::text LOOP
    SELECT jsonb_object_agg(e.id, e.next) INTO found FROM unnest(waiting, awaited) AS e(id, next)
    WHERE e.id = ANY (stuck) AND e.id <> waiter AND NOT way ? e.id::text AND (e.next = waiter OR way ? e.next::text);
    IF found IS NULL THEN
      RETURN NULL;
    END IF;
    way := way || found;
  END LOOP;

  circle := ARRAY[waiter, blocker]::text[];
  WHILE circle[cardinality(circle)] <> waiter::text LOOP
    circle := circle || (way ->> circle[cardinality(circle)]);
  END LOOP;
  DELETE FROM powercrud.task_wait WHERE task_id = waiter AND blocked_by = blocker;
  RETURN circle;
END $$;
