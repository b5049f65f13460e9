import { createRedisTaskQueue } from "../../src/adapters/bullmq/create-redis-task-queue.ts";
import { createFailFastRedis, createPatientRedis } from "../../src/adapters/redis/redis-connection.ts";
import { createRedisEventBus } from "../../src/adapters/redis/redis-event-bus.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { createTestRedis } from "../support/test-redis.ts";
import type { Transports } from "./world.ts";

/** Queue and bus in the tests' Redis, under their own keys. */
export async function createRedisTransports(): Promise<Transports> {
  const redis = createTestRedis();
  const transports = createRedisTransportsAt(redis.url, redis.keyPrefix);
  return {
    ...transports,
    async close() {
      await transports.close();
      await redis.drop();
    },
  };
}

/** Queue and bus at any address, even one where no server answers. */
export function createRedisTransportsAt(url: string, keyPrefix: string): Transports {
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
