import { PrismaPg } from "@prisma/adapter-pg";
import type { PoolOptions } from "../adapters/postgres/create-pool.ts";
import { createPool } from "../adapters/postgres/create-pool.ts";
import type { LeaseTrace } from "../adapters/postgres/trace-leases.ts";
import { traceLeases } from "../adapters/postgres/trace-leases.ts";

/** What connects a Prisma client, and what tells which connection each of its transactions has. */
export interface PrismaConnections {
  readonly adapter: PrismaPg;
  readonly leases: LeaseTrace;
}

/**
 * What connects a Prisma client to PostgreSQL: over a pool like all others of the process, since an error on a connection
 * of the driver adapter's own, between two statements, would end the process. Disconnecting the client ends the pool.
 */
export function createPrismaConnections(options: PoolOptions): PrismaConnections {
  const pool = createPool(options);
  return { adapter: new PrismaPg(pool, { disposeExternalPool: true }), leases: traceLeases(pool) };
}
