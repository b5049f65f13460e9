-- Whole steps in the lives of tasks, for many tasks at a time: what the ordinary way does in a transaction of several
-- statements for each of them. A task that needs more than the step itself, or whose row another transaction has, is left
-- to the ordinary way: its id is not returned.
--
-- Their statements are planned once for each connection, not for each of the first calls: planning them takes ten times as
-- long as running them, and every way to a few rows by their ids is the same.

-- Writes tasks, each with its chunks, locks and event CREATE. A task that names a worker is begun, too, with its lease and
-- its event START. Leaves out tasks whose idempotency key or duplicate key is taken, and those whose claims conflict. Inserts in the order of the keys, and enters all models at once, so that
-- concurrent calls cannot deadlock. Waits a moment only for a key or a model that another transaction has.
CREATE OR REPLACE FUNCTION powercrud.launch_tasks(launches jsonb) RETURNS SETOF uuid LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET lock_timeout = '100ms' AS $$
DECLARE
  written uuid[];
  refused uuid[] := '{}';
  claim record;
BEGIN
  WITH launch AS MATERIALIZED (
    SELECT l.* FROM jsonb_to_recordset(launches) AS l(
      id uuid, kind text, model text, label text, error_policy text, is_dry_run boolean, viewer jsonb, input jsonb,
      input_hash text, idempotency_key text, duplicate_key text, created_at timestamptz, total integer, parent_id uuid,
      schedule text, notify jsonb, concurrency_key text, concurrency_max integer, on_conflict text, claims jsonb,
      chunks jsonb, worker text, progress jsonb, message text, trace text
    )
  ), task AS (
    INSERT INTO powercrud.task
      (id, kind, model, label, error_policy, is_dry_run, viewer, created_by, input, input_hash, idempotency_key,
       duplicate_key, created_at, total, parent_id, schedule, notify, concurrency_key, concurrency_max, on_conflict,
       claims, trace, status, attempt, started_at)
    SELECT id, kind, model, label, error_policy, is_dry_run, viewer, viewer ->> 'id', coalesce(input, 'null'), input_hash,
           idempotency_key, duplicate_key, created_at, total, parent_id, schedule, notify, concurrency_key,
           concurrency_max, on_conflict, claims, trace, CASE WHEN worker IS NULL THEN 'PENDING' ELSE 'RUNNING' END,
           CASE WHEN worker IS NULL THEN 0 ELSE 1 END, CASE WHEN worker IS NOT NULL THEN created_at END
    FROM launch ORDER BY coalesce(idempotency_key, duplicate_key), id
    ON CONFLICT DO NOTHING
    RETURNING id
  ), chunk AS (
    INSERT INTO powercrud.chunk (task_id, number, ids)
    SELECT task.id, c.number, ARRAY(SELECT jsonb_array_elements_text(c.ids))
    FROM task JOIN launch USING (id), jsonb_array_elements(launch.chunks) WITH ORDINALITY AS c(ids, number)
  ), lease AS (
    INSERT INTO powercrud.attempt (task_id, number, worker_id, started_at, heartbeat_at)
    SELECT id, 1, worker, created_at, created_at FROM task JOIN launch USING (id) WHERE worker IS NOT NULL
  ), told AS (
    INSERT INTO powercrud.event (task_id, sequence, type, at, progress, message)
    SELECT id, step.number, step.type, created_at, progress, step.message
    FROM task JOIN launch USING (id)
    CROSS JOIN LATERAL (VALUES (1, 'CREATE', launch.message), (2, 'START', NULL)) AS step(number, type, message)
    WHERE step.number = 1 OR worker IS NOT NULL
    ORDER BY id, step.number
  )
  SELECT array_agg(task.id) INTO written FROM task;
  PERFORM powercrud.enter_locks(array_agg(DISTINCT s ->> 'model'), true)
  FROM jsonb_array_elements(launches) AS l, jsonb_array_elements(l -> 'segments') AS s HAVING count(*) > 0;
  FOR claim IN
    SELECT l.* FROM jsonb_to_recordset(launches) AS l(id uuid, segments jsonb, separator text)
    WHERE l.id = ANY (written) AND l.segments IS NOT NULL
  LOOP
    IF EXISTS (
      SELECT FROM powercrud.acquire_lock(claim.id, ARRAY(
        SELECT ROW(s.model, s.lowest, s.highest, s.ids, s.scope)::powercrud.segment
        FROM jsonb_to_recordset(claim.segments) AS s(model text, lowest text, highest text, ids text, scope text)
      ), claim.separator, 1, false, false)
    ) THEN
      refused := refused || claim.id;
    END IF;
  END LOOP;
  DELETE FROM powercrud.task t WHERE t.id = ANY (refused);
  RETURN QUERY SELECT id FROM unnest(written) AS id WHERE id <> ALL (refused);
