-- The locks: rows of powercrud.lock without a ticket. A claim takes several statements, each with a snapshot of its own,
-- and is one round trip here.

-- The conflicts of the segments: records that other owners hold, or wait for with a ticket below the given one. Returns at
-- most max_rows, each with the number of all conflicts. A record that is both held and waited for is reported with its
-- holder. Only segments with overlapping bounds are split, and their ids compared by hash, so the cost does not depend on
-- how the ids of two tasks interleave.
CREATE OR REPLACE FUNCTION powercrud.find_lock_conflicts(
  claimant uuid, asked powercrud.segment[], separator text, before_ticket bigint, max_rows integer
) RETURNS TABLE (model text, id text, owner text, total integer) LANGUAGE plpgsql SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH wanted AS MATERIALIZED (SELECT w.* FROM unnest(asked) AS w),
  near AS MATERIALIZED (
    SELECT DISTINCT l.id FROM wanted w
    JOIN powercrud.lock l ON l.model = w.model AND l.lowest <= w.highest AND l.highest >= w.lowest
    WHERE l.owner IS DISTINCT FROM claimant AND (l.ticket IS NULL OR l.ticket < before_ticket)
  ),
  conflict AS (
    SELECT l.model, NULL AS id, l.owner, l.ticket FROM powercrud.lock l
    WHERE l.lowest IS NULL AND l.owner IS DISTINCT FROM claimant AND (l.ticket IS NULL OR l.ticket < before_ticket)
      AND EXISTS (SELECT FROM wanted w WHERE w.model = l.model AND (w.scope = '' OR l.scope IN ('', w.scope)))
    UNION ALL
    SELECT l.model, unnest(l.ids), l.owner, l.ticket FROM powercrud.lock l
    WHERE l.owner IS DISTINCT FROM claimant AND (l.ticket IS NULL OR l.ticket < before_ticket) AND EXISTS (
      SELECT FROM wanted w
      WHERE w.model = l.model AND w.lowest IS NULL AND (w.scope = '' OR l.scope IN ('', w.scope))
    )
    UNION ALL
    SELECT h.model, h.id, h.owner, h.ticket
    FROM (SELECT l.model, unnest(l.ids) AS id, l.owner, l.ticket FROM near JOIN powercrud.lock l ON l.id = near.id) h
    JOIN (
      SELECT w.model, unnest(powercrud.split_ids(w.ids, separator)) AS id FROM wanted w WHERE EXISTS (SELECT FROM near)
    ) a ON a.id = h.id AND a.model = h.model
  )
  SELECT f.model, f.id, f.owner::text, (count(*) OVER ())::integer FROM (
    SELECT DISTINCT ON (c.model COLLATE "C", c.id COLLATE "C") c.model, c.id, c.owner FROM conflict c
    ORDER BY c.model COLLATE "C", c.id COLLATE "C", c.ticket NULLS FIRST
  ) f
  ORDER BY f.model COLLATE "C", f.id COLLATE "C" NULLS FIRST LIMIT max_rows;
END $$;

-- Claims the segments for one owner, or returns the conflicts and claims nothing. A granted claimant leaves the line; a
-- refused one joins it if `waits`. If the claimant runs, only holders are in its way: a task in line may wait for it.
CREATE OR REPLACE FUNCTION powercrud.acquire_lock(
  claimant uuid, asked powercrud.segment[], separator text, max_rows integer, waits boolean, is_running boolean
) RETURNS TABLE (model text, id text, owner text, total integer) LANGUAGE plpgsql AS $$
DECLARE
  models text[] := ARRAY(SELECT DISTINCT w.model FROM unnest(asked) AS w);
  is_holder boolean;
