import type { Counts } from "./progress.ts";
import { settleTask } from "./settle-task.ts";
import type { TaskPorts } from "./task-ports.ts";
import type { FinalStatus } from "./task-status.ts";
import type { Task } from "./task.ts";

/**
 * Settles a task that no attempt has begun: what it skipped at its launch is all that it counts.
 * @returns false, with nothing written, when it was begun or settled meanwhile
 */
export function settleUnbegun(
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