END $$;

-- Begins the first attempts of tasks, each with its lease and its event START. The progress is that of CREATE, since nothing
-- has been done. Leaves out tasks that must wait for a free place or a time, those that were asked to stop or to pause, and
-- those of other kinds.
CREATE OR REPLACE FUNCTION powercrud.begin_tasks(ids uuid[], worker text, begun_at timestamptz, kinds text[])
RETURNS SETOF powercrud.task LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  RETURN QUERY
  WITH free AS MATERIALIZED (
    SELECT t.id FROM powercrud.task t
    WHERE t.id = ANY (ids) AND t.status = 'PENDING' AND t.attempt = 0 AND t.concurrency_key IS NULL
      AND (kinds IS NULL OR t.kind = ANY (kinds))
      AND (t.postponed_until IS NULL OR t.postponed_until <= begun_at)
      AND NOT EXISTS (SELECT FROM powercrud.cancellation k WHERE k.task_id = t.id)
      AND NOT EXISTS (SELECT FROM powercrud.pause p WHERE p.task_id = t.id)
    ORDER BY t.id FOR NO KEY UPDATE SKIP LOCKED
  ), begun AS (
    UPDATE powercrud.task t
    SET status = 'RUNNING', attempt = 1, started_at = coalesce(t.started_at, begun_at), unknown_since = NULL
    FROM free WHERE t.id = free.id
    RETURNING t.*
  ), lease AS (
    INSERT INTO powercrud.attempt (task_id, number, worker_id, started_at, heartbeat_at)
    SELECT b.id, 1, worker, begun_at, begun_at FROM begun b
  ), started AS (
    INSERT INTO powercrud.event (task_id, sequence, type, at, progress)
    SELECT b.id, last.sequence + 1, 'START', begun_at, first.progress
    FROM begun b
    JOIN powercrud.event first ON first.task_id = b.id AND first.sequence = 1
    CROSS JOIN LATERAL (SELECT max(e.sequence) AS sequence FROM powercrud.event e WHERE e.task_id = b.id) last
    ORDER BY b.id
  )
  SELECT * FROM begun;
END $$;

-- Settles running tasks and cleans up after them: releases their locks, and writes the event of their end and CLEANUP.
-- Leaves out tasks whose end others are to learn of in the same transaction: those with recipients, or with a limit that
-- lets the next one begin.
CREATE OR REPLACE FUNCTION powercrud.settle_tasks(endings jsonb) RETURNS TABLE (id uuid, had_locks boolean)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  settled uuid[];
  holders uuid[];
BEGIN
  WITH ending AS MATERIALIZED (
    SELECT e.* FROM jsonb_to_recordset(endings) AS e(
      id uuid, attempt integer, status text, type text, message text, result jsonb, finished_at timestamptz,
      succeeded integer, failed integer, skipped integer, total integer, progress jsonb
    )
  ), free AS MATERIALIZED (
    SELECT t.id FROM powercrud.task t JOIN ending e ON e.id = t.id
    WHERE t.id = ANY (ARRAY(SELECT wanted.id FROM ending wanted)) AND t.status = 'RUNNING' AND t.attempt = e.attempt AND t.notify IS NULL AND t.concurrency_key IS NULL
    ORDER BY t.id FOR NO KEY UPDATE OF t SKIP LOCKED
  ), ended AS (
    UPDATE powercrud.task t
    SET status = e.status, message = e.message, result = coalesce(e.result, 'null'), finished_at = e.finished_at,
        succeeded = e.succeeded, failed = e.failed, skipped = e.skipped, total = coalesce(e.total, t.total),
        blocked_by = NULL, duplicate_key = NULL, cleaned_at = now()
    FROM free JOIN ending e ON e.id = free.id WHERE t.id = free.id
    RETURNING t.id
  ), told AS (
    INSERT INTO powercrud.event (task_id, sequence, type, at, progress, message)
    SELECT e.id, last.sequence + step.number, step.type, e.finished_at, e.progress, step.message
    FROM ended JOIN ending e ON e.id = ended.id
    CROSS JOIN LATERAL (SELECT max(v.sequence) AS sequence FROM powercrud.event v WHERE v.task_id = e.id) last
    CROSS JOIN LATERAL (VALUES (1, e.type, e.message), (2, 'CLEANUP', NULL)) AS step(number, type, message)
    ORDER BY e.id, step.number
  )
  SELECT array_agg(ended.id) INTO settled FROM ended;
  WITH gone AS (SELECT powercrud.release_locks(settled) AS owner) SELECT array_agg(DISTINCT gone.owner) INTO holders FROM gone;
  RETURN QUERY SELECT s.id, s.id = ANY (coalesce(holders, '{}')) FROM unnest(settled) AS s(id);
END $$;
