import { AppError } from "../../../src/kernel/app-error.ts";
import type { Logger } from "../../../src/kernel/logger.ts";
import { createService } from "../../../src/kernel/service.ts";
import type { QueuedTask, TaskQueue } from "../../../src/core/tasks/task-queue.ts";

/** A consumer that has been started. */
interface Consumer {
  readonly concurrency: number;
  readonly work: (task: QueuedTask) => Promise<void>;
  readonly running: Set<Promise<void>>;
}

/** The options of {@link createMemoryTaskQueue}. */
export interface MemoryTaskQueueOptions {
  readonly logger: Logger;
  /** The most waiting tasks; more are refused. Default 100,000. */
  readonly maxQueued?: number;
}

/** A queue within one process. Its tasks are lost with the process, and the sweeper enqueues them again. */
export function createMemoryTaskQueue(options: MemoryTaskQueueOptions): TaskQueue {
  const maxQueued = options.maxQueued ?? 100_000;
  const line = new Map<string, QueuedTask>();
  const working = new Set<string>();
  const consumers = new Set<Consumer>();
  let isClosed = false;

  const takeNext = (consumer: Consumer): boolean => {
    const [next] = line;
    if (next === undefined || consumer.running.size >= consumer.concurrency) {
      return false;
    }
    const [key, task] = next;
    line.delete(key);
    working.add(key);
    const work = async (): Promise<void> => consumer.work(task);
    const run = work()
      // The work reports its own outcome, and the rows say which work is left.
      .catch((error: unknown) => options.logger.error({ err: error, taskId: task.id }, "a delivery failed"))
      .finally(() => {
        consumer.running.delete(run);
        working.delete(key);
        serve();
      });
    consumer.running.add(run);
    return true;
  };
  // One task per consumer and round, so that consumers share the work.
  const serve = (): void => {
    while ([...consumers].filter(takeNext).length > 0);
  };
  const later = new Map<string, NodeJS.Timeout>();
  const add = (task: QueuedTask): void => {
    const { delayMs = 0 } = task;
    const arrive = (): void => {
      later.delete(keyOf(task));
      line.set(keyOf(task), task);
    };
    if (delayMs <= 0) {
      arrive();
      return;
    }
    const timer = setTimeout(() => {
      arrive();
      serve();
    }, delayMs);
    later.set(keyOf(task), timer.unref());
  };
  return {
    async enqueue(tasks) {
      const added = tasks.filter((task) => ![line, working, later].some((place) => place.has(keyOf(task))));
      if (isClosed || line.size + added.length > maxQueued) {
        throw new AppError("UNAVAILABLE", isClosed ? "The queue is closed." : "The queue is full.");
      }
      added.forEach(add);
      serve();
    },
    count: async () => line.size + later.size,
    consume({ concurrency, work }) {
      const consumer: Consumer = { concurrency, work, running: new Set() };
      return createService({
        name: "memory task queue",
        async start() {
          consumers.add(consumer);
          serve();
        },
        async stop() {
          consumers.delete(consumer);
          await Promise.all(consumer.running);
        },
      });
    },
    async close() {
      isClosed = true;
      line.clear();
      later.forEach((timer) => clearTimeout(timer));
    },
  };
}

function keyOf(task: QueuedTask): string {
  return `${task.id}:${task.attempt}:${task.helper ?? ""}:${task.postponedUntil ?? ""}:${task.occasion ?? ""}`;
}
