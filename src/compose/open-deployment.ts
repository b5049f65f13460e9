import type { BullmqTaskQueue } from "../adapters/bullmq/bullmq-task-queue.ts";
import type { PoolUse } from "../adapters/postgres/connection/create-pool.ts";
import { createPool, useOf } from "../adapters/postgres/connection/create-pool.ts";
import { createPgSession } from "../adapters/postgres/connection/pg-session.ts";
import { createStatementNames } from "../adapters/postgres/connection/text-rows.ts";
import { createPgUnitOfWork } from "../adapters/postgres/connection/pg-unit-of-work.ts";
import { createPostgresApiKeys } from "../adapters/postgres/postgres-api-keys.ts";
import { createPostgresLockStore } from "../adapters/postgres/locks/postgres-lock-store.ts";
import { createPostgresEventLog } from "../adapters/postgres/events/postgres-event-log.ts";
import { createPostgresSavedViews } from "../adapters/postgres/postgres-saved-views.ts";
import { createPostgresInbox } from "../adapters/postgres/notifications/postgres-inbox.ts";
import { createPostgresOutbox } from "../adapters/postgres/notifications/postgres-outbox.ts";
import { createPostgresProcessRegister } from "../adapters/postgres/postgres-process-register.ts";
import { createQuickSteps } from "../adapters/postgres/tasks/quick-steps.ts";
import { createPostgresTaskFiles } from "../adapters/postgres/tasks/postgres-task-files.ts";
import { createPostgresTaskStore } from "../adapters/postgres/tasks/postgres-task-store.ts";
import { createPostgresImportStore } from "../adapters/postgres/tasks/postgres-import-store.ts";
import { readServerTime } from "../adapters/postgres/connection/database-facts.ts";
import { announceLocks, announceSteps } from "../core/tasks/settle/announced-locks.ts";
import type { RecordAnnouncer, RecordAudience } from "../core/events/record-announcer.ts";
import { createRecordAnnouncer } from "../core/events/record-announcer.ts";
import { createBackend } from "./create-backend.ts";
import { examineDatabase } from "./examinations.ts";
import type { Config } from "../config/config.ts";
import type { RateStore } from "../core/access/rate-store.ts";
import type { ViewerSessions } from "../core/access/viewer-sessions.ts";
import type { UnitOfWork } from "../core/transactions/transaction.ts";
import type { ApiKeyStore } from "../core/access/api-key.ts";
import type { BackendChoice } from "../core/health/examinations.ts";
import type { Examination } from "../core/health/health-check.ts";
import type { ImportStore } from "../core/imports/import-store.ts";
import type { Inbox } from "../core/notifications/inbox.ts";
import type { SavedViewStore } from "../core/saved-views/saved-view-store.ts";
import type { Outbox } from "../core/notifications/outbox.ts";
import type { ProcessRegister } from "../core/processes/process-register.ts";
import type { TaskFiles } from "../core/tasks/task-files.ts";
import type { TaskPorts } from "../core/tasks/settle/task-ports.ts";
import type { Clock } from "../kernel/clock.ts";
import { createFollowedClock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import type { SqlSession } from "../kernel/sql-session.ts";

/** The least idle timeout of transactions, in ms. A busy machine may need it between two statements. */
const MIN_IDLE_TIMEOUT_MS = 5000;

/** The options of {@link openDeployment}. */
export interface DeploymentOptions {
  readonly config: Config;
  readonly databaseUrl: string;
  readonly backend: BackendChoice;
  /** Measures intervals; the current time comes from the database. */
  readonly clock: Clock;
  readonly logger: Logger;
  /** See AnnouncerPorts. */
  readonly isAudienceKnown?: boolean | undefined;
}

/** One process' connections to what all processes on one database share: stores, queue and bus. Needs no models. */
export interface Deployment {
  readonly backend: BackendChoice;
  readonly session: SqlSession;
  /** Transactions on the same connections, on behalf of the current viewer. */
  readonly unitOfWorkOf: (sessions: Pick<ViewerSessions, "current">) => UnitOfWork;
  /** How its connections are used. */
  readonly poolUse: () => PoolUse;
  readonly ports: TaskPorts & { readonly outbox: Outbox; readonly files: TaskFiles };
  readonly inbox: Inbox;
  readonly savedViews: SavedViewStore;
  readonly imports: ImportStore;
  readonly apiKeys: ApiKeyStore;
  /** Tells all processes what happens to records. Until it is started, it takes it that nobody listens. */
  readonly announcer: Service & RecordAnnouncer & RecordAudience;
  readonly processes: ProcessRegister;
  /** Examinations of the database, and of Redis if it is the backend. */
  readonly examinations: readonly Examination[];
  /** Counts what callers ask for, in the backend. */
  readonly rates: RateStore;
  /** Opens Bull Board on the queue; see BullmqTaskQueue. */
  readonly openBoard: BullmqTaskQueue["openBoard"];
  /** Resolves once the backend can be reached. @throws AppError UNAVAILABLE when it cannot */
  ready(): Promise<void>;
  /** Reserves the backend for this deployment; see Backend. */
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
    // A task writes two chunks at a time. The other connections are for launches and reads.
    maxConnections: 10 + 2 * config.workerConcurrency,
    // If a worker is stopped within a chunk, the next attempt of its task waits this long.
    idleInTransactionTimeoutMs: Math.max(MIN_IDLE_TIMEOUT_MS, config.leaseMs),
    logger,
  });
  const session = createPgSession(pool, createStatementNames());
  const clock = createFollowedClock(options.clock, () => readServerTime(session));
  const unitOfWork = createPgUnitOfWork({ pool, logger });
  const backend = createBackend({ ...options, chosen, session });
  const announcer = createRecordAnnouncer({
    bus: backend.bus,
    clock,
    logger,
    isAudienceKnown: options.isAudienceKnown,
  });
  const locks = createPostgresLockStore({ session });
  const imports = createPostgresImportStore({ session, unitOfWork });
  return {
    backend: chosen,
    session,
    unitOfWorkOf: (sessions) => createPgUnitOfWork({ pool, logger, sessions }),
    poolUse: () => useOf("engine", pool),
    ports: {
      unitOfWork,
      tasks: createPostgresTaskStore({ session }),
      steps: announceSteps(createQuickSteps({ session, logger }), locks, announcer),
      log: createPostgresEventLog({ session }),
      locks: announceLocks(locks, announcer),
      outbox: createPostgresOutbox({ session }),
      files: createPostgresTaskFiles({ session }),
      bus: backend.bus,
      queue: backend.queue,
      imports,
      clock,
      logger,
    },
    inbox: createPostgresInbox({ session }),
    savedViews: createPostgresSavedViews({ session }),
    imports,
    apiKeys: createPostgresApiKeys({ session }),
    announcer,
    processes: createPostgresProcessRegister({ session }),
    examinations: [examineDatabase(session), ...backend.examinations],
    rates: backend.rates,
    openBoard: backend.queue.openBoard,
    ready: () => backend.ready(),
    own: () => backend.own(),
    followTime: () => clock.follow(),
    async close() {
      await announcer.stop();
      await backend.close();
      await pool.end();
    },
  };
}
