import type { TaskPorts } from "../tasks/settle/task-ports.ts";
import type { Task } from "../tasks/task.ts";
import type { SweptAround } from "./sweep-summary.ts";

/** The most tasks that are described. */
const MAX_DESCRIBED = 1000;

/** The tasks that are alive, newest first, and why a sweep leaves each of them alone. */
export async function describeLive(ports: Pick<TaskPorts, "tasks">): Promise<readonly SweptAround[]> {
  const live = await ports.tasks.list({ statuses: ["PENDING", "WAITING", "RUNNING"], limit: MAX_DESCRIBED });
  return live.map((task) => ({ taskId: task.id, reason: reasonOf(task) }));
}

function reasonOf(task: Task): string {
  if (task.status === "PENDING") {
    return "It is queued.";
  }
  if (task.status === "WAITING") {
    return `It waits for task ${task.blockedBy ?? "?"}.`;
  }
  return `It runs: attempt ${task.attempt}, ${task.progress.processed} of ${task.progress.total ?? "?"} records.`;
}
