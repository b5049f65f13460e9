import { errorFields } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import type { AttemptPorts } from "../core/tasks/run/execute-attempt.ts";
import { executeAttempt } from "../core/tasks/run/execute-attempt.ts";
import { helpAttempt } from "../core/tasks/run/help-attempt.ts";
import type { QueuedTask } from "../core/tasks/task-queue.ts";
import type { RunningAttempts } from "../core/tasks/run/running-attempts.ts";

/** What a worker needs. */
export interface WorkerPorts extends AttemptPorts {
  readonly runningAttempts: RunningAttempts;
  /** The most tasks that it runs at a time. */
  readonly concurrency: number;
}

/**
 * Takes tasks from the queue and runs them. A task whose handler has returned is settled beside the next one, as long as no
 * code of the app's follows. Its stop takes no new tasks; running tasks finish their chunks and are handed over to another
 * worker.
 */
export function createWorker(ports: WorkerPorts): Service {
  /** Deliveries whose slots are free already, as many as there are slots at most. */
  const settling = new Set<Promise<void>>();
  const consumer = ports.queue.consume({
    concurrency: ports.concurrency,
    work: (task) =>
      new Promise((resolve) => {
        const handled: Promise<void> = handle(ports, task, () => {
          if (settling.size < ports.concurrency) {
            settling.add(handled);
            resolve();
          }
        }).finally(() => {
          settling.delete(handled);
          resolve();
        });
      }),
  });
  return createService({
    name: "worker",
    async start() {
      await consumer.start();
      await enqueueAwaited(ports);
    },
    async stop() {
      ports.runningAttempts.handOver();
      await consumer.stop();
      await Promise.all(settling);
    },
  });
}

/** Never rejects: the sweeper rescues what could not be handled. */
async function handle(ports: WorkerPorts, task: QueuedTask, freeSlot: () => void): Promise<void> {
  try {
    const outcome = await (task.helper === undefined
      ? executeAttempt(ports, task, freeSlot)
      : helpAttempt(ports, task));
    ports.logger.debug({ taskId: task.id, outcome: outcome.kind }, "a delivery was handled");
  } catch (error) {
    ports.logger.error({ err: error, taskId: task.id }, "an attempt could not be run");
  }
}

/** The most tasks that one start enqueues; the others are due a little later. */
const BATCH = 1000;

/** Tasks that other workers did not know need not wait until they are due: this one may know their kinds. */
async function enqueueAwaited({ tasks, queue, definitions, logger }: WorkerPorts): Promise<void> {
  try {
    const awaited = await tasks.findAwaitingKinds(definitions.kinds, BATCH);
    if (awaited.length > 0) {
      await queue.enqueue(awaited);
    }
  } catch (error) {
    logger.warn(errorFields(error), "tasks that wait for this worker's kinds are left until they are due");
  }
}
