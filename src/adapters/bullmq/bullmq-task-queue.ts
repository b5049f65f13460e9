import type { BackendClasses, IQueueBackend } from "bullmq";
import { AppError } from "../../kernel/app-error.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Service } from "../../kernel/service.ts";
import { createService } from "../../kernel/service.ts";
import type { QueuedTask, TaskQueue } from "../../core/tasks/task-queue.ts";

/** Where jobs wait. One queue for all kinds: the task record says what is to be done. */
const QUEUE_NAME = "powercrud-tasks";

/** What differs between BullMQ on PostgreSQL and on Redis. */
export interface BullmqTaskQueueOptions<Backend extends IQueueBackend, Connection> {
  /** BullMQ's classes bound to a backend: `withBackend(createPostgresBackend)`. */
  readonly classes: BackendClasses<Backend, Connection>;
  /** For the producer; should fail fast, since somebody is waiting. */
  readonly producerConnection: Connection;
  /** For the consumer; should try again for ever. */
  readonly consumerConnection: Connection;
  readonly logger: Logger;
}

/**
 * The task queue on BullMQ. A job is an envelope around a task's id and attempt; it is gone once delivered, and
 * a delivery that turns out stale does nothing. BullMQ's own retries and stall recovery are not relied upon: the
 * sweeper, which reads the task records, is what brings a task back.
 */
export function createBullmqTaskQueue<Backend extends IQueueBackend, Connection>(
  options: BullmqTaskQueueOptions<Backend, Connection>,
): TaskQueue {
  const { classes, logger } = options;
  const producer = new classes.Queue<QueuedTask>(QUEUE_NAME, {
    connection: options.producerConnection,
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
  });
  producer.on("error", (error) => logger.warn({ err: error }, "the queue's producer lost its connection"));
  const consumers = new Set<Service>();
  return {
    async enqueue(tasks) {
      try {
        await producer.addBulk(
          tasks.map((task) => ({ name: "task", data: task, opts: { jobId: jobIdOf(task) } })),
        );
      } catch (error) {
        throw new AppError("UNAVAILABLE", "The task queue cannot be reached.", { cause: error });
      }
    },
    consume({ concurrency, work }) {
      const consumer = createConsumer(options, concurrency, work);
      consumers.add(consumer);
      return consumer;
    },
    async close() {
      await Promise.all([...consumers].map((consumer) => consumer.stop()));
      await producer.close();
    },
  };
}

/** Equal for a task enqueued twice after the same attempt, so that BullMQ keeps one. */
function jobIdOf(task: QueuedTask): string {
  return `${task.id}.${task.attempt}`;
}

function createConsumer<Backend extends IQueueBackend, Connection>(
  { classes, consumerConnection, logger }: BullmqTaskQueueOptions<Backend, Connection>,
  concurrency: number,
  work: (task: QueuedTask) => Promise<void>,
): Service {
  const worker = new classes.Worker<QueuedTask>(
    QUEUE_NAME,
    async (job) => {
      await work(job.data).catch((error: unknown) => {
        logger.error({ err: error, taskId: job.data.id }, "an attempt could not be run");
      });
    },
    {
      connection: consumerConnection,
      concurrency,
      autorun: false,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    },
  );
  worker.on("error", (error) => logger.warn({ err: error }, "the queue's consumer lost its connection"));
  return createService({
    name: "task queue consumer",
    async start() {
      await worker.waitUntilReady();
      worker.run().catch((error: unknown) => logger.error({ err: error }, "the queue's consumer ended"));
    },
    stop: () => worker.close(),
  });
}
