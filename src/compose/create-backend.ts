import { AppError } from "../kernel/app-error.ts";
import { errorFields } from "../kernel/error-fields.ts";
import type { Logger } from "../kernel/logger.ts";
import type { SqlSession } from "../kernel/sql-session.ts";
import type { EventBus } from "../core/events/event-bus.ts";
import type { BackendChoice } from "../core/health/examine-backend.ts";
import type { Examination } from "../core/health/health-check.ts";
import type { LockStore } from "../core/locks/lock-store.ts";
import type { TaskQueue } from "../core/tasks/task-queue.ts";
import type { UnitOfWork } from "../core/transactions/transaction.ts";
import { createPostgresTaskQueue } from "../adapters/bullmq/create-postgres-task-queue.ts";
import { createRedisTaskQueue } from "../adapters/bullmq/create-redis-task-queue.ts";
import { createPostgresEventBus } from "../adapters/postgres/postgres-event-bus.ts";
import { createPostgresLockLedger } from "../adapters/postgres/postgres-lock-ledger.ts";
import { createPostgresLockStore } from "../adapters/postgres/postgres-lock-store.ts";
import { readDeploymentId } from "../adapters/postgres/read-deployment-id.ts";
import { createPrefixOwner } from "../adapters/redis/prefix-owner.ts";
import { createFailFastRedis, createPatientRedis } from "../adapters/redis/redis-connection.ts";
import { createRedisEventBus } from "../adapters/redis/redis-event-bus.ts";
import { createRedisLockStore } from "../adapters/redis/redis-lock-store.ts";
import { whenRedisReturns } from "../adapters/redis/when-redis-returns.ts";
import type { Config } from "../config/config.ts";
import { examineRedis } from "./examine-redis.ts";
import { findForeignPrefix, guardPrefix, ownPrefix, refuseForeignPrefix } from "./own-prefix.ts";

/** Everything that may live in Redis or in PostgreSQL. */
export interface Backend {
  readonly locks: LockStore;
  readonly bus: EventBus;
  readonly queue: TaskQueue;
  /** Of servers that nothing works without, beside the database. */
  readonly examinations: readonly Examination[];
  /** Resolves once it can be reached. @throws AppError UNAVAILABLE when it cannot */
  ready(): Promise<void>;
  /** Looks whether its part of the server can be the deployment's. @throws as {@link Backend.own} */
  refuseForeign(): Promise<void>;
  /**
   * Makes its part of the server the deployment's, for whoever the deployment has taken in.
   * @throws AppError START_FAILED when a deployment on another database uses it; UNAVAILABLE
   */
  own(): Promise<void>;
  /** Lets go of all connections. */
  close(): Promise<void>;
}

/** What a backend is made with. */
export interface BackendOptions {
  readonly chosen: BackendChoice;
  readonly config: Config;
  readonly databaseUrl: string;
  readonly session: SqlSession;
  readonly unitOfWork: UnitOfWork;
  readonly logger: Logger;
}

/** Wires the adapters of the chosen backend. */
export function createBackend(options: BackendOptions): Backend {
  return options.chosen.name === "redis" ? createRedisBackend(options) : createPostgresBackend(options);
}

function createPostgresBackend({ config, databaseUrl, session, logger }: BackendOptions): Backend {
  const bus = createPostgresEventBus({ connectionString: databaseUrl, session, logger });
  const queue = createPostgresTaskQueue({ databaseUrl, concurrency: config.workerConcurrency, logger });
  return {
    locks: createPostgresLockStore({ session }),
    bus,
    queue,
    examinations: [],
    ready: () => Promise.resolve(),
    refuseForeign: () => Promise.resolve(),
    own: () => Promise.resolve(),
    async close() {
      await queue.close();
      await bus.close();
    },
  };
}

/** @throws AppError INVALID_CONFIG without an address */
function createRedisBackend({ config, session, unitOfWork, logger }: BackendOptions): Backend {
  const { redisUrl: url, redisKeyPrefix: keyPrefix } = config;
  if (url === undefined) {
    throw new AppError("INVALID_CONFIG", "The Redis backend needs REDIS_URL.");
  }
  const shared = createFailFastRedis({ url, name: "commands", logger });
  const bus = createRedisEventBus({ publisher: shared, url, keyPrefix, logger });
  const queue = createRedisTaskQueue({
    producer: shared,
    openConsumer: () => createPatientRedis({ url, name: "consumer", logger }),
    keyPrefix,
    logger,
  });
  const owner = createPrefixOwner({
    client: shared.client,
    keyPrefix,
    deploymentId: rememberSuccess(() => readDeploymentId(session)),
  });
  const ledger = guardPrefix(createPostgresLockLedger({ session }), owner);
  const locks = createRedisLockStore({ client: shared.client, keyPrefix, ledger, unitOfWork, logger });
  // Any look-up notices a loss; somebody has to look, or the first to claim something waits for it.
  whenRedisReturns(shared.client, () => {
    locks.listOwners().catch((error: unknown) => {
      logger.warn(errorFields(error), "the locks could not be looked at after Redis came back");
    });
  });
  return {
    locks,
    bus,
    queue,
    examinations: [examineRedis(shared, keyPrefix, () => findForeignPrefix(owner))],
    ready: () => shared.ready(),
    refuseForeign: () => refuseForeignPrefix(owner, "START_FAILED"),
    own: () => ownPrefix(owner, "START_FAILED"),
    async close() {
      await queue.close();
      await bus.close();
      shared.close();
    },
  };
}

/** Asks until there is an answer, and then no more. */
function rememberSuccess<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
  let known: Promise<Answer> | undefined;
  return () =>
    (known ??= ask().catch((error: unknown) => {
      known = undefined;
      throw error;
    }));
}
