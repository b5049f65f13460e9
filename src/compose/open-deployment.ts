import { createPool } from "../adapters/postgres/connection/create-pool.ts";
import { createPgSession } from "../adapters/postgres/connection/pg-session.ts";
import { createPgUnitOfWork } from "../adapters/postgres/connection/pg-unit-of-work.ts";
import { createPostgresLockStore } from "../adapters/postgres/locks/postgres-lock-store.ts";
import { createPostgresEventLog } from "../adapters/postgres/events/postgres-event-log.ts";
import { createPostgresProcessRegister } from "../adapters/postgres/postgres-process-register.ts";
import { createPostgresTaskStore } from "../adapters/postgres/tasks/postgres-task-store.ts";
import { readServerTime } from "../adapters/postgres/connection/database-facts.ts";
import { createBackend } from "./create-backend.ts";
import type { Config } from "../config/config.ts";
import type { BackendChoice } from "../core/health/examinations.ts";
import type { Examination } from "../core/health/health-check.ts";
import type { ProcessRegister } from "../core/processes/process-register.ts";
import type { TaskPorts } from "../core/tasks/settle/task-ports.ts";
import type { Clock } from "../kernel/clock.ts";
import { createFollowedClock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import type { SqlSession } from "../kernel/sql-session.ts";

/** The least time between two statements of a transaction, in ms: a busy machine may need it. */
const MIN_IDLE_TIMEOUT_MS = 5000;

/** The options of {@link openDeployment}. */
export interface DeploymentOptions {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly backend: BackendChoice;
  /** Measures time; the present moment is the database's. */
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the processes on one database share, for one of them. It needs no model. */
export interface Deployment {
  readonly backend: BackendChoice;
  readonly session: SqlSession;
  readonly ports: TaskPorts;
  readonly processes: ProcessRegister;
  /** Of the database, and of Redis where it is the backend. */
  readonly examinations: readonly Examination[];
  /** Resolves once the backend can be reached. @throws AppError UNAVAILABLE when it cannot */
  ready(): Promise<void>;
  /** See Backend. */
  own(): Promise<void>;
  /** Sets the clock by the database's, since processes compare times that others wrote. @throws AppError UNAVAILABLE */
  followTime(): Promise<void>;
  /** Closes all connections. */
  close(): Promise<void>;
}

/** Wires the stores of a migrated database and the backend's. Connects when first used. */
export function openDeployment(options: DeploymentOptions): Deployment {
  const { config, databaseUrl, backend: chosen, logger } = options;
  const pool = createPool({
    connectionString: databaseUrl,
    applicationName: "powercrud engine",
    // Each task writes two chunks at a time; the rest is for launches and reads.
    maxConnections: 10 + 2 * config.workerConcurrency,
    // A worker that was stopped in the middle of a chunk makes its successor wait this long.
    idleInTransactionTimeoutMs: Math.max(MIN_IDLE_TIMEOUT_MS, config.leaseMs),
    logger,
  });
  const session = createPgSession(pool);
  const clock = createFollowedClock(options.clock, () => readServerTime(session));
  const unitOfWork = createPgUnitOfWork({ pool, logger });
  const backend = createBackend({ ...options, chosen, session });
  return {
    backend: chosen,
    session,
    ports: {
      unitOfWork,
      tasks: createPostgresTaskStore({ session }),
      log: createPostgresEventLog({ session }),
      locks: createPostgresLockStore({ session }),
      bus: backend.bus,
      queue: backend.queue,
      clock,
      logger,
    },
    processes: createPostgresProcessRegister({ session }),
    examinations: [examineDatabase(session), ...backend.examinations],
    ready: () => backend.ready(),
    own: () => backend.own(),
    followTime: () => clock.follow(),
    async close() {
      await backend.close();
      await pool.end();
    },
  };
}

/** Whether the database answers. */
function examineDatabase(session: SqlSession): Examination {
  return {
    name: "database",
    async examine() {
      await session.query("SELECT 1 AS answer");
      return { status: "OK", message: "PostgreSQL answers." };
    },
  };
}
