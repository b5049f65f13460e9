-- Imports: tasks whose rows come from a file.

ALTER TABLE powercrud.task
  DROP CONSTRAINT task_status_check,
  ADD CONSTRAINT task_status_check CHECK (
    status IN (
      'RECEIVING', 'PENDING', 'WAITING', 'RUNNING', 'PAUSED', 'SUCCEEDED', 'PARTIAL', 'FAILED', 'CANCELLED'
    )
  );

-- One row an import: what its file is, and how much of it has come. The values to write are in the task's chunks.
CREATE TABLE powercrud.import (
  task_id      uuid PRIMARY KEY REFERENCES powercrud.task ON DELETE CASCADE,
  -- How the file is read: format, key, mapping and dialect, as core's ImportForm.
  form         jsonb NOT NULL,
  file_name    text,
  -- The first line of a CSV file as it came, and what separates its cells.
  head         text,
  separator    text,
  -- What has come. Bytes as they were sent, so compressed ones where they were.
  bytes        bigint NOT NULL DEFAULT 0,
  rows         integer NOT NULL DEFAULT 0,
  -- How many of the rows cannot be written.
  rejected     integer NOT NULL DEFAULT 0,
  -- Who receives: a new id for each upload. Null while nobody does.
  receiver     uuid,
  -- RECEIVING: the lease of the receiver, or how long the task waits for an upload.
  alive_until  timestamptz(3) NOT NULL,
  -- SHA-256 of the file, in hex; set when all of it has come.
  content_hash text,
  received_at  timestamptz(3),
  -- What nobody needs any more of its rows is gone.
  tidied_at    timestamptz(3)
);
CREATE INDEX import_untidied ON powercrud.import (alive_until) WHERE tidied_at IS NULL;

-- The rows of the file as they came, for the file of those that failed.
CREATE TABLE powercrud.import_rows (
  task_id   uuid NOT NULL REFERENCES powercrud.task ON DELETE CASCADE,
  -- The index of the first row, from 0.
  first_row integer NOT NULL,
  -- The line on which each row begins, from 1.
  lines     integer[] NOT NULL,
  -- The rows, joined by U+FDD0, which stands for no character.
  texts     text NOT NULL,
  PRIMARY KEY (task_id, first_row)
);
-- Written once and hardly ever read: compressing costs more than it saves.
ALTER TABLE powercrud.import_rows ALTER COLUMN texts SET STORAGE EXTERNAL;
ALTER TABLE powercrud.import_rows ALTER COLUMN lines SET STORAGE EXTERNAL;

-- Finds the errors of the file's rows, in their order.
CREATE INDEX task_error_index ON powercrud.task_error (task_id, index) WHERE index IS NOT NULL;
