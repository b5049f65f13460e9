import type { Ending } from "./settle-task.ts";
import type { Counts } from "./progress.ts";
import { countsOf } from "./progress.ts";
import { settleUnattended } from "./settle-unattended.ts";
import type { TaskPorts } from "./task-ports.ts";
import type { QueuedTask } from "./task-queue.ts";
import type { Task } from "./task.ts";

/**
 * Settles a task that has had all the attempts that it may have: what cut each of them short would do so with the next,
 * and those who want its records would wait for ever. One that is to be cancelled is left to its next attempt, which
 * stops at once.
 * @returns false, with nothing written, when the task may run, or somebody else has it
 */
export async function giveUp(
  ports: TaskPorts,
  { id, attempt }: QueuedTask,
  maxAttempts: number,
): Promise<boolean> {
  if (attempt < maxAttempts) {
    return false;
  }
  const task = (await ports.tasks.find([id])).get(id);
  if (task?.attempt !== attempt || task.cancelRequestedAt !== null) {
    return false;
  }
  const isSettled = await settleUnattended(ports, task, (done) => endOf(task, done));
  if (isSettled) {
    ports.logger.error({ taskId: id, attempt }, "a task was given up after many attempts");
  }
  return isSettled;
}

function endOf({ attempt, progress }: Task, done: Counts | null): Ending {
  return {
    status: "FAILED",
    message: `Gave up after ${attempt} attempts: each was cut short, as its worker died or was stopped, or others kept it from what it needs. What it did not come to can be retried.`,
    result: null,
    counts: done ?? countsOf(progress),
  };
}
