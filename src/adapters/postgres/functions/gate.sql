-- The gate: every claim and every guard goes through it.

-- Takes the models' advisory locks until the end of the transaction: exclusive for claims, shared for guards, which only
-- keep claims out. In the order of their keys, so that crossing claims cannot deadlock.
--
-- A statement sees what was committed before it began, not what was committed while it waited. So callers look for
-- conflicts in another statement after this one, and only READ COMMITTED will do.
--
-- A process that is stopped here, by SIGSTOP or a dead network, would keep the others waiting. So from now on the server
-- ends the session when it is idle in this transaction for 10 seconds; what it did is rolled back. The timeout is of idle
-- time: a long statement, and a hook of the app that works in the database, are not cut short. Set here, it costs no
-- round trip; a shorter timeout of the session's own stays.
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
  FOR key IN SELECT DISTINCT hashtextextended('powercrud.lock:' || name, 0) AS k FROM unnest(models) AS name ORDER BY k
  LOOP
    IF is_exclusive THEN
      PERFORM pg_advisory_xact_lock(key);
    ELSE
      PERFORM pg_advisory_xact_lock_shared(key);
    END IF;
  END LOOP;
END $$;
