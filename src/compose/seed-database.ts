import type { ConfigOf, Variables } from "../config/variable.ts";
import type { SchemaDescription } from "../adapters/prisma/schema-description.ts";
import type { PrismaPort } from "../adapters/prisma/prisma-client-port.ts";
import { schemaOfUrl } from "../adapters/postgres/connection/schema-of-url.ts";
import { createPrismaUnitOfWork } from "../adapters/prisma/prisma-unit-of-work.ts";
import { requiredSession } from "../core/transactions/transaction.ts";
import { AppError, isAppError } from "../kernel/app-error.ts";
import type { Logger } from "../kernel/logger.ts";
import { quoteName } from "../kernel/sql-session.ts";
import { createPrismaConnections } from "./connect-models.ts";
import type { AppSeedOptions, PowerCrudConfig, SeedFunction } from "./define-config.ts";
import { schemaOf } from "./define-config.ts";

/** The options of {@link seedDatabase}. */
export interface SeedDatabaseOptions extends Pick<AppSeedOptions, "databaseUrl" | "progress" | "signal"> {
  readonly config: PowerCrudConfig;
  /** Reads the seed's own environment variables. */
  readonly readVariables: (variables: Variables) => ConfigOf<Variables>;
  readonly logger: Logger;
}

/**
 * Runs the project's seed on a migrated database, if it has one and has not run before.
 * @returns a sentence about what it did; undefined if the project has no seed
 * @throws AppError START_FAILED with the reason if the seed throws; INVALID_CONFIG for its variables
 */
export async function seedDatabase(options: SeedDatabaseOptions): Promise<string | undefined> {
  const { databaseUrl, progress, signal, readVariables } = options;
  const { seed } = options.config;
  if (seed === undefined) {
    return undefined;
  }
  try {
    return typeof seed === "function"
      ? await seedOnce(options, seed)
      : await seed.run({ databaseUrl, progress, signal, config: readVariables(seed.variables ?? {}) });
  } catch (cause) {
    if (isAppError(cause) || signal.aborted) {
      throw cause;
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new AppError("START_FAILED", `the project's seed failed: ${reason}`, { cause });
  }
}

/** A seed may take its time, within a statement and between two. */
const TIMEOUT_MS = 24 * 60 * 60_000;

/** Of several processes that start together, the second one waits here, and then finds the records. */
const KEEP_OTHERS_OUT = "SELECT pg_advisory_xact_lock(hashtextextended('powercrud seed', 0))";

async function seedOnce(options: SeedDatabaseOptions, seed: SeedFunction): Promise<string> {
  const { config, databaseUrl, progress, signal, logger } = options;
  const { adapter, leases } = createPrismaConnections({
    connectionString: databaseUrl,
    applicationName: "powercrud seed",
    maxConnections: 1,
    statementTimeoutMs: TIMEOUT_MS,
    idleInTransactionTimeoutMs: TIMEOUT_MS,
    logger,
  });
  const client = config.generated.createClient({ adapter }) as PrismaPort & { $disconnect(): Promise<void> };
  const transactions = createPrismaUnitOfWork({ client, logger, leases });
  try {
    return await transactions.run(async (transaction) => {
      const session = requiredSession(transaction);
      await session.query(KEEP_OTHERS_OUT);
      const [row] = await session.query<{ found: boolean }>(
        hasRecordsSql(schemaOf(config), schemaOfUrl(databaseUrl)),
      );
      if (row?.found === true) {
        return "the database has records, so nothing was seeded";
      }
      const prisma = transactions.clientOf(transaction);
      return (await seed({ prisma, progress, signal })) ?? "seeded";
    });
  } finally {
    await client.$disconnect();
  }
}

/** Whether any table of the models has a record. */
function hasRecordsSql({ models }: SchemaDescription, defaultSchema: string): string {
  const tables = Object.values(models)
    .filter(({ isView }) => !isView)
    .map(
      ({ schema = defaultSchema, table }) => `EXISTS (SELECT FROM ${quoteName(schema)}.${quoteName(table)})`,
    );
  return `SELECT ${["false", ...tables].join(" OR ")} AS found`;
}
