-- Lines of waiting claims, scopes of claims, claims kept with their task, cancellation, the register of processes,
-- and which backend keeps the locks.

-- Where the locks are kept, and since when. Whoever claims or guards holds the advisory lock of this row shared; who
-- moves the locks elsewhere, or builds them anew because Redis lost them, holds it alone.
CREATE TABLE powercrud.backend (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  name    text NOT NULL DEFAULT 'postgres' CHECK (name IN ('postgres', 'redis')),
  -- Names one life of the locks in Redis; they are known to be whole only under the current one.
  epoch   text NOT NULL DEFAULT gen_random_uuid()::text
);
INSERT INTO powercrud.backend DEFAULT VALUES;

-- The processes that serve or work, as long as they are heard of.
CREATE TABLE powercrud.process (
  id          text PRIMARY KEY,
  role        text NOT NULL,
  backend     text NOT NULL,
  host        text NOT NULL,
  pid         integer NOT NULL,
  -- How many tasks it runs at a time; 0 for one that only serves.
  concurrency integer NOT NULL,
  started_at  timestamptz(3) NOT NULL,
  seen_at     timestamptz(3) NOT NULL
);

-- When a chore that one process does for all was last taken on.
CREATE TABLE powercrud.turn (
  name     text PRIMARY KEY,
  taken_at timestamptz(3) NOT NULL
);

-- Requests to cancel running tasks. Not in the task's row: asking waits for no chunk's fence.
CREATE TABLE powercrud.cancellation (
  task_id      uuid PRIMARY KEY REFERENCES powercrud.task ON DELETE CASCADE,
  requested_at timestamptz(3) NOT NULL,
  requested_by text
);

-- What a task claims: [{"model", "scope"?, "ids": [..] | "all" | "chunks"}]; "chunks" are the ids of its chunks from
-- number 1 on. Locks in Redis are built anew from here.
ALTER TABLE powercrud.task ADD COLUMN claims jsonb NOT NULL DEFAULT '[]';
-- WAITING: a task that holds, or waits before it for, something that this one waits for.
ALTER TABLE powercrud.task ADD COLUMN blocked_by uuid;
CREATE INDEX task_waiting ON powercrud.task (blocked_by) WHERE status = 'WAITING';
UPDATE powercrud.task t SET claims = jsonb_build_array(jsonb_build_object('model', t.model, 'ids', 'chunks'))
WHERE t.finished_at IS NULL AND EXISTS (SELECT FROM powercrud.chunk c WHERE c.task_id = t.id);

-- A row with a ticket is not held: its owner stands in line for it, behind everybody with a smaller one.
ALTER TABLE powercrud.lock ADD COLUMN ticket bigint;
-- Narrows what a claim on a whole model means: it does not meet claims of another scope. Empty: meets all.
ALTER TABLE powercrud.lock ADD COLUMN scope text NOT NULL DEFAULT '';
CREATE SEQUENCE powercrud.lock_ticket AS bigint;
CREATE INDEX lock_line ON powercrud.lock (model, ticket) WHERE ticket IS NOT NULL;
ALTER TYPE powercrud.segment ADD ATTRIBUTE scope text;

DROP FUNCTION powercrud.acquire_lock(uuid, powercrud.segment[], text, integer);
DROP FUNCTION powercrud.guard_lock(powercrud.segment[], text, integer);
DROP FUNCTION powercrud.guard_record(text, text);
DROP FUNCTION powercrud.release_lock(uuid, powercrud.segment[], text);
DROP FUNCTION powercrud.extend_lock(uuid, powercrud.segment[], text);
DROP FUNCTION powercrud.store_lock_ids(uuid, text[], text[]);
DROP FUNCTION powercrud.find_lock_conflicts(uuid, powercrud.segment[], text, integer);
DROP FUNCTION powercrud.enter_lock_models(text[], boolean);

CREATE FUNCTION powercrud.backend_key() RETURNS bigint LANGUAGE sql IMMUTABLE
  RETURN hashtextextended('powercrud.backend', 0);

