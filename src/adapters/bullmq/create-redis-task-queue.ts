import { createRedisBackend, withBackend } from "bullmq";
import type { Redis } from "ioredis";
import type { Logger } from "../../kernel/logger.ts";
import type { BullmqTaskQueue } from "./bullmq-task-queue.ts";
import { createBullmqTaskQueue } from "./bullmq-task-queue.ts";

/** The part of a connection to Redis that the queue needs. */
export interface QueueConnection {
  readonly client: Redis;
  /** Resolves when commands can be sent, rejects when there is no connection. */
  ready(): Promise<void>;
  close(): void;
}

/** What the queue on Redis needs. */
export interface RedisTaskQueueOptions {
  /** Enqueues, and fails fast. Its creator closes it. */
  readonly producer: QueueConnection;
  /** Opens a patient connection for one consumer, which closes it. */
  readonly openConsumer: () => QueueConnection;
  /** Prefix of every key, without braces. */
  readonly keyPrefix: string;
  readonly logger: Logger;
}

/** BullMQ on Redis. All of its keys share the hash tag `{queue}`, so that they are on one node of a cluster. */
export function createRedisTaskQueue(options: RedisTaskQueueOptions): BullmqTaskQueue {
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
