import type { RunningProcess } from "../processes/process-register.ts";
import type { Finding } from "./health-check.ts";

/** Whether anybody would run a task: of the processes that were heard of lately, those that take any. */
export function describeWorkers(processes: readonly RunningProcess[], isAsyncEnabled: boolean): Finding {
  const count = countWorkers(processes);
  if (count > 0) {
    return { status: "OK", message: count === 1 ? "1 worker is alive." : `${count} workers are alive.` };
  }
  if (!isAsyncEnabled) {
    return { status: "OK", message: "None is needed: async is disabled, so tasks run in their requests." };
  }
  return processes.length === 0
    ? { status: "WARNING", message: "No process of the deployment runs." }
    : {
        status: "FAILED",
        message: "No worker is alive, so tasks stay in the queue. Start one: powercrud work.",
      };
}

/** How many of them run tasks. */
export function countWorkers(processes: readonly RunningProcess[]): number {
  return processes.filter(({ concurrency }) => concurrency > 0).length;
}
