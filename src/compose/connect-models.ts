import type { PoolOptions, PoolUse } from "../adapters/postgres/connection/create-pool.ts";
import { createPool, useOf } from "../adapters/postgres/connection/create-pool.ts";
import { createReadConnections } from "../adapters/postgres/connection/read-connections.ts";
import { schemaOfUrl } from "../adapters/postgres/connection/schema-of-url.ts";
import type { TextRows } from "../adapters/postgres/connection/text-rows.ts";
import { createTextRows } from "../adapters/postgres/connection/text-rows.ts";
import type { LeaseTrace } from "../adapters/postgres/connection/trace-leases.ts";
import { traceLeases } from "../adapters/postgres/connection/trace-leases.ts";
import type { PrismaPort } from "../adapters/prisma/prisma-client-port.ts";
import type { PrismaTransactions } from "../adapters/prisma/prisma-unit-of-work.ts";
import { createPrismaUnitOfWork } from "../adapters/prisma/prisma-unit-of-work.ts";
import type { PowerCrudConfig } from "./define-config.ts";
import type { Config } from "../config/config.ts";
import type { Logger } from "../kernel/logger.ts";
import { PrismaPg } from "@prisma/adapter-pg";

/** The part of the app's Prisma client that is the same for all apps. */
type ConnectedClient = PrismaPort & { $disconnect(): Promise<void> };

/** The app's client, a unit of work on it, and reads over its connections. */
export interface ConnectedModels {
  readonly client: ConnectedClient;
  readonly transactions: PrismaTransactions;
  /** For single writes, over the client's connections. */
  readonly rows: TextRows;
  /** For what queries read, over connections of their own. */
  readonly reads: TextRows;
  /** Ends all connections. */
  disconnect(): Promise<void>;
  /** How its connections are used. */
  readonly poolUse: () => PoolUse;
}

/**
 * Connections for single writes. Each of these waits for the disk once, and those that wait at the same moment are written by
 * PostgreSQL together.
 */
const BASE_CONNECTIONS = 20;
/** Chunks that a task writes at a time. */
const CHUNKS_PER_TASK = 2;

/** Makes the app's client. Connects when first used. */
export function connectModels(options: {
  readonly generated: PowerCrudConfig["generated"];
  readonly databaseUrl: string;
  readonly config: Pick<Config, "workerConcurrency" | "readTimeoutMs">;
  readonly logger: Logger;
}): ConnectedModels {
  const { generated, databaseUrl, config, logger } = options;
  const { adapter, leases, rows, poolUse } = createPrismaConnections({
    connectionString: databaseUrl,
    maxConnections: BASE_CONNECTIONS + CHUNKS_PER_TASK * config.workerConcurrency,
    applicationName: "powercrud models",
    logger,
  });
  const reading = createReadConnections({
    connectionString: databaseUrl,
    readTimeoutMs: config.readTimeoutMs,
    logger,
  });
  // The generated client's own type depends on the app's schema.
  const client = generated.createClient({ adapter }) as ConnectedClient;
  return {
    client,
    transactions: createPrismaUnitOfWork({ client, logger, leases }),
    rows,
    poolUse,
    reads: reading.rows,
    async disconnect() {
      await reading.end();
      await client.$disconnect();
    },
  };
}

/** The driver adapter of a Prisma client, the connections of its transactions, and reads beside it. */
interface PrismaConnections {
  readonly adapter: PrismaPg;
  readonly leases: LeaseTrace;
  readonly rows: TextRows;
  readonly poolUse: () => PoolUse;
}

/**
 * Connects a Prisma client to PostgreSQL over a pool of ours: with the driver adapter's own pool, an error on a connection
 * between two statements would end the process. Disconnecting the client ends the pool.
 */
export function createPrismaConnections(options: PoolOptions): PrismaConnections {
  const pool = createPool(options);
  const schema = schemaOfUrl(options.connectionString);
  return {
    adapter: new PrismaPg(pool, { disposeExternalPool: true, schema }),
    leases: traceLeases(pool),
    rows: createTextRows(pool),
    poolUse: () => useOf("models", pool),
  };
}
