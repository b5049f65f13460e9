import type { SettleBy } from "./settle-task.ts";
import { settleTask } from "./settle-task.ts";
import type { TaskPorts } from "./task-ports.ts";
import type { Task } from "./task.ts";

/**
 * Settles a task that nobody runs, under its latest attempt.
 * @param task as it was read a moment ago
 * @returns false, with nothing written, when it was begun or settled meanwhile
 */
export function settleUnattended(ports: TaskPorts, task: Task, settle: SettleBy): Promise<boolean> {
  const { id: taskId, attempt, progress } = task;
  return settleTask(ports, { taskId, attempt, total: progress.total, settle });
}
