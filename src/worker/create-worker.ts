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
    start: () => consumer.start(),
    async stop() {
      ports.runningAttempts.handOver();
      await consumer.stop();
    },
  });
}
