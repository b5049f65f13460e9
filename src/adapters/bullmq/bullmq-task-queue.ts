import type { BackendClasses, IQueueBackend } from "bullmq";
import { AppError } from "../../kernel/app-error.ts";
import { groupCalls } from "../../kernel/group-calls.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Service } from "../../kernel/service.ts";
import type { QueuedTask, TaskQueue } from "../../core/tasks/task-queue.ts";
import type { ConsumerConnection } from "./bullmq-consumer.ts";
import { createBullmqConsumer } from "./bullmq-consumer.ts";
import type { BoardHandler } from "./open-bull-board.ts";
import { openBullBoard } from "./open-bull-board.ts";
import { createOutageLog } from "./outage-log.ts";

/** One queue for all kinds of tasks: a task's row has its kind. */
const QUEUE_NAME = "powercrud-tasks";

/** The most jobs of one call, so that it is answered well before the producer's timeout. */
const MAX_BATCH = 500;

/** A queue that Bull Board can show. */
export interface BullmqTaskQueue extends TaskQueue {
  /** Opens the board below a path; undefined where its packages are not installed. */
  openBoard(basePath: string): Promise<BoardHandler | undefined>;
}

/** The difference between BullMQ on PostgreSQL and on Redis. */
export interface BullmqTaskQueueOptions<Backend extends IQueueBackend, Connection> {
  /** BullMQ's classes bound to a backend: `withBackend(createPostgresBackend)`. */
  readonly classes: BackendClasses<Backend, Connection>;
  /** For the producer; should fail fast, since a caller waits. */
  readonly producerConnection: Connection;
  /** Throws while there is no connection, so that the producer does not wait for one. Default: never throws. */
  readonly reach?: () => Promise<void>;
  /** For a consumer; should try again for ever. */
  readonly openConsumer: () => ConsumerConnection<Connection>;
  /** Prefix of BullMQ's keys. Default: BullMQ's own. */
  readonly prefix?: string;
  readonly logger: Logger;
}

/**
 * The task queue on BullMQ. A job holds only a task's id and attempt. It is removed once delivered, and a stale delivery
 * does nothing. BullMQ's own retries and stall recovery are not used: the sweeper reads the tasks' rows and enqueues lost
 * tasks again.
 */
export function createBullmqTaskQueue<Backend extends IQueueBackend, Connection>(
  options: BullmqTaskQueueOptions<Backend, Connection>,
): BullmqTaskQueue {
  const { classes, prefix, logger } = options;
  const producer = new classes.Queue<QueuedTask>(QUEUE_NAME, {
    connection: options.producerConnection,
    ...(prefix === undefined ? {} : { prefix }),
    // The service's start refuses old servers. The producer must not fail because it cannot read the version.
    skipVersionCheck: true,
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
  });
  const outages = createOutageLog(logger, "the queue's producer met an error");
  producer.on("error", (error) => outages.report(error));
  const consumers = new Set<Service>();
  // BullMQ adds many jobs in one call some 30 times as fast as one after the other.
  const add = groupCalls<QueuedTask, void>({
    maxItems: MAX_BATCH,
    async run(tasks) {
      try {
        await options.reach?.();
        await producer.addBulk(tasks.map(toJob));
        outages.reset();
        return [];
      } catch (error) {
        throw new AppError("UNAVAILABLE", "The task queue cannot be reached.", { cause: error });
      }
    },
  });
  return {
    async enqueue(tasks) {
      await Promise.all(tasks.map(add));
    },
    async count() {
      try {
        await options.reach?.();
        return await producer.count();
      } catch (error) {
        throw new AppError("UNAVAILABLE", "The task queue cannot be reached.", { cause: error });
      }
    },
    consume({ concurrency, work }) {
      const consumer = createBullmqConsumer({
        classes,
        queueName: QUEUE_NAME,
        prefix,
        open: options.openConsumer,
        concurrency,
        work,
        logger,
      });
      consumers.add(consumer);
      return consumer;
    },
    openBoard: (basePath) => openBullBoard(producer, basePath),
    async close() {
      await Promise.all([...consumers].map((consumer) => consumer.stop()));
      await producer.close();
    },
  };
}

/** The job's id is the same for a task that is enqueued twice after the same attempt, so that BullMQ keeps one. */
function toJob(task: QueuedTask): {
  name: string;
  data: QueuedTask;
  opts: { jobId: string; delay?: number };
} {
  const { id, attempt, helper, postponedUntil, delayMs = 0, occasion } = task;
  const parts = [id, attempt, helper, postponedUntil && `p${postponedUntil}`, occasion];
  return {
    name: "task",
    data: task,
    opts: {
      jobId: parts.filter((part) => part != null).join("."),
      ...(delayMs > 0 ? { delay: delayMs } : {}),
    },
  };
}
