-- The engine's own tables. They live in the PostgreSQL schema "powercrud", apart from the app's models.

CREATE SCHEMA IF NOT EXISTS powercrud;

-- One row a task: who launched what, where it stands, and how it ended.
CREATE TABLE powercrud.task (
  id              uuid PRIMARY KEY,
  kind            text NOT NULL,
  model           text,
  label           text,
  status          text NOT NULL DEFAULT 'PENDING'
                  CHECK (status IN ('PENDING', 'WAITING', 'RUNNING', 'SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELLED')),
  error_policy    text NOT NULL CHECK (error_policy IN ('ALL_OR_NOTHING', 'SKIP_FAILED')),
  viewer          jsonb NOT NULL,
  created_by      text,
  input           jsonb NOT NULL,
  input_hash      text NOT NULL,
  idempotency_key text,
  created_at      timestamptz(3) NOT NULL,
  enqueued_at     timestamptz(3),
  started_at      timestamptz(3),
  finished_at     timestamptz(3),
  cleaned_at      timestamptz(3),
  -- Number of the latest attempt: the fencing token.
  attempt         integer NOT NULL DEFAULT 0,
  total           integer,
  -- Final counts. While a task runs they are the sums over its chunks, or what its attempt last reported.
  succeeded       integer NOT NULL DEFAULT 0,
  failed          integer NOT NULL DEFAULT 0,
  skipped         integer NOT NULL DEFAULT 0,
  message         text,
  result          jsonb
);

-- An anonymous viewer's keys share one name space.
CREATE UNIQUE INDEX task_idempotency_key ON powercrud.task (coalesce(created_by, ''), idempotency_key)
  WHERE idempotency_key IS NOT NULL;
-- The sweeper looks only at what is not done; these stay small however long the history grows.
CREATE INDEX task_pending ON powercrud.task (enqueued_at, created_at) WHERE status = 'PENDING';
CREATE INDEX task_running ON powercrud.task (started_at) WHERE status = 'RUNNING';
CREATE INDEX task_uncleaned ON powercrud.task (finished_at) WHERE finished_at IS NOT NULL AND cleaned_at IS NULL;
CREATE INDEX task_status ON powercrud.task (status, id);
CREATE INDEX task_model ON powercrud.task (model, id);

-- One row an attempt. The lease is here, not in the task, so that a heartbeat never waits for a chunk's fence.
CREATE TABLE powercrud.attempt (
  task_id      uuid NOT NULL REFERENCES powercrud.task ON DELETE CASCADE,
  number       integer NOT NULL,
  worker_id    text NOT NULL,
  started_at   timestamptz(3) NOT NULL,
  heartbeat_at timestamptz(3) NOT NULL,
  -- What the attempt last reported, as core's Progress; shown while it runs.
  progress     jsonb,
  PRIMARY KEY (task_id, number)
);

-- A part of a task's records, written in one transaction that also sets status and counts.
CREATE TABLE powercrud.chunk (
  task_id   uuid NOT NULL REFERENCES powercrud.task ON DELETE CASCADE,
  number    integer NOT NULL,
  ids       text[] NOT NULL,
  status    text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'DONE')),
  succeeded integer NOT NULL DEFAULT 0,
  failed    integer NOT NULL DEFAULT 0,
  skipped   integer NOT NULL DEFAULT 0,
  PRIMARY KEY (task_id, number)
) WITH (fillfactor = 80);
-- Ids are written once and read once: compressing them costs more than it saves.
ALTER TABLE powercrud.chunk ALTER COLUMN ids SET STORAGE EXTERNAL;

-- What a task could not do to single records.
CREATE TABLE powercrud.task_error (
  task_id   uuid NOT NULL REFERENCES powercrud.task ON DELETE CASCADE,
  position  bigint GENERATED ALWAYS AS IDENTITY,
  record_id text,
  outcome   text NOT NULL CHECK (outcome IN ('FAILED', 'SKIPPED')),
  code      text NOT NULL,
  message   text NOT NULL,
  field     text,
  PRIMARY KEY (task_id, position)
);

