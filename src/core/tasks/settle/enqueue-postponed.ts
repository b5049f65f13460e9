import type { PostponedTasks } from "../postponed-tasks.ts";
import type { TaskAttempts } from "../task-attempts.ts";
import type { QueuedTask } from "../task-queue.ts";
import type { Task } from "../task.ts";
import type { TaskPorts } from "./task-ports.ts";

type EnqueuePorts<Tasks = unknown> = Pick<
  TaskPorts<Tasks & Pick<TaskAttempts, "markEnqueued">>,
  "tasks" | "queue" | "clock"
>;

/** Enqueues a task that is not due before a time. */
export async function enqueuePostponed(
  ports: EnqueuePorts,
  { until, ...task }: Pick<QueuedTask, "id" | "attempt" | "occasion"> & { readonly until: Date },
): Promise<void> {
  const now = ports.clock.now();
  const delayMs = Math.max(0, until.getTime() - now.getTime());
  await ports.queue.enqueue([{ ...task, postponedUntil: until.getTime(), delayMs }]);
  await ports.tasks.markEnqueued([task.id], now);
}

/** A delivery may come that much too early, in ms: clocks that were compared are a little apart. */
const MAX_EARLY_MS = 1000;

/**
 * Puts a delivery back that comes before its time. The queue goes by the clock of the process that enqueued the task, and by
 * that of the process that takes it; either may be wrong.
 * @returns false, with nothing done, where it is due
 */
export async function putBackEarly(
  ports: EnqueuePorts,
  { id, attempt, postponedUntil = 0 }: QueuedTask,
): Promise<boolean> {
  const until = new Date(postponedUntil);
  const isEarly = postponedUntil - ports.clock.now().getTime() > MAX_EARLY_MS;
  if (isEarly) {
    await enqueuePostponed(ports, { id, attempt, until, occasion: "EARLY" });
  }
  return isEarly;
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
    await ports.queue.enqueue(next.map((task) => ({ ...task, occasion: "SLOT" })));
    await ports.tasks.markEnqueued(ids, ports.clock.now());
  }
  return ids;
}
