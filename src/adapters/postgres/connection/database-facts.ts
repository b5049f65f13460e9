import { AppError } from "../../../kernel/app-error.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";

/**
 * An id that no other database has, not even a copy: the identifier of the cluster, which replicas share with their
 * primary, and the number of the database in it.
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

/** The time by the server's clock now, not at the begin of the transaction. */
export async function readServerTime(session: SqlSession): Promise<Date> {
  const [row] = await session.query<{ at: Date }>("SELECT clock_timestamp() AS at");
  if (row === undefined) {
    throw new AppError("INTERNAL", "the database does not tell the time");
  }
  return row.at;
}
