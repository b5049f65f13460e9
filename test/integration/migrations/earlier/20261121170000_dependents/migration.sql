-- What a task changes besides its records: who waits may come to need more, and a task's own guard is not in its way.

-- What is not yet in the claimant's rows of the segments: of what it holds, or of what it stands in line for.
CREATE FUNCTION powercrud.beyond_lock_rows(
  claimant uuid, asked powercrud.segment[], separator text, is_in_line boolean
) RETURNS powercrud.segment[] LANGUAGE sql STABLE SET work_mem = '64MB'
BEGIN ATOMIC
  WITH open AS MATERIALIZED (
    SELECT w.* FROM unnest(asked) WITH ORDINALITY AS w(model, lowest, highest, ids, scope, number) WHERE NOT EXISTS (
      SELECT FROM powercrud.lock l
      WHERE l.owner = claimant AND l.model = w.model AND l.lowest IS NULL AND (l.ticket IS NOT NULL) = is_in_line
        AND l.scope IN ('', w.scope)
    )
  ),
  fresh AS (
    SELECT o.number, o.model, o.scope, o.id COLLATE "C" AS id FROM (
      SELECT open.*, unnest(powercrud.split_ids(open.ids, separator)) AS id FROM open WHERE open.lowest IS NOT NULL
    ) o
    WHERE (o.model, o.id) NOT IN (
      SELECT l.model, unnest(l.ids) FROM powercrud.lock l
      WHERE l.owner = claimant AND l.lowest IS NOT NULL AND (l.ticket IS NOT NULL) = is_in_line
        AND l.model IN (SELECT open.model FROM open)
    )
  )
  SELECT coalesce(array_agg(part.segment), '{}') FROM (
    SELECT ROW(open.model, NULL, NULL, NULL, open.scope)::powercrud.segment AS segment FROM open
    WHERE open.lowest IS NULL
    UNION ALL
    SELECT ROW(
      fresh.model, min(fresh.id), max(fresh.id), string_agg(fresh.id, separator ORDER BY fresh.id), fresh.scope
    )::powercrud.segment
    FROM fresh GROUP BY fresh.number, fresh.model, fresh.scope
  ) part;
END;

CREATE OR REPLACE FUNCTION powercrud.not_yet_held(claimant uuid, asked powercrud.segment[], separator text)
RETURNS powercrud.segment[] LANGUAGE sql STABLE
  RETURN powercrud.beyond_lock_rows(claimant, asked, separator, false);

-- Stands the claimant in line for the segments. Who stands in line already keeps its place, and joins for what is new
-- behind those who came before: with a ticket that is never its lowest, and only that one decides for whom it waits,
-- so there is still no circle.
CREATE OR REPLACE FUNCTION powercrud.join_lock_line(claimant uuid, asked powercrud.segment[], separator text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  own_ticket bigint := nextval('powercrud.lock_ticket');
BEGIN
  IF EXISTS (SELECT FROM powercrud.lock l WHERE l.owner = claimant AND l.ticket IS NOT NULL) THEN
    asked := powercrud.beyond_lock_rows(claimant, asked, separator, true);
  END IF;
  INSERT INTO powercrud.lock (owner, model, scope, lowest, highest, ids, ticket)
  SELECT claimant, w.model, w.scope, w.lowest, w.highest, powercrud.split_ids(w.ids, separator), own_ticket
  FROM unnest(asked) AS w;
END $$;

-- Keeps every task from claiming the records until the end of the transaction; returns what tasks hold of them, except
-- the one that is named.
DROP FUNCTION powercrud.guard_lock(powercrud.segment[], text, integer);
CREATE FUNCTION powercrud.guard_lock(
  claimant uuid, asked powercrud.segment[], separator text, max_rows integer
) RETURNS TABLE (model text, id text, owner text, total integer) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM powercrud.enter_locks(ARRAY(SELECT w.model FROM unnest(asked) AS w), false, 'postgres');
  RETURN QUERY SELECT * FROM powercrud.find_lock_conflicts(claimant, asked, separator, NULL, max_rows);
END $$;
