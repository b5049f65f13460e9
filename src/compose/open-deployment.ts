import type { Clock } from "../kernel/clock.ts";
import { createFollowedClock } from "../kernel/followed-clock.ts";
import type { Logger } from "../kernel/logger.ts";
import type { SqlSession } from "../kernel/sql-session.ts";
import type { BackendChoice } from "../core/health/examinations.ts";
import type { Examination } from "../core/health/health-check.ts";
import type { ProcessRegister } from "../core/processes/process-register.ts";
import type { TaskPorts } from "../core/tasks/task-ports.ts";
import { createPool } from "../adapters/postgres/create-pool.ts";
import { createPgSession } from "../adapters/postgres/pg-session.ts";
import { createPgUnitOfWork } from "../adapters/postgres/pg-unit-of-work.ts";
import { createPostgresLockStore } from "../adapters/postgres/postgres-lock-store.ts";
import { createPostgresEventLog } from "../adapters/postgres/postgres-event-log.ts";
import { createPostgresProcessRegister } from "../adapters/postgres/postgres-process-register.ts";
import { createPostgresTaskStore } from "../adapters/postgres/postgres-task-store.ts";
import { readServerTime } from "../adapters/postgres/database-facts.ts";
import type { Config } from "../config/config.ts";
import { createBackend } from "./create-backend.ts";
import { examineDatabase } from "./examinations.ts";

/** Between two statements of a transaction there is hardly any time, but a busy machine may need some, in ms. */
const MIN_IDLE_TIMEOUT_MS = 5000;

/** Which deployment, and how this process takes part in it. */
export interface DeploymentOptions {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly backend: BackendChoice;
  /** Tells how time goes on; what time it is, the database tells. */
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the processes on one database share, as one of them sees it; it needs no model. */
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
  /** Sets the ports' clock by the database's: processes compare times that others wrote. @throws AppError UNAVAILABLE */
  followTime(): Promise<void>;
  /** Lets go of all connections. */
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
    // A worker that was stopped in the middle of a chunk keeps its successor waiting for as long.
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
