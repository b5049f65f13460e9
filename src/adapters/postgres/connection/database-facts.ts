import { AppError } from "../../../kernel/app-error.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";

/**
 * An id that is unique to this database, even among copies of it: the identifier of the cluster, which replicas share
 * with their primary, and the number of the database in it.
 */
export async function readDeploymentId(session: SqlSession): Promise<string> {
  const [row] = await session.query<{ id: string }>(
    `SELECT s.system_identifier::text || '.' || d.oid::text AS id
     FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()`,
  );
  if (row === undefined) {
    throw new AppError("INTERNAL", "the database has no identifier");
  }
  return row.id;
}

/** The current time by the server's clock, not the time at which the transaction began. */
export async function readServerTime(session: SqlSession): Promise<Date> {
  const [row] = await session.query<{ at: Date }>("SELECT clock_timestamp() AS at");
  if (row === undefined) {
    throw new AppError("INTERNAL", "the database did not return its time");
  }
  return row.at;
}
