import { AppError } from "../kernel/app-error.ts";
import type { Logger } from "../kernel/logger.ts";
import type { SqlSession } from "../kernel/sql-session.ts";
import type { RateStore } from "../core/access/rate-store.ts";
import type { EventBus } from "../core/events/event-bus.ts";
import type { BackendChoice } from "../core/health/examinations.ts";
import type { Examination } from "../core/health/health-check.ts";
import type { BullmqTaskQueue } from "../adapters/bullmq/bullmq-task-queue.ts";
import { createPostgresTaskQueue } from "../adapters/bullmq/create-postgres-task-queue.ts";
import { createRedisTaskQueue } from "../adapters/bullmq/create-redis-task-queue.ts";
import { readDeploymentId } from "../adapters/postgres/connection/database-facts.ts";
import { createPostgresEventBus } from "../adapters/postgres/events/postgres-event-bus.ts";
import { createPostgresRateStore, createRedisRateStore } from "../adapters/rates/rate-stores.ts";
import { createKeyPrefix } from "../adapters/redis/key-prefix.ts";
import { createFailFastRedis, createPatientRedis } from "../adapters/redis/redis-connection.ts";
import { createRedisEventBus } from "../adapters/redis/redis-event-bus.ts";
import type { Config } from "../config/config.ts";
import { examineRedis } from "./examinations.ts";

/** The task queue and the event bus, in Redis or in PostgreSQL. */
export interface Backend {
  readonly bus: EventBus;
  readonly queue: BullmqTaskQueue;
  readonly rates: RateStore;
  /** Examinations of Redis, if it is the backend. */
  readonly examinations: readonly Examination[];
  /** Resolves once the backend can be reached. @throws AppError UNAVAILABLE when it cannot */
  ready(): Promise<void>;
  /**
   * Reserves the key prefix in Redis for this deployment. Only for processes that take part in the deployment.
   * @throws AppError START_FAILED when a deployment on another database uses the prefix; UNAVAILABLE
   */
  own(): Promise<void>;
  /** Closes all connections. */
  close(): Promise<void>;
}

/** The options of {@link createBackend}. */
export interface BackendOptions {
  readonly chosen: BackendChoice;
  readonly config: Config;
  readonly databaseUrl: string;
  readonly session: SqlSession;
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
    bus,
    queue,
    rates: createPostgresRateStore({ session }),
    examinations: [],
    ready: () => Promise.resolve(),
    own: () => Promise.resolve(),
    async close() {
      await queue.close();
      await bus.close();
    },
  };
}

/** @throws AppError INVALID_CONFIG without an address */
function createRedisBackend({ config, session, logger }: BackendOptions): Backend {
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
  const prefix = createKeyPrefix({
    client: shared.client,
    keyPrefix,
    deploymentId: () => readDeploymentId(session),
  });
  return {
    bus,
    queue,
    rates: createRedisRateStore({ client: shared.client, keyPrefix }),
    examinations: [examineRedis(shared, keyPrefix, () => prefix.examine())],
    ready: () => shared.ready(),
    own: () => prefix.own(),
    async close() {
      await queue.close();
      await bus.close();
      shared.close();
    },
  };
}
