import { createEmbeddedPostgres } from "../adapters/embedded/create-embedded-postgres.ts";
import { createPool } from "../adapters/postgres/connection/create-pool.ts";
import { createPgSession } from "../adapters/postgres/connection/pg-session.ts";
import { reachDatabase } from "../adapters/postgres/connection/reach-database.ts";
import type { AppError } from "../kernel/app-error.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import type { SqlSession } from "../kernel/sql-session.ts";

/** The database to use. */
export interface DatabaseOptions {
  /** An existing PostgreSQL; if undefined, the embedded one is started. */
  readonly databaseUrl: string | undefined;
  /** The folder of the embedded PostgreSQL, absolute. */
  readonly dataDir: string;
  /** The folder to use if root starts it and PostgreSQL's own user cannot reach `dataDir`. Default: the start fails. */
  readonly fallbackDir?: string | undefined;
  readonly logger: Logger;
  /** Called when the embedded one has ended and cannot be started again. */
  readonly onLost?: (error: AppError) => void;
}

/** The database as a service; once started, it can be used. */
interface Database extends Service {
  /** The connection string; only after the start. */
  readonly url: string;
}

/** The operator's database, or the embedded one. Its start throws AppError START_FAILED with the reason. */
export function createDatabase({ databaseUrl, ...embedded }: DatabaseOptions): Database {
  if (databaseUrl === undefined) {
    return createEmbeddedPostgres(embedded);
  }
  const service = createService({
    name: "PostgreSQL",
    start: () => reachDatabase(databaseUrl),
    stop: () => Promise.resolve(),
  });
  return { ...service, url: databaseUrl };
}

/** The connection to open. */
interface WithSessionOptions {
  readonly databaseUrl: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  readonly logger: Logger;
}

/** Calls `work` with one connection, and closes it afterwards. */
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
