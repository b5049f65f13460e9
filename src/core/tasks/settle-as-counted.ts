import type { Counts } from "./progress.ts";
import { settleTask } from "./settle-task.ts";
import type { TaskPorts } from "./task-ports.ts";
import type { FinalStatus } from "./task-status.ts";
import type { Task } from "./task.ts";

/**
 * Settles a task that nobody runs, under its latest attempt, with what it had counted when it was read.
 * @returns false, with nothing written, when it was begun or settled meanwhile
 */
export function settleAsCounted(
  ports: TaskPorts,
  task: Task,
  end: { readonly status: FinalStatus; readonly message: (counts: Counts) => string },
): Promise<boolean> {
  const { total, succeeded, failed, skipped } = task.progress;
  const counts = { succeeded, failed, skipped };
  return settleTask(ports, {
    taskId: task.id,
    attempt: task.attempt,
    total,
    settlement: {
      status: end.status,
      message: end.message(counts),
      result: null,
      finishedAt: ports.clock.now(),
      counts,
    },
  });
}
