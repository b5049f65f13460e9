-- The trace that a task was launched in, as W3C traceparent; null where nobody traces.
ALTER TABLE powercrud.task ADD COLUMN trace text;
