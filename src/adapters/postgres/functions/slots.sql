-- Limits of concurrency: a key has concurrency_max slots. A RUNNING task of the key has one, and so has one that was turned
-- away and was given a slot since. Whoever takes or gives slots has the key's lock, so that no two take the last one, and
-- none is turned away while one becomes free.

CREATE OR REPLACE FUNCTION powercrud.lock_slots(key text) RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(hashtextextended('powercrud.slots:' || key, 0));
$$;

CREATE OR REPLACE FUNCTION powercrud.taken_slots(key text) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT count(*)::integer FROM powercrud.task
  WHERE concurrency_key = key AND finished_at IS NULL
    AND (status = 'RUNNING' OR status = 'PENDING' AND slot = 'GIVEN');
$$;

-- Begins the next attempt of a task, with its lease. No row, and nothing written, where it may not run, another delivery was
-- faster, or its kind is not among the given ones; no row, and noted, where its key has no free slot, or an older task is to
-- have the next one.
CREATE OR REPLACE FUNCTION powercrud.begin_attempt(
  wanted uuid, expected integer, worker text, begun_at timestamptz, statuses text[], kinds text[]
) RETURNS SETOF powercrud.task LANGUAGE plpgsql AS $$
DECLARE
  bound record;
BEGIN
  -- One that is RUNNING has its slot already.
  SELECT t.concurrency_key AS key, t.concurrency_max AS max INTO bound FROM powercrud.task t
  WHERE t.id = wanted AND t.concurrency_key IS NOT NULL AND t.status = 'PENDING' AND t.slot IS DISTINCT FROM 'GIVEN'
    AND (kinds IS NULL OR t.kind = ANY (kinds));
  IF FOUND THEN
    PERFORM powercrud.lock_slots(bound.key);
    -- A statement of its own, with a snapshot from after the lock.
    IF powercrud.taken_slots(bound.key) >= bound.max OR EXISTS (
      SELECT FROM powercrud.task older
      WHERE older.concurrency_key = bound.key AND older.slot = 'AWAITED' AND older.status = 'PENDING' AND older.id < wanted
    ) THEN
      UPDATE powercrud.task t SET slot = 'AWAITED'
      WHERE t.id = wanted AND t.attempt = expected AND t.status = 'PENDING' AND t.slot IS NULL;
      RETURN;
    END IF;
  END IF;
  RETURN QUERY
  WITH begun AS (
    UPDATE powercrud.task t
    SET status = 'RUNNING', attempt = t.attempt + 1, started_at = coalesce(t.started_at, begun_at),
        unknown_since = NULL, slot = NULL
    WHERE t.id = wanted AND t.attempt = expected AND t.status = ANY (statuses)
      AND (kinds IS NULL OR t.kind = ANY (kinds))
    RETURNING t.*
  ), lease AS (
    INSERT INTO powercrud.attempt (task_id, number, worker_id, started_at, heartbeat_at)
    SELECT b.id, b.attempt, worker, begun_at, begun_at FROM begun b
  )
  SELECT * FROM begun;
END $$;

-- Gives the free slots of a key to tasks that were turned away, the oldest first. Those it returns are to be enqueued.
CREATE OR REPLACE FUNCTION powercrud.give_slots(key text) RETURNS SETOF powercrud.task LANGUAGE plpgsql AS $$
BEGIN
  PERFORM powercrud.lock_slots(key);
  RETURN QUERY
  WITH next AS MATERIALIZED (
    SELECT t.id, t.concurrency_max, row_number() OVER (ORDER BY t.id) AS number FROM powercrud.task t
    WHERE t.concurrency_key = key AND t.slot = 'AWAITED' AND t.status = 'PENDING'
  )
  UPDATE powercrud.task t SET slot = 'GIVEN', enqueued_at = NULL
  FROM next, (SELECT powercrud.taken_slots(key) AS count) taken
  WHERE t.id = next.id AND t.status = 'PENDING' AND next.number <= next.concurrency_max - taken.count
  RETURNING t.*;
END $$;
