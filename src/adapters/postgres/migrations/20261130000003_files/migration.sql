-- The files that tasks write, in parts. Each attempt writes its own; the result of the task says whose is the file.
CREATE TABLE powercrud.task_file (
    task_id uuid NOT NULL REFERENCES powercrud.task ON DELETE CASCADE,
    attempt integer NOT NULL,
    part integer NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (task_id, attempt, part)
);
