import type { PoolOptions, PoolUse } from "../adapters/postgres/connection/create-pool.ts";
import { createPool, useOf } from "../adapters/postgres/connection/create-pool.ts";
import { createReadConnections } from "../adapters/postgres/connection/read-connections.ts";
import { schemaOfUrl } from "../adapters/postgres/connection/schema-of-url.ts";
import { applySettings, settingStatement } from "../adapters/postgres/connection/session-settings.ts";
import type { TextRows } from "../adapters/postgres/connection/text-rows.ts";
import { createTextRows } from "../adapters/postgres/connection/text-rows.ts";
import type { LinedPool } from "../adapters/postgres/connection/lined-pool.ts";
import type { LeaseTrace } from "../adapters/postgres/connection/trace-leases.ts";
import { traceLeases } from "../adapters/postgres/connection/trace-leases.ts";
import { viewerPool } from "../adapters/postgres/connection/viewer-pool.ts";
import type { PrismaPort } from "../adapters/prisma/prisma-client-port.ts";
import type { PrismaTransactions } from "../adapters/prisma/prisma-unit-of-work.ts";
import { createPrismaUnitOfWork } from "../adapters/prisma/prisma-unit-of-work.ts";
import type { PowerCrudConfig } from "./define-config.ts";
import type { Config } from "../config/config.ts";
import type { SessionSettings, ViewerSessions } from "../core/access/viewer-sessions.ts";
import type { SqlSession } from "../kernel/sql-session.ts";
import type { Logger } from "../kernel/logger.ts";
import { PrismaPg } from "@prisma/adapter-pg";

/** The part of the app's Prisma client that is the same for all apps. */
type ConnectedClient = PrismaPort & { $disconnect(): Promise<void> };

/** The app's client, a unit of work on it, and reads over its connections. */
export interface ConnectedModels {
  readonly client: ConnectedClient;
  /**
   * The client for the app's code, and for reads. With auth.session it is the current viewer's own, since Prisma sends
   * look-ups of different callers as one statement.
   * @throws AppError INTERNAL where the caller runs on nobody's behalf
   */
  readonly clientOfViewer: () => ConnectedClient;
  readonly transactions: PrismaTransactions;
  /** For single writes, over the client's connections. */
  readonly rows: TextRows;
  /** For what queries read, over connections of their own. */
  readonly reads: TextRows;
  /** For files, each of which has a connection to itself until it ends. */
  readonly filePool: LinedPool;
  /** Ends all connections. */
  disconnect(): Promise<void>;
  /** How its connections are used: those of writes, and those of reads. */
  readonly poolUses: () => readonly PoolUse[];
}

/**
 * Connections for single writes. Each of these waits for the disk once, and those that wait at the same moment are written by
 * PostgreSQL together.
 */
const BASE_CONNECTIONS = 20;
/** One day. */
const FILE_TIMEOUT_MS = 86_400_000;
/** Chunks that a task writes at a time. */
const CHUNKS_PER_TASK = 2;

/** Clients of viewers that are kept, each some 5 MB. One more takes the place of the one that was not used for the longest time. */
const MAX_CLIENTS = 16;

/** Makes the app's client. Connects when first used. */
export function connectModels(options: {
  readonly generated: PowerCrudConfig["generated"];
  readonly databaseUrl: string;
  readonly config: Pick<Config, "workerConcurrency" | "readTimeoutMs" | "maxExports">;
  readonly logger: Logger;
  /** On whose behalf statements are sent. Default: nobody's. */
  readonly sessions?: ViewerSessions | undefined;
}): ConnectedModels {
  const { generated, databaseUrl, config, logger, sessions } = options;
  const { adapter, adapterFor, leases, rows, poolUse } = createPrismaConnections({
    connectionString: databaseUrl,
    maxConnections: BASE_CONNECTIONS + CHUNKS_PER_TASK * config.workerConcurrency,
    applicationName: "powercrud models",
    logger,
    sessions,
  });
  const reading = createReadConnections({
    connectionString: databaseUrl,
    readTimeoutMs: config.readTimeoutMs,
    logger,
    sessions,
  });
  const filePool = createPool({
    connectionString: databaseUrl,
    applicationName: "powercrud files",
    maxConnections: config.maxExports + config.workerConcurrency,
    // Files have limits of their own. This one is for a reader that PostgreSQL alone takes for alive.
    statementTimeoutMs: FILE_TIMEOUT_MS,
    logger,
  });
  // The generated client's own type depends on the app's schema.
  const connect = (over: PrismaPg): ConnectedClient =>
    generated.createClient({ adapter: over }) as ConnectedClient;
  const client = connect(adapter);
  const beginning =
    sessions &&
    (() => {
      const settings = sessions.current();
      return (session: SqlSession) => applySettings(session, settings);
    });
  return {
    client,
    clientOfViewer:
      sessions === undefined
        ? () => client
        : keepClients(sessions, (settings) => connect(adapterFor(settings))),
    transactions: createPrismaUnitOfWork({ client, logger, leases, beginning }),
    rows,
    poolUses: () => [poolUse(), reading.poolUse()],
    reads: reading.rows,
    filePool,
    async disconnect() {
      await filePool.end();
      await reading.end();
      await client.$disconnect();
    },
  };
}

/** The clients that were used last, by their settings. */
function keepClients(
  sessions: ViewerSessions,
  connect: (settings: SessionSettings) => ConnectedClient,
): () => ConnectedClient {
  const clients = new Map<string, ConnectedClient>();
  return () => {
    const settings = sessions.current();
    const key = JSON.stringify(settings);
    const client = clients.get(key) ?? connect(settings);
    // In the order of their use.
    clients.delete(key);
    clients.set(key, client);
    if (clients.size > MAX_CLIENTS) {
      clients.delete([...clients.keys()][0] ?? key);
    }
    return client;
  };
}

/** The driver adapter of a Prisma client, the connections of its transactions, and reads beside it. */
interface PrismaConnections {
  readonly adapter: PrismaPg;
  /** For a client whose statements are sent with these settings. */
  readonly adapterFor: (settings: SessionSettings) => PrismaPg;
  readonly leases: LeaseTrace;
  readonly rows: TextRows;
  readonly poolUse: () => PoolUse;
}

/**
 * Connects a Prisma client to PostgreSQL over a pool of ours: with the driver adapter's own pool, an error on a connection
 * between two statements would end the process. Disconnecting the client ends the pool.
 */
export function createPrismaConnections({
  sessions,
  ...options
}: PoolOptions & { readonly sessions?: ViewerSessions | undefined }): PrismaConnections {
  const pool = createPool(options);
  const schema = schemaOfUrl(options.connectionString);
  return {
    adapter: new PrismaPg(pool, { disposeExternalPool: true, schema }),
    adapterFor: (settings) => new PrismaPg(viewerPool(pool, settings), { schema }),
    leases: traceLeases(pool),
    rows: createTextRows(pool, sessions && (() => [settingStatement(sessions.current())])),
    poolUse: () => useOf("models", pool),
  };
}
