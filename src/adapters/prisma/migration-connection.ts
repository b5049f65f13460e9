import { PrismaPg } from "@prisma/adapter-pg";
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type ErrorCapturingSqlMigrationAwareDriverAdapterFactory,
  type SqlDriverAdapter,
  type SqlResultSet,
} from "@prisma/driver-adapter-utils";
import type { SqlSession } from "../../kernel/sql-session.ts";
import { DatabaseError, Pool, type PoolClient, type QueryResult } from "pg";

/** One connection to PostgreSQL that Prisma's schema engine and we use in turn. */
export interface MigrationConnection {
  /** The connection for the engine. */
  readonly factory: ErrorCapturingSqlMigrationAwareDriverAdapterFactory;
  /** For statements of our own, between the engine's. */
  readonly session: SqlSession;
  /** PostgreSQL's error for the engine's last script, if it failed. It is clearer than the engine's own error. */
  scriptError(): DatabaseError | undefined;
  close(): Promise<void>;
}

/** The object ids of PostgreSQL's internal type "char", and of an array of it. */
const CHAR = 18;
const CHAR_ARRAY = 1002;

/**
 * Opens the connection. The adapter only takes a pool, and a pool drops a connection whose statement failed. So this pool
 * sends everything over one client, which keeps session locks, `search_path` and transactions.
 * @param schema the PostgreSQL schema of unqualified names, such as the history table `_prisma_migrations`
 */
export async function openMigrationConnection(
  databaseUrl: string,
  schema: string,
): Promise<MigrationConnection> {
  const pool = new Pool({
    connectionString: databaseUrl,
    application_name: "powercrud migrate",
    max: 1,
    connectionTimeoutMillis: 10_000,
  });
  const client = await pool.connect();
  // The next statement reports a broken connection.
  client.on("error", () => undefined);
  Object.assign(pool, { query: disguiseCharColumns(client) });
  let scriptError: DatabaseError | undefined;
  const prisma = new PrismaPg(pool, { schema });
  const connect = async (): Promise<SqlDriverAdapter> => {
    const adapter = await prisma.connect();
    return repairAdapter(adapter, async (script) => {
      scriptError = undefined;
      await client.query(script).catch((error: unknown) => {
        scriptError = error instanceof DatabaseError ? error : undefined;
        throw error;
      });
    });
  };
  const connection: MigrationConnection = {
    factory: bindMigrationAwareSqlAdapterFactory({
      provider: prisma.provider,
      adapterName: prisma.adapterName,
      connect,
      connectToShadowDb: () => Promise.reject(new Error("migrations are made without a shadow database")),
    }),
    session: {
      query: async <Row>(text: string, values: readonly unknown[] = []) =>
        (await client.query(text, [...values])).rows as Row[],
    },
    scriptError: () => scriptError,
    async close() {
      client.release(true);
      await pool.end();
    },
  };
  try {
    await connection.session.query(`SET search_path TO "${schema}"`);
  } catch (error) {
    await connection.close();
    throw error;
  }
  return connection;
}

/**
 * The engine reads PostgreSQL's catalogs, which have columns of the type "char". `@prisma/adapter-pg` 7.10 refuses that
 * type, although the engine supports it. So this replaces the type in results with one that the adapter accepts and that no
 * catalog query returns, and {@link repairAdapter} changes it back.
 */
function disguiseCharColumns(
  client: PoolClient,
): (...args: unknown[]) => Promise<QueryResult | QueryResult[]> {
  const query = client.query.bind(client) as (...args: unknown[]) => Promise<QueryResult | QueryResult[]>;
  return async (...args) => {
    const result = await query(...args);
    for (const field of Array.isArray(result) ? [] : result.fields) {
      field.dataTypeID = field.dataTypeID === CHAR ? CHAR_ARRAY : field.dataTypeID;
    }
    return result;
  };
}

/**
 * Repairs two faults that `@prisma/adapter-pg` 7.10 has for the schema engine.
 * @param executeScript replaces the adapter's, which splits scripts at every semicolon, even in comments and function bodies
 */
function repairAdapter(
  adapter: SqlDriverAdapter,
  executeScript: (script: string) => Promise<void>,
): SqlDriverAdapter {
  const queryRaw = adapter.queryRaw.bind(adapter);
  return Object.assign(adapter, {
    executeScript,
    async queryRaw(query: Parameters<SqlDriverAdapter["queryRaw"]>[0]): Promise<SqlResultSet> {
      const result = await queryRaw(query);
      const columnTypes = result.columnTypes.map((type) =>
        type === ColumnTypeEnum.CharacterArray ? ColumnTypeEnum.Character : type,
      );
      return { ...result, columnTypes };
    },
  });
}
