import type { Logger } from "../kernel/logger.ts";
import type { PrismaPort } from "../adapters/prisma/prisma-client-port.ts";
import type { PrismaTransactions } from "../adapters/prisma/prisma-unit-of-work.ts";
import { createPrismaUnitOfWork } from "../adapters/prisma/prisma-unit-of-work.ts";
import type { NamedInDatabase } from "../adapters/prisma/read-model-registry.ts";
import type { Config } from "../config/config.ts";
import { createPrismaConnections } from "./create-prisma-adapter.ts";
import type { PowerCrudApp } from "./define-app.ts";

/** The app's client, as far as it is the same for all apps. */
export type ConnectedClient = PrismaPort & NamedInDatabase & { $disconnect(): Promise<void> };

/** The app's client, and what opens transactions with it. */
export interface ConnectedModels {
  readonly client: ConnectedClient;
  readonly transactions: PrismaTransactions;
}

/** Connections for reads and single writes. */
const BASE_CONNECTIONS = 10;
/** Chunks that a task writes at a time. */
const CHUNKS_PER_TASK = 2;
/** Makes the app's client. Connects when first used. */
export function connectModels(options: {
  readonly app: PowerCrudApp;
  readonly databaseUrl: string;
  readonly config: Pick<Config, "workerConcurrency">;
  readonly logger: Logger;
}): ConnectedModels {
  const { app, databaseUrl, config, logger } = options;
  const { adapter, leases } = createPrismaConnections({
    connectionString: databaseUrl,
    maxConnections: BASE_CONNECTIONS + CHUNKS_PER_TASK * config.workerConcurrency,
    applicationName: "powercrud models",
    logger,
  });
  // The generated client's own type is the app's; this is the part that is the same for all.
  const client = app.generated.createClient({ adapter }) as ConnectedClient;
  return { client, transactions: createPrismaUnitOfWork({ client, logger, leases }) };
}
