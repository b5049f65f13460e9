/** $1-$7 the process's columns in order, $8 now. */
export const ANNOUNCE_PROCESS = `
  INSERT INTO powercrud.process (id, role, backend, host, pid, concurrency, started_at, seen_at)
  VALUES ($1::text, $2::text, $3::text, $4::text, $5::integer, $6::integer, $7::timestamptz, $8::timestamptz)
  ON CONFLICT (id) DO UPDATE SET seen_at = EXCLUDED.seen_at`;

/** $1 id. */
export const WITHDRAW_PROCESS = "DELETE FROM powercrud.process WHERE id = $1::text";

/** $1 since. */
export const LIST_PROCESSES = `
  SELECT id, role, backend, host, pid, concurrency, started_at AS "startedAt", seen_at AS "seenAt"
  FROM powercrud.process WHERE seen_at >= $1::timestamptz ORDER BY started_at, id`;

/** $1 backend, $2 since. Who uses another one. */
export const OTHER_BACKENDS = `
  SELECT id, backend FROM powercrud.process
  WHERE backend <> $1::text AND seen_at >= $2::timestamptz ORDER BY started_at, id`;

export const READ_BACKEND = "SELECT name FROM powercrud.backend";

/** $1 since. */
export const FORGET_PROCESSES = "DELETE FROM powercrud.process WHERE seen_at < $1::timestamptz";

/** $1 backend. With a new epoch: whatever an old lock table says counts no more. */
export const MOVE_LOCKS = "UPDATE powercrud.backend SET name = $1::text, epoch = gen_random_uuid()::text";

/** What is held is written in Redis from now on; lines stay. */
export const CLEAR_HELD_LOCKS = "DELETE FROM powercrud.lock WHERE ticket IS NULL";

export const RESTORE_LOCKS =
  "SELECT count(*)::integer AS done FROM (SELECT powercrud.restore_locks()) AS restored";