-- The advisory locks of the backend (shared) and of the models until the end of the transaction: those exclusive for
-- who claims, shared for who only wants nobody to. In one order, so that crossing claims cannot deadlock. A statement
-- sees what was committed before it began, not what was committed while it waited: that is why the callers look for
-- conflicts in a statement of its own after this, and why only READ COMMITTED will do.
-- Returns the epoch. Refuses a process that keeps its locks elsewhere.
CREATE FUNCTION powercrud.enter_locks(models text[], is_exclusive boolean, kept_in text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
  key bigint;
  current powercrud.backend;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'locks need a READ COMMITTED transaction' USING ERRCODE = 'invalid_transaction_state';
  END IF;
  PERFORM pg_advisory_xact_lock_shared(powercrud.backend_key());
  SELECT b.* INTO current FROM powercrud.backend b;
  IF current.name <> kept_in THEN
    RAISE EXCEPTION 'the locks are kept in % now, and this process keeps them in %; restart it', current.name, kept_in
      USING ERRCODE = 'PCB01';
  END IF;
  FOR key IN SELECT DISTINCT hashtextextended('powercrud.lock:' || name, 0) AS k FROM unnest(models) AS name ORDER BY k
  LOOP
    IF is_exclusive THEN
      PERFORM pg_advisory_xact_lock(key);
    ELSE
      PERFORM pg_advisory_xact_lock_shared(key);
    END IF;
  END LOOP;
  RETURN current.epoch;
END $$;

-- What others than the claimant hold of the segments, or stand in line for with a ticket below the given one: at most
-- max_rows of them, each row with the number of all. A record that is both held and waited for is its holder's.
-- Records: only the segments whose bounds meet are taken apart, and compared by hash, so the cost does not depend
-- on how the ids of two tasks interleave.
CREATE FUNCTION powercrud.find_lock_conflicts(
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

-- Cuts ids, in any order, into an owner's segments.
CREATE FUNCTION powercrud.store_lock_ids(claimant uuid, models text[], scopes text[], ids text[]) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
  INSERT INTO powercrud.lock (owner, model, scope, lowest, highest, ids)
  SELECT claimant, part.model, part.scope, min(part.id), max(part.id), array_agg(part.id ORDER BY part.id)
  FROM (
    SELECT u.model, u.scope, u.id COLLATE "C" AS id,
           (row_number() OVER (PARTITION BY u.model, u.scope ORDER BY u.id COLLATE "C") - 1) / 500 AS number
    FROM unnest(models, scopes, ids) AS u(model, scope, id)
  ) part
  GROUP BY part.model, part.scope, part.number;
END;

-- What the owner does not hold yet of the segments: what it holds it may claim again, whoever waits for it, and none
-- of it is stored twice.
CREATE FUNCTION powercrud.not_yet_held(claimant uuid, asked powercrud.segment[], separator text)
RETURNS powercrud.segment[] LANGUAGE sql STABLE SET work_mem = '64MB'
BEGIN ATOMIC
  WITH open AS MATERIALIZED (
    SELECT w.* FROM unnest(asked) WITH ORDINALITY AS w(model, lowest, highest, ids, scope, number) WHERE NOT EXISTS (
      SELECT FROM powercrud.lock l
      WHERE l.owner = claimant AND l.model = w.model AND l.lowest IS NULL AND l.ticket IS NULL
        AND l.scope IN ('', w.scope)
    )
  ),
  fresh AS (
    SELECT o.number, o.model, o.scope, o.id COLLATE "C" AS id FROM (
      SELECT open.*, unnest(powercrud.split_ids(open.ids, separator)) AS id FROM open WHERE open.lowest IS NOT NULL
    ) o
    WHERE (o.model, o.id) NOT IN (
      SELECT l.model, unnest(l.ids) FROM powercrud.lock l
      WHERE l.owner = claimant AND l.lowest IS NOT NULL AND l.ticket IS NULL
        AND l.model IN (SELECT open.model FROM open)
    )
  )
  SELECT coalesce(array_agg(part.segment), '{}') FROM (
    SELECT ROW(open.model, NULL, NULL, NULL, open.scope)::powercrud.segment AS segment FROM open
    WHERE open.lowest IS NULL
    UNION ALL
    SELECT ROW(
      fresh.model, min(fresh.id), max(fresh.id), string_agg(fresh.id, separator ORDER BY fresh.id), fresh.scope
    )::powercrud.segment
    FROM fresh GROUP BY fresh.number, fresh.model, fresh.scope
  ) part;
END;

-- Stands the claimant, who holds nothing, in line for the segments.
CREATE FUNCTION powercrud.join_lock_line(claimant uuid, asked powercrud.segment[], separator text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  own_ticket bigint := nextval('powercrud.lock_ticket');
BEGIN
  INSERT INTO powercrud.lock (owner, model, scope, lowest, highest, ids, ticket)
  SELECT claimant, w.model, w.scope, w.lowest, w.highest, powercrud.split_ids(w.ids, separator), own_ticket
  FROM unnest(asked) AS w;
END $$;

-- The place in line of a claimant; behind everybody for who stands in none.
CREATE FUNCTION powercrud.lock_ticket_of(claimant uuid) RETURNS bigint LANGUAGE sql STABLE
  RETURN coalesce(
    (SELECT min(l.ticket) FROM powercrud.lock l WHERE l.owner = claimant AND l.ticket IS NOT NULL),
    9223372036854775807
  );

-- The claim of one owner, in one round trip: stored whole, or not at all when it returns conflicts, which are what
-- others hold or stood in line for before. A granted claimant leaves the line; a refused one joins it if asked to.
CREATE FUNCTION powercrud.acquire_lock(
  claimant uuid, asked powercrud.segment[], separator text, max_rows integer, waits boolean
) RETURNS TABLE (model text, id text, owner text, total integer) LANGUAGE plpgsql AS $$
DECLARE
  models text[] := ARRAY(SELECT DISTINCT w.model FROM unnest(asked) AS w);
  holds_some boolean;
BEGIN
  PERFORM powercrud.enter_locks(models, true, 'postgres');
  holds_some := EXISTS (
    SELECT FROM powercrud.lock l WHERE l.owner = claimant AND l.model = ANY (models) AND l.ticket IS NULL
  );
  IF holds_some THEN
    asked := powercrud.not_yet_held(claimant, asked, separator);
  END IF;
  RETURN QUERY SELECT * FROM powercrud.find_lock_conflicts(
    claimant, asked, separator, powercrud.lock_ticket_of(claimant), max_rows
  );
  IF FOUND THEN
    IF waits THEN
      PERFORM powercrud.join_lock_line(claimant, asked, separator);
    END IF;
    RETURN;
  END IF;
  DELETE FROM powercrud.lock l WHERE l.owner = claimant AND l.ticket IS NOT NULL;
  IF holds_some THEN
    -- A claim on a whole model takes in those on its records.
    DELETE FROM powercrud.lock l USING unnest(asked) AS w
    WHERE w.lowest IS NULL AND l.owner = claimant AND l.model = w.model AND w.scope IN ('', l.scope);
  END IF;
  INSERT INTO powercrud.lock (owner, model, scope, lowest, highest, ids)
  SELECT claimant, w.model, w.scope, w.lowest, w.highest, powercrud.split_ids(w.ids, separator)
  FROM unnest(asked) AS w;
END $$;

-- Keeps every task from claiming the records until the end of the transaction; returns what some task holds of them.
CREATE FUNCTION powercrud.guard_lock(
  asked powercrud.segment[], separator text, max_rows integer
) RETURNS TABLE (model text, id text, owner text, total integer) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM powercrud.enter_locks(ARRAY(SELECT w.model FROM unnest(asked) AS w), false, 'postgres');
  RETURN QUERY SELECT * FROM powercrud.find_lock_conflicts(NULL, asked, separator, NULL, max_rows);
END $$;

-- The same for one record, the guard of every single write: two look-ups in one index. What is held whole comes first.
CREATE FUNCTION powercrud.guard_record(record_model text, record_id text, record_scope text)
RETURNS TABLE (model text, id text, owner text, total integer) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM powercrud.enter_locks(ARRAY[record_model], false, 'postgres');
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

-- Lets go of all that the owner holds, and of its place in line: first of that, or a grant that commits meanwhile
-- would turn it into locks that one statement does not see. Needs no advisory lock: until the commit others see
-- the rows and are refused.
CREATE FUNCTION powercrud.release_all_locks(claimant uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM powercrud.lock l WHERE l.owner = claimant AND l.ticket IS NOT NULL FOR UPDATE;
  DELETE FROM powercrud.lock l WHERE l.owner = claimant;
END $$;

-- Lets go of some of what the owner holds; of a whole model and all its records where a segment has no ids. What is
-- left of a segment is cut anew. Under the models' lock, or two releases at once would each restore the other's part.
CREATE FUNCTION powercrud.release_lock(claimant uuid, asked powercrud.segment[], separator text) RETURNS void
LANGUAGE plpgsql SET work_mem = '64MB' AS $$
DECLARE
  kept_models text[];
  kept_scopes text[];
  kept_ids text[];
BEGIN
  PERFORM powercrud.enter_locks(ARRAY(SELECT w.model FROM unnest(asked) AS w), true, 'postgres');
  DELETE FROM powercrud.lock l USING unnest(asked) AS w
  WHERE w.lowest IS NULL AND l.owner = claimant AND l.model = w.model AND l.ticket IS NULL;
  WITH wanted AS MATERIALIZED (SELECT w.* FROM unnest(asked) AS w WHERE w.lowest IS NOT NULL),
  cut AS (
    DELETE FROM powercrud.lock l USING wanted w
    WHERE l.owner = claimant AND l.model = w.model AND l.lowest <= w.highest AND l.highest >= w.lowest
      AND l.ticket IS NULL
    RETURNING l.model, l.scope, l.ids
  ),
  kept AS (
    SELECT c.model, c.scope, c.id FROM (SELECT cut.model, cut.scope, unnest(cut.ids) AS id FROM cut) c
    WHERE (c.model, c.id) NOT IN (SELECT w.model, unnest(powercrud.split_ids(w.ids, separator)) FROM wanted w)
  )
  SELECT array_agg(kept.model), array_agg(kept.scope), array_agg(kept.id)
  INTO kept_models, kept_scopes, kept_ids FROM kept;
  PERFORM powercrud.store_lock_ids(claimant, kept_models, kept_scopes, kept_ids);
END $$;

-- The same gate for locks that are kept in Redis, and whether anybody stands in line for the models: lines are always
-- kept here.
CREATE FUNCTION powercrud.enter_redis_locks(models text[], is_exclusive boolean)
RETURNS TABLE (epoch text, has_line boolean) LANGUAGE plpgsql AS $$
DECLARE
  current_epoch text := powercrud.enter_locks(models, is_exclusive, 'redis');
BEGIN
  RETURN QUERY SELECT current_epoch, EXISTS (
    SELECT FROM powercrud.lock l WHERE l.model = ANY (models) AND l.ticket IS NOT NULL
  );
END $$;

-- Alone with the backend until the end of the transaction: no claim or guard is under way, none begins.
CREATE FUNCTION powercrud.enter_backend_alone() RETURNS powercrud.backend LANGUAGE plpgsql AS $$
DECLARE
  current powercrud.backend;
BEGIN
  PERFORM pg_advisory_xact_lock(powercrud.backend_key());
  SELECT b.* INTO current FROM powercrud.backend b;
  RETURN current;
END $$;

-- Writes what the unsettled tasks claim as locks held here. For whoever is alone with the backend, after the locks
-- were kept in Redis.
CREATE FUNCTION powercrud.restore_locks() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  claimed record;
  record_ids text[];
BEGIN
  DELETE FROM powercrud.lock WHERE ticket IS NULL;
  FOR claimed IN
    SELECT t.id, c.value ->> 'model' AS model, coalesce(c.value ->> 'scope', '') AS scope, c.value -> 'ids' AS ids
    FROM powercrud.task t, jsonb_array_elements(t.claims) AS c WHERE t.status IN ('PENDING', 'RUNNING')
  LOOP
    IF claimed.ids = '"all"' THEN
      INSERT INTO powercrud.lock (owner, model, scope) VALUES (claimed.id, claimed.model, claimed.scope);
    ELSE
      IF claimed.ids = '"chunks"' THEN
        SELECT coalesce(array_agg(u.id), ARRAY[]::text[]) INTO record_ids FROM powercrud.chunk k, unnest(k.ids) AS u(id)
        WHERE k.task_id = claimed.id AND k.number > 0;
      ELSE
        record_ids := ARRAY(SELECT jsonb_array_elements_text(claimed.ids));
      END IF;
      PERFORM powercrud.store_lock_ids(
        claimed.id,
        array_fill(claimed.model, ARRAY[cardinality(record_ids)]),
        array_fill(claimed.scope, ARRAY[cardinality(record_ids)]),
        record_ids
      );
    END IF;
  END LOOP;
END $$;
