import { createRedisTaskQueue } from "../../src/adapters/bullmq/create-redis-task-queue.ts";
import { createFailFastRedis, createPatientRedis } from "../../src/adapters/redis/redis-connection.ts";
import { createRedisEventBus } from "../../src/adapters/redis/redis-event-bus.ts";
import type { EventBus } from "../../src/core/events/event-bus.ts";
import type { TaskQueue } from "../../src/core/tasks/task-queue.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { createTestRedis } from "../support/test-redis.ts";
import { createPostgresWorld } from "./postgres-world.ts";
import type { World } from "./world.ts";

/** What lives in Redis. */
export interface RedisPorts {
  readonly bus: EventBus;
  readonly queue: TaskQueue;
  close(): Promise<void>;
}

/** PostgreSQL holds the truth; Redis is the fast path. */
export async function createRedisWorld(): Promise<World> {
  const redis = createTestRedis();
  const truth = await createPostgresWorld();
  const { bus, queue, close } = createRedisPorts(redis.url, redis.keyPrefix);
  return {
    ...truth,
    bus,
    queue,
    async close() {
      await close();
      await truth.close();
      await redis.drop();
    },
  };
}

/** Over any address, also one where nobody answers. */
export function createRedisPorts(url: string, keyPrefix: string): RedisPorts {
  const logger = createSilentLogger();
  const shared = createFailFastRedis({ url, name: "contract", logger });
  const bus = createRedisEventBus({ publisher: shared, url, keyPrefix, logger });
  const queue = createRedisTaskQueue({
    producer: shared,
    openConsumer: () => createPatientRedis({ url, name: "consumer", logger }),
    keyPrefix,
    logger,
  });
  return {
    bus,
    queue,
    async close() {
      await queue.close();
      await bus.close();
      shared.close();
    },
  };
}
