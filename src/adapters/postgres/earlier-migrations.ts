import { createHash, randomUUID } from "node:crypto";
import { AppError } from "../../kernel/app-error.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";

/** The name and text of a migration. */
export interface MigrationScript {
  readonly name: string;
  readonly script: string;
}

/** The engine's migrations before its first release. One migration with the same tables has replaced them. */
const EARLIER = [
  "20261121000000_engine",
  "20261121130000_locks_in_full",
  "20261121170000_dependents",
  "20261121180000_bulk_in_full",
];

const HISTORY = "powercrud._prisma_migrations";
const HAS_HISTORY = `SELECT to_regclass('${HISTORY}') IS NOT NULL AS found`;
/** $1 names. */
const LIST_EARLIER = `SELECT migration_name AS name FROM ${HISTORY}
  WHERE migration_name = ANY ($1::text[]) AND finished_at IS NOT NULL AND rolled_back_at IS NULL`;

/**
 * Earlier versions kept the locks in Redis or in PostgreSQL. Locks in Redis are restored from the claims of unsettled
 * tasks; the gate is closed first, so that no process of an earlier version claims meanwhile. Then drops all functions,
 * which are created again from their files, and the table that only locks in Redis needed.
 */
const CHANGE = `
  SELECT powercrud.enter_backend_alone();
  SELECT powercrud.restore_locks() FROM powercrud.backend WHERE name = 'redis';
  DO $$
  DECLARE
    signature text;
  BEGIN
    FOR signature IN
      SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'powercrud'::regnamespace ORDER BY oid DESC
    LOOP
      EXECUTE 'DROP FUNCTION IF EXISTS ' || signature || ' CASCADE';
    END LOOP;
  END $$;
  DROP TABLE powercrud.backend;
  CREATE TABLE powercrud.function_hash (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    hash    text NOT NULL
  )`;

/** $1 names. */
const FORGET_EARLIER = `DELETE FROM ${HISTORY} WHERE migration_name = ANY ($1::text[])`;
/** $1 id, $2 checksum, $3 name. */
const RECORD_APPLIED = `INSERT INTO ${HISTORY} (id, checksum, migration_name, finished_at, applied_steps_count)
  VALUES ($1, $2, $3, clock_timestamp(), 1)`;

/**
 * Brings a database with the earlier migrations to the state of the one that replaced them, and records that one as
 * applied, in one transaction. Tasks and locks are kept. Does nothing to any other database.
 * @param session one connection, outside a transaction, under a lock that keeps other migrators out
 * @throws AppError MIGRATION_FAILED where only some of the earlier migrations are applied
 */
export async function takeAlong(session: SqlSession, { name, script }: MigrationScript): Promise<void> {
  const [history] = await session.query<{ found: boolean }>(HAS_HISTORY);
  const rows = history?.found === true ? await session.query(LIST_EARLIER, [EARLIER]) : [];
  if (rows.length === 0) {
    return;
  }
  if (rows.length < EARLIER.length) {
    throw new AppError(
      "MIGRATION_FAILED",
      `the database has ${rows.length} of the engine's ${EARLIER.length} earlier migrations; ` +
        "apply the others with the version that brought them, then migrate again",
    );
  }
  await session.query("BEGIN");
  try {
    await session.query(CHANGE);
    await session.query(FORGET_EARLIER, [EARLIER]);
    // Computed as Prisma does; with any other checksum, the migration would count as edited.
    const checksum = createHash("sha256").update(script).digest("hex");
    await session.query(RECORD_APPLIED, [randomUUID(), checksum, name]);
    await session.query("COMMIT");
  } catch (error) {
    await session.query("ROLLBACK");
    throw error;
  }
}