-- The log of lifecycle events.
CREATE TABLE powercrud.event (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- Set while the transaction commits, see powercrud.place_event().
  position bigint UNIQUE,
  task_id  uuid NOT NULL REFERENCES powercrud.task ON DELETE CASCADE,
  sequence integer NOT NULL,
  type     text NOT NULL,
  at       timestamptz(3) NOT NULL,
  progress jsonb NOT NULL,
  message  text,
  UNIQUE (task_id, sequence)
);
CREATE SEQUENCE powercrud.event_position AS bigint;

-- A number taken from a sequence becomes visible only when its transaction commits, so a higher one can be seen
-- first, and a reader that moves to the highest seen misses the lower. This trigger is deferred: it runs inside
-- COMMIT, takes a lock that the commit itself releases, and numbers the row only then. So numbers are given in the
-- order of commits, and no client can hold the lock by dawdling between two statements.
CREATE FUNCTION powercrud.place_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('powercrud.event', 0));
  UPDATE powercrud.event SET position = nextval('powercrud.event_position') WHERE id = NEW.id;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER place_event AFTER INSERT ON powercrud.event
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION powercrud.place_event();

-- The locks. A row holds a segment of a claim: up to 500 ids in order, and the bounds that let a look-up find the
-- few segments that may hold an id. A claim on a whole model has no ids. That two rows never name the same record
-- is not left to an index but to the functions below, which alone write here: they take the models' advisory locks.
CREATE TABLE powercrud.lock (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  owner   uuid NOT NULL,
  model   text NOT NULL,
  lowest  text COLLATE "C",
  highest text COLLATE "C",
  ids     text[],
  CHECK ((ids IS NULL) = (lowest IS NULL) AND (ids IS NULL) = (highest IS NULL))
);
ALTER TABLE powercrud.lock ALTER COLUMN ids SET STORAGE EXTERNAL;
CREATE INDEX lock_bounds ON powercrud.lock (model, lowest, highest);
CREATE INDEX lock_owner ON powercrud.lock (owner, model);

-- A part of a claim on its way to the functions below: the same as a row of powercrud.lock without its owner, but
-- the ids still one text, joined by a character that none of them contains. That travels, parses and splits several
-- times faster than an array of 100,000 elements.
CREATE TYPE powercrud.segment AS (model text, lowest text, highest text, ids text);

-- The ids of a segment; string_to_array() alone would turn the one empty id into no id.
CREATE FUNCTION powercrud.split_ids(ids text, separator text) RETURNS text[] LANGUAGE sql IMMUTABLE
  RETURN CASE ids WHEN '' THEN ARRAY[''] ELSE string_to_array(ids, separator) END;

