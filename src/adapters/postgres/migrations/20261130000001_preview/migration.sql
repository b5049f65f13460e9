-- Errors may name a record of another model than the task's, such as one that another task holds. Null: of the task's.
ALTER TABLE powercrud.task_error ADD COLUMN model text;

-- What a dry run would have changed. Written once, when it has been tried; who reads it sees what their own rights allow.
CREATE TABLE powercrud.preview (
  task_id     uuid PRIMARY KEY REFERENCES powercrud.task ON DELETE CASCADE,
  -- The row filter of its creator, as a short text: all that is kept lies within. Null: no filter.
  read_filter text,
  -- What would become of each changed field over all records, as core's PreviewField.
  fields      jsonb NOT NULL
);

-- Some of its records as they were and would be, as core's PreviewRecord. The first few by number are a sample, too.
CREATE TABLE powercrud.preview_record (
  task_id   uuid NOT NULL REFERENCES powercrud.preview ON DELETE CASCADE,
  number    integer NOT NULL,
  record_id text NOT NULL,
  -- Its place in the selection.
  place     bigint NOT NULL,
  -- Values by field, and null where there is no such record.
  before    jsonb,
  after     jsonb,
  -- Why it would fail.
  error     jsonb,
  PRIMARY KEY (task_id, number)
);
