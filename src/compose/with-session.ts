import type { Logger } from "../kernel/logger.ts";
import type { SqlSession } from "../kernel/sql-session.ts";
import { createPool } from "../adapters/postgres/create-pool.ts";
import { createPgSession } from "../adapters/postgres/pg-session.ts";

/** Which database, and as whom. */
export interface WithSessionOptions {
  readonly databaseUrl: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  readonly logger: Logger;
}

/** Does something on one connection, which ends with it. */
export async function withSession<Result>(
  { databaseUrl, ...options }: WithSessionOptions,
  work: (session: SqlSession) => Promise<Result>,
): Promise<Result> {
  const pool = createPool({ ...options, connectionString: databaseUrl, maxConnections: 1 });
  try {
    return await work(createPgSession(pool));
  } finally {
    await pool.end();
  }
}
