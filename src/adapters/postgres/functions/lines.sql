-- The lines of tasks that wait for locks: rows of powercrud.lock with a ticket.

-- The part of the segments that the claimant's rows do not cover yet. is_in_line chooses the rows: its places in line, or
-- its held locks.
CREATE OR REPLACE FUNCTION powercrud.beyond_lock_rows(
  claimant uuid, asked powercrud.segment[], separator text, is_in_line boolean
) RETURNS powercrud.segment[] LANGUAGE sql STABLE SET work_mem = '64MB' AS $$
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
  ) part
$$;

-- Puts the claimant in line for the segments. If it is in line already, it keeps its place, and gets another ticket at the
-- end of the line for the new segments. Only its lowest ticket decides which owners it waits for, so owners never wait for
-- each other in a circle.
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

-- The claimant's place in line; the highest possible number if it is not in line.
CREATE OR REPLACE FUNCTION powercrud.lock_ticket_of(claimant uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT coalesce(
    (SELECT min(l.ticket) FROM powercrud.lock l WHERE l.owner = claimant AND l.ticket IS NOT NULL),
    9223372036854775807
  )
$$;
