import { createPostgresBackend, withBackend } from "bullmq";
import type { Logger } from "../../kernel/logger.ts";
import type { BullmqTaskQueue } from "./bullmq-task-queue.ts";
import { createBullmqTaskQueue } from "./bullmq-task-queue.ts";

/** What the queue on PostgreSQL needs. */
export interface PostgresTaskQueueOptions {
  readonly databaseUrl: string;
  /** The most tasks that the consumer runs at a time; sizes its pool. */
  readonly concurrency: number;
  /** Time after which a producer gives up connecting. Default 3,000 ms. */
  readonly connectTimeoutMs?: number;
  readonly logger: Logger;
}

/** BullMQ in the database itself, in the PostgreSQL schema `bullmq`, which it creates and migrates. */
export function createPostgresTaskQueue(options: PostgresTaskQueueOptions): BullmqTaskQueue {
  const shared = {
    connectionString: options.databaseUrl,
    migrate: true,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 3000,
    application_name: "powercrud queue",
    // BullMQ waits for locks and then reads on: a snapshot from before the wait would be stale.
    options: "-c default_transaction_isolation=read\\ committed",
  };
  return createBullmqTaskQueue({
    classes: withBackend(createPostgresBackend),
    producerConnection: { ...shared, max: 2 },
    openConsumer: () => ({
      connection: { ...shared, max: options.concurrency + 2 },
      isAwaited: true,
      isUp: () => true,
      // BullMQ ends its own pools.
      close: () => undefined,
    }),
    logger: options.logger,
  });
}
