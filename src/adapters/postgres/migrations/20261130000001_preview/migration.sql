-- Errors may name a record of another model than the task's, such as one that another task holds. Null: of the task's.
ALTER TABLE powercrud.task_error ADD COLUMN model text;
