-- The engine's own tables. They live in the PostgreSQL schema "powercrud", apart from the app's models. The functions
-- that work on them are in ../../functions, one file a subject.

CREATE SCHEMA IF NOT EXISTS powercrud;

-- Which text the functions were last made from; they are made anew when it differs.
CREATE TABLE powercrud.function_hash (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  hash    text NOT NULL
);

-- One row a task: who launched what, its state, and how it ended.
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
  result          jsonb,
  -- What it claims: [{"model", "scope"?, "ids": [..] | "all" | "chunks"}]; "chunks" are the ids of its chunks from
  -- number 1 on.
  claims          jsonb NOT NULL DEFAULT '[]',
  -- WAITING: a task that holds, or waits before it for, something that this one waits for.
  blocked_by      uuid,
  is_dry_run      boolean NOT NULL DEFAULT false,
  retry_of        uuid REFERENCES powercrud.task ON DELETE SET NULL,
  -- Set while the task is unsettled, if an identical launch of its creator is to be answered with it.
  duplicate_key   text
);

-- An anonymous viewer's keys share one name space.
CREATE UNIQUE INDEX task_idempotency_key ON powercrud.task (coalesce(created_by, ''), idempotency_key)
  WHERE idempotency_key IS NOT NULL;
CREATE UNIQUE INDEX task_duplicate ON powercrud.task (coalesce(created_by, ''), duplicate_key)
  WHERE duplicate_key IS NOT NULL;
-- The sweeper looks only at what is not done; these stay small however long the history grows.
CREATE INDEX task_pending ON powercrud.task (enqueued_at, created_at) WHERE status = 'PENDING';
CREATE INDEX task_running ON powercrud.task (started_at) WHERE status = 'RUNNING';
CREATE INDEX task_waiting ON powercrud.task (blocked_by) WHERE status = 'WAITING';
CREATE INDEX task_uncleaned ON powercrud.task (finished_at) WHERE finished_at IS NOT NULL AND cleaned_at IS NULL;
-- Finds the tasks that are older than they are kept.
CREATE INDEX task_cleaned ON powercrud.task (finished_at) WHERE cleaned_at IS NOT NULL;
CREATE INDEX task_status ON powercrud.task (status, id);
CREATE INDEX task_model ON powercrud.task (model, id);
CREATE INDEX task_retry_of ON powercrud.task (retry_of) WHERE retry_of IS NOT NULL;

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

-- Requests to cancel running tasks. Not in the task's row: asking waits for no chunk's fence.
CREATE TABLE powercrud.cancellation (
  task_id      uuid PRIMARY KEY REFERENCES powercrud.task ON DELETE CASCADE,
  requested_at timestamptz(3) NOT NULL,
  requested_by text
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
  -- The fields that differ from record to record; null where none does.
  fields    text[],
  -- One text for each of the fields: the values of all records, in the order of ids, each followed by the separator.
  columns   text[],
  separator text,
  -- Stands for a value that is null.
  null_mark text,
  PRIMARY KEY (task_id, number)
) WITH (fillfactor = 80);
-- Ids and values are written once and read once: compressing them costs more than it saves.
ALTER TABLE powercrud.chunk ALTER COLUMN ids SET STORAGE EXTERNAL;
ALTER TABLE powercrud.chunk ALTER COLUMN columns SET STORAGE EXTERNAL;

-- Records that a task could not change, and why.
CREATE TABLE powercrud.task_error (
  task_id   uuid NOT NULL REFERENCES powercrud.task ON DELETE CASCADE,
  position  bigint GENERATED ALWAYS AS IDENTITY,
  record_id text,
  outcome   text NOT NULL CHECK (outcome IN ('FAILED', 'SKIPPED')),
  code      text NOT NULL,
  message   text NOT NULL,
  field     text,
  -- The record's place in the caller's list, from 0 on; for operations on a list of records.
  index     integer,
  PRIMARY KEY (task_id, position)
);
-- Finds the errors of single records. By hash, for an id may be longer than an index takes.
CREATE INDEX task_error_record ON powercrud.task_error (task_id, hashtextextended(record_id, 0));

-- The log of lifecycle events.
CREATE TABLE powercrud.event (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- Set while the transaction commits, see functions/events.sql.
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

-- The highest position of an event that was deleted with its task: the log's head never falls, so that every cursor
-- stays valid. The process that deletes locks the row.
CREATE TABLE powercrud.pruned (
  is_only  boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  position bigint NOT NULL DEFAULT 0
);
INSERT INTO powercrud.pruned DEFAULT VALUES;

-- The locks, and the lines of those who wait for them. A row holds a segment of a claim: up to 500 ids in order, and the
-- bounds that let a look-up find the few segments that may hold an id. A claim on a whole model has no ids. No index
-- keeps two rows from naming the same record; functions/locks.sql does, which alone writes here, behind the gate.
CREATE TABLE powercrud.lock (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  owner   uuid NOT NULL,
  model   text NOT NULL,
  lowest  text COLLATE "C",
  highest text COLLATE "C",
  ids     text[],
  -- A row with a ticket is not held: its owner stands in line for it, behind everybody with a smaller one.
  ticket  bigint,
  -- Narrows a claim on a whole model: it does not conflict with claims of another scope. Empty: conflicts with all.
  scope   text NOT NULL DEFAULT '',
  CHECK ((ids IS NULL) = (lowest IS NULL) AND (ids IS NULL) = (highest IS NULL))
);
ALTER TABLE powercrud.lock ALTER COLUMN ids SET STORAGE EXTERNAL;
CREATE INDEX lock_bounds ON powercrud.lock (model, lowest, highest);
CREATE INDEX lock_owner ON powercrud.lock (owner, model);
CREATE INDEX lock_line ON powercrud.lock (model, ticket) WHERE ticket IS NOT NULL;
CREATE SEQUENCE powercrud.lock_ticket AS bigint;

-- A part of a claim on its way to the functions: a row of powercrud.lock without its owner, but the ids are one text,
-- joined by a character that none of them contains. That travels, parses and splits several times faster than an array
-- of 100,000 elements.
CREATE TYPE powercrud.segment AS (model text, lowest text, highest text, ids text, scope text);

-- The processes that serve or work, as long as they announce themselves.
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
