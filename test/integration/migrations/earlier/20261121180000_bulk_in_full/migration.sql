-- What differs from record to record, dry runs, suppressed duplicates, retries, and where in the caller's list an
-- erroneous record stood.

-- What the columns of a chunk are for; null where nothing differs from record to record.
ALTER TABLE powercrud.chunk ADD COLUMN fields text[];
-- One text for each of the fields: the values of all records, in the order of ids, each followed by the separator.
ALTER TABLE powercrud.chunk ADD COLUMN columns text[];
ALTER TABLE powercrud.chunk ADD COLUMN separator text;
-- Stands for a value that is null.
ALTER TABLE powercrud.chunk ADD COLUMN null_mark text;
ALTER TABLE powercrud.chunk ALTER COLUMN columns SET STORAGE EXTERNAL;

ALTER TABLE powercrud.task ADD COLUMN is_dry_run boolean NOT NULL DEFAULT false;
ALTER TABLE powercrud.task ADD COLUMN retry_of uuid REFERENCES powercrud.task ON DELETE SET NULL;
CREATE INDEX task_retry_of ON powercrud.task (retry_of) WHERE retry_of IS NOT NULL;
-- Set while a task is unsettled that an identical launch of its creator is to be answered with.
ALTER TABLE powercrud.task ADD COLUMN duplicate_key text;
CREATE UNIQUE INDEX task_duplicate ON powercrud.task (coalesce(created_by, ''), duplicate_key)
  WHERE duplicate_key IS NOT NULL;

-- From 0 on; for operations on a list of records.
ALTER TABLE powercrud.task_error ADD COLUMN index integer;
-- Finds the errors of single records. By hash, for an id may be longer than an index takes.
CREATE INDEX task_error_record ON powercrud.task_error (task_id, hashtextextended(record_id, 0));

-- Finds the tasks that are older than they are kept.
CREATE INDEX task_cleaned ON powercrud.task (finished_at) WHERE cleaned_at IS NOT NULL;
-- The highest position of an event that was deleted with its task: the log's head never falls, so that every cursor
-- stays valid. Who deletes holds the row.
CREATE TABLE powercrud.pruned (
  is_only  boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  position bigint NOT NULL DEFAULT 0
);
INSERT INTO powercrud.pruned DEFAULT VALUES;
