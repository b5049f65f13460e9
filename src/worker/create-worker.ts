import type { Service } from "../kernel/service.ts";
import type { AttemptPorts } from "../core/tasks/execute-attempt.ts";
import { executeAttempt } from "../core/tasks/execute-attempt.ts";
import type { TaskQueue } from "../core/tasks/task-queue.ts";

/** What a worker needs. */
export interface WorkerPorts extends AttemptPorts {
  readonly queue: TaskQueue;
  /** How many tasks it runs at a time. */
  readonly concurrency: number;
}

/** Takes tasks from the queue and runs them. Its stop waits for the attempts under way. */
export function createWorker(ports: WorkerPorts): Service {
  return ports.queue.consume({
    concurrency: ports.concurrency,
    async work(task) {
      const outcome = await executeAttempt(ports, task);
      ports.logger.debug({ taskId: task.id, outcome }, "a delivery was dealt with");
    },
  });
}
