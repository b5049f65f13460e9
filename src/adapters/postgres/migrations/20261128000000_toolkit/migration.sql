-- What an app's own tasks need: children, pauses, retries after a failure, limits, schedules, hooks that are called at least
-- once, and notifications.

ALTER TABLE powercrud.task
  DROP CONSTRAINT task_status_check,
  ADD CONSTRAINT task_status_check CHECK (
    status IN ('PENDING', 'WAITING', 'RUNNING', 'PAUSED', 'SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELLED')
  ),
  -- The task whose handler launched it.
  ADD COLUMN parent_id uuid REFERENCES powercrud.task ON DELETE SET NULL,
  -- What it does about a record that it comes to need while it runs, and that another task holds.
  ADD COLUMN on_conflict text NOT NULL DEFAULT 'REJECT' CHECK (on_conflict IN ('REJECT', 'SKIP', 'WAIT')),
  -- The name of the schedule that launched it.
  ADD COLUMN schedule text,
  -- Whom to tell how it ended: [{"channel", "target"?, "on"?}].
  ADD COLUMN notify jsonb,
  -- At most concurrency_max tasks with the same key run at a time.
  ADD COLUMN concurrency_key text,
  ADD COLUMN concurrency_max integer,
  -- PENDING: no attempt begins before this time.
  ADD COLUMN postponed_until timestamptz(3),
  -- How many of its attempts ended with an error of the handler.
  ADD COLUMN failures integer NOT NULL DEFAULT 0,
  -- PENDING: since when the workers that take it do not know its kind.
  ADD COLUMN unknown_since timestamptz(3),
  -- PENDING: it was turned away, since the slots of its key were taken, or has been given one since.
  ADD COLUMN slot text CHECK (slot IN ('AWAITED', 'GIVEN')),
  -- How many of its attempts were ended by a pause.
  ADD COLUMN pauses integer NOT NULL DEFAULT 0;

CREATE INDEX task_parent ON powercrud.task (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX task_open_child ON powercrud.task (parent_id) WHERE parent_id IS NOT NULL AND finished_at IS NULL;
CREATE INDEX task_concurrency ON powercrud.task (concurrency_key, status)
  WHERE concurrency_key IS NOT NULL AND finished_at IS NULL;
CREATE INDEX task_slot ON powercrud.task (concurrency_key, id) WHERE slot IS NOT NULL;
CREATE INDEX task_unknown ON powercrud.task (kind) WHERE unknown_since IS NOT NULL;

-- Tasks that are paused, or that are to stop before their next chunk. Not in the task's row: asking waits for no chunk's fence.
CREATE TABLE powercrud.pause (
  task_id      uuid PRIMARY KEY REFERENCES powercrud.task ON DELETE CASCADE,
  requested_at timestamptz(3) NOT NULL,
  requested_by text,
  -- Since when it is PAUSED; null while its attempt is still to stop.
  paused_at    timestamptz(3)
);

-- RUNNING tasks that wait until another task settles. Not in the task's row: to note it waits for no chunk's fence. A row of
-- an earlier attempt says nothing.
CREATE TABLE powercrud.task_wait (
  task_id    uuid NOT NULL REFERENCES powercrud.task ON DELETE CASCADE,
  blocked_by uuid NOT NULL,
  attempt    integer NOT NULL,
  PRIMARY KEY (task_id, blocked_by)
);

-- Hooks that are still to be called for a settled task. Written with the step, deleted after the call.
CREATE TABLE powercrud.hook_call (
  task_id    uuid NOT NULL REFERENCES powercrud.task ON DELETE CASCADE,
  step       text NOT NULL CHECK (step IN ('complete', 'fail', 'cancel', 'cleanup')),
  created_at timestamptz(3) NOT NULL,
  -- A process calls it. Another may, once that was longer ago than a lease.
  taken_at   timestamptz(3),
  PRIMARY KEY (task_id, step)
);
CREATE INDEX hook_call_due ON powercrud.hook_call (created_at);

-- One row for each message to one recipient. Written with the task's settlement, so that a crash loses none. What it says is
-- in the task's row.
CREATE TABLE powercrud.notification (
  id         uuid PRIMARY KEY,
  task_id    uuid NOT NULL REFERENCES powercrud.task ON DELETE CASCADE,
  channel    text NOT NULL CHECK (channel IN ('IN_APP', 'EMAIL', 'WEBHOOK', 'CALLBACK')),
  -- The viewer's id, an address, a URL, or the name of a callback.
  target     text NOT NULL,
  status     text NOT NULL CHECK (status IN ('PENDING', 'SENT', 'DEAD')),
  -- How often a process began to send it.
  tries      integer NOT NULL DEFAULT 0,
  -- PENDING: no process tries before this time. Later than now while a process sends it.
  due_at     timestamptz(3) NOT NULL,
  created_at timestamptz(3) NOT NULL,
  sent_at    timestamptz(3),
  read_at    timestamptz(3),
  last_error text
);
CREATE INDEX notification_due ON powercrud.notification (due_at) WHERE status = 'PENDING';
CREATE INDEX notification_inbox ON powercrud.notification (target, id) WHERE channel = 'IN_APP';
CREATE INDEX notification_unread ON powercrud.notification (target) WHERE channel = 'IN_APP' AND read_at IS NULL;
CREATE INDEX notification_task ON powercrud.notification (task_id);
CREATE INDEX notification_dead ON powercrud.notification (id) WHERE status = 'DEAD';

-- The schedules of the config, and what became of them.
CREATE TABLE powercrud.schedule (
  name         text PRIMARY KEY,
  kind         text NOT NULL,
  input        jsonb NOT NULL,
  cron         text NOT NULL,
  time_zone    text NOT NULL,
  viewer       jsonb NOT NULL,
  -- What happens to due times that nobody was there for: one launch for all of them, or none.
  missed       text NOT NULL CHECK (missed IN ('ONCE', 'SKIP')),
  on_conflict  text NOT NULL CHECK (on_conflict IN ('WAIT', 'REJECT')),
  -- The process whose config this row shows, and when it last said so.
  keeper       text NOT NULL,
  kept_at      timestamptz(3) NOT NULL,
  next_run_at  timestamptz(3),
  -- A launch for next_run_at has begun. It stands for all due times up to this one.
  run_through  timestamptz(3),
  last_run_at  timestamptz(3),
  last_task_id uuid REFERENCES powercrud.task ON DELETE SET NULL,
  last_outcome text CHECK (last_outcome IN ('LAUNCHED', 'REFUSED', 'SKIPPED', 'UNAVAILABLE')),
  last_message text,
  paused_at    timestamptz(3),
  paused_by    text
);

-- Which kinds of tasks a process can run.
ALTER TABLE powercrud.process ADD COLUMN kinds text[] NOT NULL DEFAULT '{}';
