import type { TaskStore } from "../../core/tasks/task-store.ts";
import type { Task } from "../../core/tasks/task.ts";
import { taskIdOf } from "./task-ids.ts";

/** The task that a caller names, as the query `task(id)` shows it; undefined where there is none. */
export async function findTask(tasks: Pick<TaskStore, "find">, text: string): Promise<Task | undefined> {
  const id = taskIdOf(text);
  return id === undefined ? undefined : (await tasks.find([id])).get(id);
}
