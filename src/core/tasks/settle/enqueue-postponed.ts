import type { PostponedTasks } from "../postponed-tasks.ts";
import type { TaskAttempts } from "../task-attempts.ts";
import type { Task } from "../task.ts";
import type { TaskPorts } from "./task-ports.ts";

type EnqueuePorts<Tasks = unknown> = Pick<
  TaskPorts<Tasks & Pick<TaskAttempts, "markEnqueued">>,
  "tasks" | "queue" | "clock"
>;

/** Enqueues a task that is not due before a time. */
export async function enqueuePostponed(
  ports: EnqueuePorts,
  { id, attempt, until }: { readonly id: string; readonly attempt: number; readonly until: Date },
): Promise<void> {
  const now = ports.clock.now();
  const delayMs = Math.max(0, until.getTime() - now.getTime());
  await ports.queue.enqueue([{ id, attempt, postponedUntil: until.getTime(), delayMs }]);
  await ports.tasks.markEnqueued([id], now);
}

/** Enqueues the next task of its key, now that this one does not run. A kind without a limit costs nothing. */
export async function passSlotOn(
  ports: EnqueuePorts<Pick<PostponedTasks, "giveSlots">> & Pick<TaskPorts, "definitions">,
  { id, kind }: Pick<Task, "id" | "kind">,
): Promise<void> {
  const definition = ports.definitions?.find(kind);
  if (definition === undefined || definition.own?.concurrency !== undefined) {
    await enqueueNext(ports, id);
  }
}

/**
 * Enqueues the tasks that free slots of a concurrency key are for.
 * @param taskId a task that does not run any more: only slots of its key. Default: of all keys
 * @returns their ids
 */
export async function enqueueNext(
  ports: EnqueuePorts<Pick<PostponedTasks, "giveSlots">>,
  taskId?: string,
): Promise<readonly string[]> {
  const next = await ports.tasks.giveSlots(taskId);
  const ids = next.map(({ id }) => id);
  if (next.length > 0) {
    await ports.queue.enqueue(next);
    await ports.tasks.markEnqueued(ids, ports.clock.now());
  }
  return ids;
}
