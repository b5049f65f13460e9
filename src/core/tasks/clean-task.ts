import { recordEvent } from "./record-event.ts";
import { callHook } from "./task-hooks.ts";
import type { TaskPorts } from "./task-ports.ts";

/** Ends a settled task: nothing of it is left but its history. CLEANUP is its last event, written once. */
export async function cleanTask(
  ports: Pick<TaskPorts, "unitOfWork" | "tasks" | "log" | "bus" | "locks" | "clock" | "logger" | "hooks">,
  taskId: string,
): Promise<boolean> {
  const task = (await ports.tasks.find([taskId])).get(taskId);
  if (task === undefined) {
    return false;
  }
  const isCleaned = await ports.unitOfWork.run(async (transaction) => {
    const isFirst = await ports.tasks.markCleaned(transaction, taskId);
    if (isFirst) {
      // The settlement let go of the locks already; this catches a store that was out of reach then.
      await ports.locks.release(transaction, taskId);
      await recordEvent(ports, transaction, { taskId, type: "CLEANUP", progress: task.progress });
    }
    return isFirst;
  });
  if (isCleaned) {
    await callHook(ports, "cleanup", taskId);
  }
  return isCleaned;
}
