import { PrismaPg } from "@prisma/adapter-pg";
import type { PoolOptions } from "../adapters/postgres/create-pool.ts";
import { createPool } from "../adapters/postgres/create-pool.ts";

/**
 * What connects a Prisma client to PostgreSQL: over a pool like all others of the process, since an error on a connection
 * of the driver adapter's own, between two statements, would end the process. Disconnecting the client ends the pool.
 */
export function createPrismaAdapter(options: PoolOptions): PrismaPg {
  return new PrismaPg(createPool(options), { disposeExternalPool: true });
}
