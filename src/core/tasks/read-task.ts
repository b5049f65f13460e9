import { AppError } from "../../kernel/app-error.ts";
import type { TaskStore } from "./task-store.ts";
import type { Task } from "./task.ts";

/** A task that must be there. @throws AppError INTERNAL when it is not */
export async function readTask(
  ports: { readonly tasks: Pick<TaskStore, "find"> },
  taskId: string,
): Promise<Task> {
  const task = (await ports.tasks.find([taskId])).get(taskId);
  if (task === undefined) {
    throw new AppError("INTERNAL", `Task ${taskId} is not in the store.`);
  }
  return task;
}
