/**
 * Triggers note every write to a city, and every change of a task's status, in the schema `chaos`.
 *
 * Each writer puts its mark into `notes`: a task its label, a single write a text of its own. A deletion leaves none; its
 * mark is that of the task that owns the records. The trigger looks, in a
 * snapshot of its own, for the tasks that own what is being written, and once more inside the commit. All of it is
 * part of the writing transaction: what is rolled back is not noted. The latitudes tell whose half of the world was written.
 */
export const INSTALL_AUDIT = `
CREATE SCHEMA chaos;

-- Some records refuse to grow, so that tasks fail, in part or whole.
UPDATE city SET population = 900000000 FROM (
  SELECT id, row_number() OVER (ORDER BY id) AS number FROM city
) numbered WHERE numbered.id = city.id AND numbered.number % 8192 = 4000;
ALTER TABLE city ADD CONSTRAINT stubborn CHECK (population <= 900000000);
CREATE TABLE chaos.before AS SELECT id, population FROM city;

CREATE TABLE chaos.write (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  mark text,
  mark_count integer NOT NULL,
  ids integer[] NOT NULL,
  lowest double precision,
  highest double precision,
  -- Of the records, how many the writer owns, and the labels of other tasks that own some.
  own_count integer NOT NULL DEFAULT 0,
  foreign_owners text[] NOT NULL DEFAULT '{}',
  foreign_at_commit text[] NOT NULL DEFAULT '{}'
);
CREATE TABLE chaos.transition (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  task_id uuid NOT NULL,
  old_status text NOT NULL,
  new_status text NOT NULL
);

-- Whom the records belong to now: a task that is neither settled nor in line owns what its chunks name.
CREATE FUNCTION chaos.owners(records integer[]) RETURNS TABLE (label text, status text, record_count integer)
LANGUAGE sql VOLATILE AS $$
  SELECT t.label, t.status, count(*)::integer
  FROM powercrud.task t JOIN powercrud.chunk c ON c.task_id = t.id AND c.number > 0, unnest(c.ids) AS held(id)
  WHERE t.status IN ('PENDING', 'RUNNING') AND held.id IN (SELECT r::text FROM unnest(records) AS r)
  GROUP BY t.label, t.status
$$;
CREATE FUNCTION chaos.foreign_owners(records integer[], writer text) RETURNS text[] LANGUAGE sql VOLATILE AS $$
  SELECT coalesce(array_agg(label), '{}') FROM chaos.owners(records) WHERE label IS DISTINCT FROM writer
$$;

CREATE FUNCTION chaos.note_write() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  found chaos.write;
BEGIN
  SELECT min(notes), count(DISTINCT notes), array_agg(id), min(latitude), max(latitude)
  INTO found.mark, found.mark_count, found.ids, found.lowest, found.highest FROM written;
  IF TG_OP = 'DELETE' THEN
    SELECT min(label), count(*) INTO found.mark, found.mark_count
    FROM chaos.owners(found.ids) WHERE status = 'RUNNING';
  END IF;
  IF found.ids IS NOT NULL THEN
    INSERT INTO chaos.write (mark, mark_count, ids, lowest, highest, own_count, foreign_owners)
    SELECT found.mark, found.mark_count, found.ids, found.lowest, found.highest,
           coalesce(sum(record_count) FILTER (WHERE label = found.mark AND status = 'RUNNING'), 0),
           coalesce(array_agg(label) FILTER (WHERE label IS DISTINCT FROM found.mark), '{}')
    FROM chaos.owners(found.ids);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER note_update AFTER UPDATE ON city REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION chaos.note_write();
CREATE TRIGGER note_insert AFTER INSERT ON city REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION chaos.note_write();
CREATE TRIGGER note_delete AFTER DELETE ON city REFERENCING OLD TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION chaos.note_write();

CREATE FUNCTION chaos.look_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE chaos.write SET foreign_at_commit = chaos.foreign_owners(NEW.ids, NEW.mark) WHERE id = NEW.id;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER look_at_commit AFTER INSERT ON chaos.write
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chaos.look_at_commit();

CREATE FUNCTION chaos.note_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO chaos.transition (task_id, old_status, new_status) VALUES (NEW.id, OLD.status, NEW.status);
  RETURN NULL;
END $$;
CREATE TRIGGER note_transition AFTER UPDATE ON powercrud.task FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.attempt IS DISTINCT FROM NEW.attempt)
  EXECUTE FUNCTION chaos.note_transition();
`;