BEGIN
  PERFORM powercrud.enter_locks(models, true);
  is_holder := EXISTS (
    SELECT FROM powercrud.lock l WHERE l.owner = claimant AND l.model = ANY (models) AND l.ticket IS NULL
  );
  IF is_holder THEN
    -- It may claim again what it holds, even if others wait for it; nothing is stored twice.
    asked := powercrud.beyond_lock_rows(claimant, asked, separator, false);
  END IF;
  RETURN QUERY SELECT * FROM powercrud.find_lock_conflicts(
    claimant, asked, separator, CASE WHEN NOT is_running THEN powercrud.lock_ticket_of(claimant) END, max_rows
  );
  IF FOUND THEN
    IF waits THEN
      PERFORM powercrud.join_lock_line(claimant, asked, separator);
    END IF;
    RETURN;
  END IF;
  DELETE FROM powercrud.lock l WHERE l.owner = claimant AND l.ticket IS NOT NULL;
  IF is_holder THEN
    -- A claim on a whole model replaces those on its records.
    DELETE FROM powercrud.lock l USING unnest(asked) AS w
    WHERE w.lowest IS NULL AND l.owner = claimant AND l.model = w.model AND w.scope IN ('', l.scope);
  END IF;
  INSERT INTO powercrud.lock (owner, model, scope, lowest, highest, ids)
  SELECT claimant, w.model, w.scope, w.lowest, w.highest, powercrud.split_ids(w.ids, separator)
  FROM unnest(asked) AS w;
END $$;

-- Keeps every task from claiming the records until the end of the transaction. Returns the records that owners other than
-- the claimant hold.
CREATE OR REPLACE FUNCTION powercrud.guard_lock(
  claimant uuid, asked powercrud.segment[], separator text, max_rows integer
) RETURNS TABLE (model text, id text, owner text, total integer) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM powercrud.enter_locks(ARRAY(SELECT w.model FROM unnest(asked) AS w), false);
  RETURN QUERY SELECT * FROM powercrud.find_lock_conflicts(claimant, asked, separator, NULL, max_rows);
END $$;

-- The same for one record, as every single write does: two look-ups in one index. A lock on the whole model comes first.
CREATE OR REPLACE FUNCTION powercrud.guard_record(record_model text, record_id text, record_scope text)
RETURNS TABLE (model text, id text, owner text, total integer) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM powercrud.enter_locks(ARRAY[record_model], false);
  RETURN QUERY
  SELECT c.*, (count(*) OVER ())::integer FROM (
    (
      SELECT l.model, NULL, l.owner::text FROM powercrud.lock l
      WHERE l.model = record_model AND l.lowest IS NULL AND l.ticket IS NULL
        AND (record_scope = '' OR l.scope IN ('', record_scope))
      LIMIT 1
    )
    UNION ALL
    SELECT l.model, record_id, l.owner::text FROM powercrud.lock l
    WHERE l.model = record_model AND l.lowest <= record_id AND l.highest >= record_id AND record_id = ANY (l.ids)
      AND l.ticket IS NULL
  ) c;
END $$;

-- The same for a statement that guards one record and changes it, and is a transaction by itself: whether no task holds the
-- record. Sets no timeout, since such a transaction is never idle. As a part of an expression, the gate costs no statement;
-- and mostly no task holds anything of the model, which one look-up tells.
CREATE OR REPLACE FUNCTION powercrud.enter_free_record(record_model text, record_id text, record_scope text)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'locks need a READ COMMITTED transaction' USING ERRCODE = 'invalid_transaction_state';
  END IF;
  IF pg_advisory_xact_lock_shared(powercrud.gate_key(record_model)) IS NULL THEN
    RAISE EXCEPTION 'the gate of % was not entered', record_model;
  END IF;
  IF NOT EXISTS (SELECT FROM powercrud.lock l WHERE l.model = record_model) THEN
    RETURN true;
  END IF;
  RETURN NOT EXISTS (
    SELECT FROM powercrud.lock l
    WHERE l.model = record_model AND l.lowest IS NULL AND l.ticket IS NULL
      AND (record_scope = '' OR l.scope IN ('', record_scope))
  ) AND NOT EXISTS (
    SELECT FROM powercrud.lock l
    WHERE l.model = record_model AND l.lowest <= record_id AND l.highest >= record_id AND record_id = ANY (l.ids)
      AND l.ticket IS NULL
  );
END $$;

-- Releases the owners' locks and their places in line; returns the owners that had any. First locks the places in line: a
-- grant that commits meanwhile would turn them into locks that a single DELETE does not see. Does not pass the gate: until
-- the commit, others see the rows and are refused.
CREATE OR REPLACE FUNCTION powercrud.release_locks(owners uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM powercrud.lock l WHERE l.owner = ANY (owners) AND l.ticket IS NOT NULL FOR UPDATE;
  RETURN QUERY DELETE FROM powercrud.lock l WHERE l.owner = ANY (owners) RETURNING l.owner;
END $$;
