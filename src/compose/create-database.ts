import type { Logger } from "../kernel/logger.ts";
import { createService, type Service } from "../kernel/service.ts";
import { createEmbeddedPostgres } from "../adapters/embedded/create-embedded-postgres.ts";
import { reachDatabase } from "../adapters/postgres/reach-database.ts";

/** Which database to use. */
export interface DatabaseOptions {
  /** A PostgreSQL that is there already; without it the embedded one is started. */
  readonly databaseUrl: string | undefined;
  /** The folder of the embedded PostgreSQL, absolute. */
  readonly dataDir: string;
  /** Where it goes when root starts it and its user cannot reach `dataDir`. Default: then the start fails. */
  readonly fallbackDir?: string | undefined;
  readonly logger: Logger;
}

/** The database as a service: its start makes sure that it can be used. */
export interface Database extends Service {
  /** The connection string; only after the start. */
  readonly url: string;
}

/** The database that the operator gave, or else the embedded one. Its start throws START_FAILED with the reason. */
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
