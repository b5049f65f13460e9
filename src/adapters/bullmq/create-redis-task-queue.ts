import { createRedisBackend, withBackend } from "bullmq";
import type { Redis } from "ioredis";
import type { Logger } from "../../kernel/logger.ts";
import type { TaskQueue } from "../../core/tasks/task-queue.ts";
import { createBullmqTaskQueue } from "./bullmq-task-queue.ts";

/** A connection to Redis, as much as the queue needs of it. */
export interface QueueConnection {
  readonly client: Redis;
  /** Resolves when commands can be sent, rejects when there is no connection. */
  ready(): Promise<void>;
  close(): void;
}

/** What the queue on Redis needs. */
export interface RedisTaskQueueOptions {
  /** Enqueues; fails fast. Whoever made it ends it. */
  readonly producer: QueueConnection;
  /** Makes a patient connection for one consumer, which ends it. */
  readonly openConsumer: () => QueueConnection;
  /** In front of every key, without braces. */
  readonly keyPrefix: string;
  readonly logger: Logger;
}

/** BullMQ on Redis. All of its keys share the hash tag `{queue}`, so that they lie on one node of a cluster. */
export function createRedisTaskQueue(options: RedisTaskQueueOptions): TaskQueue {
  return createBullmqTaskQueue({
    classes: withBackend(createRedisBackend),
    producerConnection: options.producer.client,
    reach: () => options.producer.ready(),
    openConsumer() {
      const { client, close } = options.openConsumer();
      return { connection: client, isAwaited: false, isUp: () => client.status === "ready", close };
    },
    prefix: `${options.keyPrefix}{queue}`,
    logger: options.logger,
  });
}
