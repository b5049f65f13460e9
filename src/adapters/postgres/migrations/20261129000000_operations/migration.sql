ALTER TABLE powercrud.task
  -- The trace that it was launched in, as W3C traceparent; null where nobody traces.
  ADD COLUMN trace text,
  -- How many of its attempts were ended since their process stopped.
  ADD COLUMN hand_overs integer NOT NULL DEFAULT 0;
