import type { SweepOptions, SweepSummary, SweptAround } from "./sweep.ts";
import { sweep } from "./sweep.ts";
import type { TaskPorts } from "../tasks/settle/task-ports.ts";
import type { Task } from "../tasks/task.ts";

/** What one pass did, and what it left alone. */
export interface SweepReport {
  readonly summary: SweepSummary;
  /** The live tasks that it did not touch, newest first, and why. */
  readonly leftAlone: readonly SweptAround[];
}

/** Sweeps at once, without waiting for a turn. */
export async function sweepNow(ports: TaskPorts, options: SweepOptions): Promise<SweepReport> {
  const summary = await sweep(ports, options);
  const { enqueued, rescued, cancelled, promoted } = summary;
  const touched = new Set([...enqueued, ...rescued, ...cancelled, ...promoted]);
  const live = await describeLive(ports);
  return { summary, leftAlone: live.filter(({ taskId }) => !touched.has(taskId)) };
}

/** The most live tasks in a report. */
const MAX_DESCRIBED = 1000;

/** The live tasks, newest first, and why a sweep leaves each of them alone. */
async function describeLive(ports: Pick<TaskPorts, "tasks">): Promise<readonly SweptAround[]> {
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