-- The models' advisory locks until the end of the transaction: exclusive for who writes powercrud.lock, shared for
-- who only wants nobody to. In the order of their keys, so that crossing claims cannot deadlock. A statement sees
-- what was committed before it began, not what was committed while it waited: that is why the callers look for
-- conflicts in a statement of its own after this, and why only READ COMMITTED will do.
CREATE FUNCTION powercrud.enter_lock_models(models text[], is_exclusive boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  key bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'locks need a READ COMMITTED transaction' USING ERRCODE = 'invalid_transaction_state';
  END IF;
  FOR key IN SELECT DISTINCT hashtextextended('powercrud.lock:' || name, 0) AS k FROM unnest(models) AS name ORDER BY k
  LOOP
    IF is_exclusive THEN
      PERFORM pg_advisory_xact_lock(key);
    ELSE
      PERFORM pg_advisory_xact_lock_shared(key);
    END IF;
  END LOOP;
END $$;

-- What others than the owner hold of the segments: at most max_rows of them, each row with the number of all.
-- Records: only the segments whose bounds meet are taken apart, and compared by hash, so the cost does not depend
-- on how the ids of two tasks interleave.
CREATE FUNCTION powercrud.find_lock_conflicts(
  claimant uuid, asked powercrud.segment[], separator text, max_rows integer
) RETURNS TABLE (model text, id text, owner text, total integer) LANGUAGE plpgsql SET work_mem = '64MB' AS $$
BEGIN
  RETURN QUERY
  WITH wanted AS MATERIALIZED (SELECT w.* FROM unnest(asked) AS w),
  near AS MATERIALIZED (
    SELECT DISTINCT l.id FROM wanted w
    JOIN powercrud.lock l ON l.model = w.model AND l.lowest <= w.highest AND l.highest >= w.lowest
    WHERE l.owner IS DISTINCT FROM claimant
  ),
  conflict AS (
    SELECT l.model, NULL AS id, l.owner FROM powercrud.lock l
    WHERE l.model IN (SELECT w.model FROM wanted w) AND l.lowest IS NULL AND l.owner IS DISTINCT FROM claimant
    UNION ALL
    SELECT l.model, unnest(l.ids), l.owner FROM powercrud.lock l
    WHERE l.model IN (SELECT w.model FROM wanted w WHERE w.lowest IS NULL) AND l.owner IS DISTINCT FROM claimant
    UNION ALL
    SELECT h.model, h.id, h.owner
    FROM (SELECT l.model, unnest(l.ids) AS id, l.owner FROM near JOIN powercrud.lock l ON l.id = near.id) h
    JOIN (
      SELECT w.model, unnest(powercrud.split_ids(w.ids, separator)) AS id FROM wanted w WHERE EXISTS (SELECT FROM near)
    ) a ON a.id = h.id AND a.model = h.model
  )
  SELECT c.model, c.id, c.owner::text, (count(*) OVER ())::integer FROM conflict c
  ORDER BY c.model COLLATE "C", c.id COLLATE "C" NULLS FIRST LIMIT max_rows;
END $$;

-- Cuts ids, in any order, into an owner's segments.
CREATE FUNCTION powercrud.store_lock_ids(claimant uuid, models text[], ids text[]) RETURNS void LANGUAGE sql
BEGIN ATOMIC
  INSERT INTO powercrud.lock (owner, model, lowest, highest, ids)
  SELECT claimant, part.model, min(part.id), max(part.id), array_agg(part.id ORDER BY part.id)
  FROM (
    SELECT u.model, u.id COLLATE "C" AS id,
           (row_number() OVER (PARTITION BY u.model ORDER BY u.id COLLATE "C") - 1) / 500 AS number
    FROM unnest(models, ids) AS u(model, id)
  ) part
  GROUP BY part.model, part.number;
END;

-- Adds to what the owner holds already: nothing twice, and a claim on a whole model takes in those on its records.
CREATE FUNCTION powercrud.extend_lock(claimant uuid, asked powercrud.segment[], separator text) RETURNS void
LANGUAGE plpgsql SET work_mem = '64MB' AS $$
DECLARE
  new_models text[];
  new_ids text[];
BEGIN
  DELETE FROM powercrud.lock l USING unnest(asked) AS w
  WHERE w.lowest IS NULL AND l.owner = claimant AND l.model = w.model;
  INSERT INTO powercrud.lock (owner, model) SELECT claimant, w.model FROM unnest(asked) AS w WHERE w.lowest IS NULL;
  SELECT array_agg(a.model), array_agg(a.id) INTO new_models, new_ids FROM (
    SELECT w.model, unnest(powercrud.split_ids(w.ids, separator)) AS id FROM unnest(asked) AS w
    WHERE w.lowest IS NOT NULL AND NOT EXISTS (
      SELECT FROM powercrud.lock l WHERE l.owner = claimant AND l.model = w.model AND l.lowest IS NULL
    )
    EXCEPT
    SELECT l.model, unnest(l.ids) FROM powercrud.lock l
    WHERE l.owner = claimant AND l.model IN (SELECT w.model FROM unnest(asked) AS w)
  ) a;
  PERFORM powercrud.store_lock_ids(claimant, new_models, new_ids);
END $$;

-- The claim of one owner, in one round trip: stored whole, or not at all when it returns conflicts.
CREATE FUNCTION powercrud.acquire_lock(
  claimant uuid, asked powercrud.segment[], separator text, max_rows integer
) RETURNS TABLE (model text, id text, owner text, total integer) LANGUAGE plpgsql AS $$
DECLARE
  models text[] := ARRAY(SELECT DISTINCT w.model FROM unnest(asked) AS w);
BEGIN
  PERFORM powercrud.enter_lock_models(models, true);
  RETURN QUERY SELECT * FROM powercrud.find_lock_conflicts(claimant, asked, separator, max_rows);
  IF FOUND THEN
    RETURN;
  END IF;
  IF EXISTS (SELECT FROM powercrud.lock l WHERE l.owner = claimant AND l.model = ANY (models)) THEN
    PERFORM powercrud.extend_lock(claimant, asked, separator);
  ELSE
    INSERT INTO powercrud.lock (owner, model, lowest, highest, ids)
    SELECT claimant, w.model, w.lowest, w.highest, powercrud.split_ids(w.ids, separator) FROM unnest(asked) AS w;
  END IF;
END $$;

-- Keeps every task from claiming the records until the end of the transaction; returns what some task holds of them.
CREATE FUNCTION powercrud.guard_lock(
  asked powercrud.segment[], separator text, max_rows integer
) RETURNS TABLE (model text, id text, owner text, total integer) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM powercrud.enter_lock_models(ARRAY(SELECT w.model FROM unnest(asked) AS w), false);
  RETURN QUERY SELECT * FROM powercrud.find_lock_conflicts(NULL, asked, separator, max_rows);
END $$;

-- The same for one record, the guard of every single write: two look-ups in one index.
CREATE FUNCTION powercrud.guard_record(record_model text, record_id text)
RETURNS TABLE (model text, id text, owner text, total integer) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM powercrud.enter_lock_models(ARRAY[record_model], false);
  RETURN QUERY
  SELECT l.model, record_id, l.owner::text, 1 FROM powercrud.lock l
  WHERE l.model = record_model AND l.lowest <= record_id AND l.highest >= record_id AND record_id = ANY (l.ids)
  UNION ALL
  SELECT l.model, NULL, l.owner::text, 1 FROM powercrud.lock l WHERE l.model = record_model AND l.lowest IS NULL;
END $$;

-- Lets go of some of what the owner holds; of a whole model and all its records where a segment has no ids. What is
-- left of a segment is cut anew. Under the models' lock, or two releases at once would each restore the other's part.
CREATE FUNCTION powercrud.release_lock(claimant uuid, asked powercrud.segment[], separator text) RETURNS void
LANGUAGE plpgsql SET work_mem = '64MB' AS $$
DECLARE
  kept_models text[];
  kept_ids text[];
BEGIN
  PERFORM powercrud.enter_lock_models(ARRAY(SELECT w.model FROM unnest(asked) AS w), true);
  DELETE FROM powercrud.lock l USING unnest(asked) AS w
  WHERE w.lowest IS NULL AND l.owner = claimant AND l.model = w.model;
  WITH wanted AS MATERIALIZED (SELECT w.* FROM unnest(asked) AS w WHERE w.lowest IS NOT NULL),
  cut AS (
    DELETE FROM powercrud.lock l USING wanted w
    WHERE l.owner = claimant AND l.model = w.model AND l.lowest <= w.highest AND l.highest >= w.lowest
    RETURNING l.model, l.ids
  ),
  kept AS (
    SELECT cut.model, unnest(cut.ids) AS id FROM cut
    EXCEPT
    SELECT w.model, unnest(powercrud.split_ids(w.ids, separator)) FROM wanted w
  )
  SELECT array_agg(kept.model), array_agg(kept.id) INTO kept_models, kept_ids FROM kept;
  PERFORM powercrud.store_lock_ids(claimant, kept_models, kept_ids);
END $$;
