-- The numbering of lifecycle events.

-- A number taken from a sequence becomes visible only when its transaction commits, so a higher one can be seen
-- first, and a reader that moves to the highest seen misses the lower. This trigger is deferred: it runs inside
-- COMMIT, takes a lock that the commit itself releases, and numbers the row only then. So numbers are given in the
-- order of commits, and no client can hold the lock by dawdling between two statements.
CREATE OR REPLACE FUNCTION powercrud.place_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('powercrud.event', 0));
  UPDATE powercrud.event SET position = nextval('powercrud.event_position') WHERE id = NEW.id;
  RETURN NULL;
END $$;

-- Constraint triggers know no OR REPLACE; making one anew would wait for every transaction that writes events.
DO $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_trigger WHERE tgrelid = 'powercrud.event'::regclass AND tgname = 'place_event'
  ) THEN
    CREATE CONSTRAINT TRIGGER place_event AFTER INSERT ON powercrud.event
      DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION powercrud.place_event();
  END IF;
END $$;
