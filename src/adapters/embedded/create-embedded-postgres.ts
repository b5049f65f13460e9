import { setTimeout as delay } from "node:timers/promises";

import { Client } from "pg";

import { AppError, isAppError } from "../../kernel/app-error.ts";
import type { Logger } from "../../kernel/logger.ts";
import { createService, type Service } from "../../kernel/service.ts";
import { startServer, stopServer, type ServerSettings } from "./control-server.ts";
import { SUPERUSER } from "./create-cluster.ts";
import { findCluster, type Cluster } from "./find-cluster.ts";
import { findRunningPort } from "./postmaster.ts";

/** The options of {@link createEmbeddedPostgres}. */
export interface EmbeddedPostgresOptions {
  /** The folder for its data, password and log, absolute. Created if missing. */
  readonly dataDir: string;
  /**
   * The data folder to use when root starts PostgreSQL, so that it runs as another user, and that user cannot reach
   * `dataDir` (for example in root's home). Default: the start fails.
   */
  readonly fallbackDir?: string | undefined;
  readonly logger: Logger;
  /** PostgreSQL settings that replace ours if this process starts the server, such as `fsync: "off"` for tests. */
  readonly settings?: ServerSettings;
  /** The server ended, and could not be started again: nothing that needs it can go on. Default: that is logged only. */
  readonly onLost?: ((error: AppError) => void) | undefined;
  /**
   * How often to start a server again that has ended; half a second lies between two tries, since its processes may outlive it.
   * 0: it is not started again. Default 15.
   */
  readonly maxRecoveries?: number;
}

/** The PostgreSQL that comes with the package. */
export interface EmbeddedPostgres extends Service {
  /** The connection string of its database; only after the start. */
  readonly url: string;
}

/** A running server that we use. */
interface Joined {
  readonly cluster: Cluster;
  readonly port: number;
  /** The connection that holds {@link LOCK_KEY}. A killed process loses its connections, and so the lock. */
  readonly keeper: Client;
}

const DATABASE = "powercrud";
const LOCK_KEY = "hashtextextended('powercrud.embedded', 0)";
const MAX_ATTEMPTS = 5;
const RECOVERY_PAUSE_MS = 500;

/**
 * Runs the PostgreSQL that comes with the package, in a session of its own that a terminal's signals do not reach.
 *
 * Several processes may use one data folder. Each holds a shared lock in the server. The first process starts the server. A
 * process that stops tries to take the lock exclusively; if it succeeds, it is the last one, and stops the server. If all
 * processes were killed, the next one joins the server that still runs. A killed server recovers: a process that loses its
 * connection starts it again, at the same port, or joins the one that another process has started.
 */
export function createEmbeddedPostgres(options: EmbeddedPostgresOptions): EmbeddedPostgres {
  const { dataDir, fallbackDir, logger } = options;
  let joined: Joined | undefined;
  let isStopping = false;
  let recovery: Promise<void> | undefined;
  const join = (next: Joined): void => {
    joined = next;
    next.keeper.once("end", () => {
      if (!isStopping) {
        recovery = recover(next);
      }
    });
  };
  const recover = async ({ cluster, port }: Joined): Promise<void> => {
    logger.warn({ port }, "the embedded PostgreSQL has ended, or broke the connection; it is started again");
    try {
      const next = await rejoinServer(cluster, port, { ...options, isStopping: () => isStopping });
      if (next !== undefined) {
        join(next);
        logger.info({ port }, "the embedded PostgreSQL is back");
      }
    } catch (error) {
      logger.error({ err: error }, "the embedded PostgreSQL is lost");
      options.onLost?.(error as AppError);
    }
  };
  const service = createService({
    name: "embedded PostgreSQL",
    async start() {
      const first = await joinServer(await findCluster(dataDir, fallbackDir), options);
      join(first);
      await createDatabase(first.keeper);
      const { port, cluster } = first;
      logger.info({ port, dataFolder: cluster.dataFolder }, "the embedded PostgreSQL is ready");
    },
    async stop() {
      isStopping = true;
      await recovery;
      if (joined !== undefined) {
        await leaveServer(joined, logger);
      }
    },
  });
  return {
    ...service,
    get url() {
      if (joined === undefined) {
        throw new AppError("INTERNAL", "the embedded PostgreSQL has no address before its start");
      }
      return urlOf(joined.cluster, joined.port, DATABASE);
    },
  };
}

