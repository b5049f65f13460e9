-- The gate: every claim and every guard passes it.

-- Takes the models' advisory locks until the end of the transaction: exclusive for claims, shared for guards, which only
-- keep claims out. Takes them in the order of their keys, so that concurrent claims cannot deadlock.
--
-- A statement does not see what was committed while it waited. So callers look for conflicts in another statement after
-- this one, which requires READ COMMITTED.
--
-- A process that stops here, by SIGSTOP or a dead network, would keep all others waiting. So from now on the server ends
-- the session, and rolls it back, if it is idle in this transaction for 10 seconds. Only idle time counts: long statements,
-- and hooks that work in the database, are not cut short. A shorter timeout of the session stays in force. Setting it here
-- saves a round trip.
CREATE OR REPLACE FUNCTION powercrud.enter_locks(models text[], is_exclusive boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  key bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'locks need a READ COMMITTED transaction' USING ERRCODE = 'invalid_transaction_state';
  END IF;
  IF current_setting('idle_in_transaction_session_timeout')::interval NOT BETWEEN '1 ms' AND '10 s' THEN
    PERFORM set_config('idle_in_transaction_session_timeout', '10s', true);
  END IF;
  FOR key IN SELECT DISTINCT powercrud.gate_key(name) AS k FROM unnest(models) AS name ORDER BY k
  LOOP
    IF is_exclusive THEN
      PERFORM pg_advisory_xact_lock(key);
    ELSE
      PERFORM pg_advisory_xact_lock_shared(key);
    END IF;
  END LOOP;
END $$;

-- The key of a model's advisory lock.
CREATE OR REPLACE FUNCTION powercrud.gate_key(model text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT hashtextextended('powercrud.lock:' || model, 0)
$$;

-- The same as enter_locks without waiting: false where another transaction is in the way. Some of the models may be entered
-- by then, so the caller must roll back. For transactions that have locked rows: one that waited here could deadlock with a
-- writer that is in the gate and waits for a row.
CREATE OR REPLACE FUNCTION powercrud.try_enter_locks(models text[], is_exclusive boolean) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  key bigint;
BEGIN
  FOR key IN SELECT powercrud.gate_key(name) FROM unnest(models) AS name LOOP
    IF is_exclusive AND NOT pg_try_advisory_xact_lock(key)
      OR NOT is_exclusive AND NOT pg_try_advisory_xact_lock_shared(key) THEN
      RETURN false;
    END IF;
  END LOOP;
  PERFORM powercrud.enter_locks(models, is_exclusive);
  RETURN true;
END $$;
