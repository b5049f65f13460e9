import { AppError } from "../../kernel/app-error.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";

/**
 * Tells one database from every other, also from its copies: the cluster's own identifier, which replicas share with
 * their primary, and the database's number in it.
 */
export async function readDeploymentId(session: SqlSession): Promise<string> {
  const [row] = await session.query<{ id: string }>(
    `SELECT s.system_identifier::text || '.' || d.oid::text AS id
     FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()`,
  );
  if (row === undefined) {
    throw new AppError("INTERNAL", "the database does not know itself");
  }
  return row.id;
}

/** The present moment by the server's clock, not that of the transaction's begin. */
export async function readServerTime(session: SqlSession): Promise<Date> {
  const [row] = await session.query<{ at: Date }>("SELECT clock_timestamp() AS at");
  if (row === undefined) {
    throw new AppError("INTERNAL", "the database does not tell the time");
  }
  return row.at;
}
