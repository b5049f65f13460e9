-- The numbering of lifecycle events.

-- A number from a sequence becomes visible only when its transaction commits. So a higher number can become visible before
-- a lower one, and a reader that continues after the highest number misses the lower one. This trigger is deferred: it runs
-- inside COMMIT, takes a lock that the commit releases, and only then numbers the row. So numbers follow the order of
-- commits, and no client can hold the lock by pausing between two statements.
CREATE OR REPLACE FUNCTION powercrud.place_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('powercrud.event', 0));
  UPDATE powercrud.event SET position = nextval('powercrud.event_position') WHERE id = NEW.id;
  RETURN NULL;
END $$;

-- Constraint triggers have no OR REPLACE, and replacing one would wait for every transaction that writes events.
DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_trigger WHERE tgrelid = 'powercrud.event'::regclass AND tgname = 'place_event'
  ) THEN
    CREATE CONSTRAINT TRIGGER place_event AFTER INSERT ON powercrud.event
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION powercrud.place_event();
  END IF;
END $$;
