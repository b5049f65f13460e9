import type pg from "pg";
import type { Logger } from "../../../kernel/logger.ts";
import { STATEMENT_TIMEOUT_MS } from "../../../kernel/unavailable-error.ts";
import { LinedPool } from "./lined-pool.ts";

/** The options of {@link createPool}. */
export interface PoolOptions {
  readonly connectionString: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  readonly logger: Logger;
  /** The most connections. Default 10. */
  readonly maxConnections?: number;
  /**
   * How long to wait for a new connection, and how long for one of the pool's own while none comes back, in ms. As long
   * as connections come back, callers wait in line: a burst is no outage. Default 5,000.
   */
  readonly connectTimeoutMs?: number;
  /** The server ends a statement that takes longer, in ms. Default 60,000. */
  readonly statementTimeoutMs?: number;
  /**
   * The server ends a transaction that is idle for longer, in ms, so that a worker stopped in the middle of one
   * does not keep its row locks for ever. Default 60,000.
   */
  readonly idleInTransactionTimeoutMs?: number;
}

/** The client waits this much longer than the server for a statement; then the server must be gone. */
const DEAD_PEER_GRACE_MS = 5_000;

/**
 * A pool whose connections and statements all have timeouts, and whose sessions are in UTC, whatever the zone of the database
 * or the role: Prisma's client sends moments without a zone, and column defaults write the session's time of day. The
 * caller ends it.
 */
export function createPool(options: PoolOptions): LinedPool {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  const pool = new LinedPool({
    connectionString: options.connectionString,
    application_name: options.applicationName,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + DEAD_PEER_GRACE_MS,
    idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? 60_000,
    // By a statement: connection poolers know it, but refuse most settings at the start of a connection.
    // oxlint-disable-next-line typescript/no-misused-promises -- the pool waits for it, which its types do not say
    onConnect: (client) => client.query("SET TIME ZONE 'UTC'"),
  });
  watchOutages(pool, options);
  // A connection may break after it left the pool and before its first statement; an error without a listener ends the
  // process. The next statement reports the break.
  pool.on("connect", (client) => void client.on("error", () => undefined));
  return pool;
}

/** Logs an outage once, however many idle connections are lost, and its end once. */
function watchOutages(pool: pg.Pool, { logger, applicationName }: PoolOptions): void {
  const fields = { connection: applicationName };
  let isOut = false;
  // Without a listener, the loss of an idle connection would end the process. The pool replaces it by itself.
  pool.on("error", ({ message: reason }) => {
    if (!isOut) {
      isOut = true;
      logger.warn({ ...fields, reason }, "idle database connections were lost");
    }
  });
  pool.on("connect", () => {
    if (isOut) {
      isOut = false;
      logger.info(fields, "the database is connected again");
    }
  });
}

/** How a pool is used. */
export interface PoolUse {
  readonly name: string;
  readonly busy: number;
  readonly idle: number;
  /** Callers in line. */
  readonly waiting: number;
}

/** How the pool is used now. */
export function useOf(name: string, pool: LinedPool): PoolUse {
  const { totalCount, unusedCount: idle, lineLength: waiting } = pool;
  return { name, busy: totalCount - idle, idle, waiting };
}