/** Tries several times: another process may start or stop the server, or take the port, at the same moment. */
async function joinServer(
  cluster: Cluster,
  { logger, settings }: EmbeddedPostgresOptions,
  maxAttempts = MAX_ATTEMPTS,
): Promise<Joined> {
  let lastError: unknown;
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    try {
      const running = await findRunningPort(cluster.dataFolder);
      if (running === undefined) {
        await startServer(cluster, settings);
      }
      const port = running ?? (await findRunningPort(cluster.dataFolder));
      if (port !== undefined) {
        return { cluster, port, keeper: await connectKeeper(cluster, port) };
      }
    } catch (error) {
      if (isAppError(error)) {
        throw error;
      }
      lastError = error;
      logger.debug({ err: error, attempt }, "the embedded PostgreSQL could not be joined");
    }
  }
  throw new AppError(
    "START_FAILED",
    `the embedded PostgreSQL does not start: ${lastError instanceof Error ? lastError.message : "it ended at once"} ` +
      `(its log: ${cluster.logFile})`,
    { cause: lastError },
  );
}

/**
 * Joins the server that ended and was started again, here or by another process. Clients know its port.
 * @returns undefined if the process is stopping
 * @throws AppError START_FAILED
 */
async function rejoinServer(
  cluster: Cluster,
  port: number,
  {
    isStopping,
    settings,
    maxRecoveries = 15,
    ...options
  }: EmbeddedPostgresOptions & { readonly isStopping: () => boolean },
): Promise<Joined | undefined> {
  let lastError: unknown = new AppError("START_FAILED", "the embedded PostgreSQL has ended");
  for (let attempt = 1; attempt <= maxRecoveries && !isStopping(); attempt += 1) {
    try {
      const samePort = { ...settings, port: String(port) };
      const joined = await joinServer(cluster, { ...options, settings: samePort }, 1);
      if (joined.port === port) {
        return joined;
      }
      await joined.keeper.end();
      throw new AppError(
        "START_FAILED",
        `the embedded PostgreSQL has moved from port ${port} to ${joined.port}`,
      );
    } catch (error) {
      lastError = error;
      await delay(RECOVERY_PAUSE_MS);
    }
  }
  if (isStopping()) {
    return undefined;
  }
  throw lastError;
}

async function connectKeeper(cluster: Cluster, port: number): Promise<Client> {
  const keeper = new Client({
    connectionString: urlOf(cluster, port, "postgres"),
    application_name: "powercrud keeper",
    keepAlive: true,
  });
  // The connection breaks when the server goes down; leaveServer() handles that.
  keeper.on("error", () => undefined);
  try {
    await keeper.connect();
    await keeper.query(`SELECT pg_advisory_lock_shared(${LOCK_KEY})`);
    return keeper;
  } catch (error) {
    await keeper.end().catch(() => undefined);
    throw error;
  }
}

async function createDatabase(keeper: Client): Promise<void> {
  const { rowCount } = await keeper.query("SELECT FROM pg_database WHERE datname = $1", [DATABASE]);
  if (rowCount === 0) {
    await keeper.query(`CREATE DATABASE ${DATABASE}`).catch((error: { code?: string }) => {
      // Another process has just created it: duplicate_database, or a violation of the unique index.
      if (error.code !== "42P04" && error.code !== "23505") {
        throw error;
      }
    });
  }
}

async function leaveServer({ cluster, keeper }: Joined, logger: Logger): Promise<void> {
  try {
    const { rows } = await keeper.query<{ alone: boolean }>(
      `SELECT pg_try_advisory_lock(${LOCK_KEY}) AS alone`,
    );
    if (rows[0]?.alone === true) {
      // Still holds the lock: a process that starts now waits for it, loses its connection, and starts the server again.
      await stopServer(cluster);
    } else {
      logger.info({}, "the embedded PostgreSQL keeps running: another process uses it");
    }
  } catch (error) {
    logger.warn({ err: error }, "the embedded PostgreSQL had ended before it was stopped");
  } finally {
    await keeper.end().catch(() => undefined);
  }
}

function urlOf(cluster: Cluster, port: number, database: string): string {
  return `postgresql://${SUPERUSER}:${cluster.password}@127.0.0.1:${port}/${database}`;
}
