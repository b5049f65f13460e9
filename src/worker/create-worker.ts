import { errorFields } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import type { AttemptPorts } from "../core/tasks/run/execute-attempt.ts";
import { executeAttempt } from "../core/tasks/run/execute-attempt.ts";
import { helpAttempt } from "../core/tasks/run/help-attempt.ts";
import type { RunningAttempts } from "../core/tasks/run/running-attempts.ts";

/** What a worker needs. */
export interface WorkerPorts extends AttemptPorts {
  readonly runningAttempts: RunningAttempts;
  /** The most tasks that it runs at a time. */
  readonly concurrency: number;
}

/**
 * Takes tasks from the queue and runs them. Its stop takes no new tasks; running tasks finish their chunks and are handed
 * over to another worker.
 */
export function createWorker(ports: WorkerPorts): Service {
  const consumer = ports.queue.consume({
    concurrency: ports.concurrency,
    async work(task) {
      const outcome = await (task.helper === undefined
        ? executeAttempt(ports, task)
        : helpAttempt(ports, task));
      ports.logger.debug({ taskId: task.id, outcome: outcome.kind }, "a delivery was handled");
    },
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
    },
  });
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
