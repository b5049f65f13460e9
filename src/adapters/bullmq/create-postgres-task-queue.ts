import { createPostgresBackend, withBackend } from "bullmq";
import type { Logger } from "../../kernel/logger.ts";
import type { TaskQueue } from "../../core/tasks/task-queue.ts";
import { createBullmqTaskQueue } from "./bullmq-task-queue.ts";

/** What the queue on PostgreSQL needs. */
export interface PostgresTaskQueueOptions {
  readonly databaseUrl: string;
  /** How many tasks the consumer runs at a time; sizes its pool. */
  readonly concurrency: number;
  /** A producer gives up connecting after so long. Default 3,000 ms. */
  readonly connectTimeoutMs?: number;
  readonly logger: Logger;
}

/** BullMQ in the database itself, in the PostgreSQL schema `bullmq`, which it creates and migrates. */
export function createPostgresTaskQueue(options: PostgresTaskQueueOptions): TaskQueue {
  const shared = {
    connectionString: options.databaseUrl,
    migrate: true,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 3000,
    application_name: "powercrud queue",
  };
  return createBullmqTaskQueue({
    classes: withBackend(createPostgresBackend),
    producerConnection: { ...shared, max: 2 },
    openConsumer: () => ({
      connection: { ...shared, max: options.concurrency + 2 },
      isAwaited: true,
      isUp: () => true,
      // BullMQ ends the pools that it made.
      close: () => undefined,
    }),
    logger: options.logger,
  });
}
