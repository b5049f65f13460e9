import type { TaskStore } from "../../core/tasks/task-store.ts";
import type { Task } from "../../core/tasks/task.ts";
import { AppError } from "../../kernel/app-error.ts";
import { isUuid } from "../../kernel/ids.ts";

/** The task with the id; undefined if there is none. */
export async function findTask(tasks: Pick<TaskStore, "find">, text: string): Promise<Task | undefined> {
  const id = taskIdOf(text);
  return id === undefined ? undefined : (await tasks.find([id])).get(id);
}

/** Ids that one condition may list. */
const MAX_LISTED_TASKS = 1000;

/** The id as the stores write it; undefined for a text that cannot be a task's id. */
export function taskIdOf(text: string): string | undefined {
  return isUuid(text) ? text.toLowerCase() : undefined;
}

/**
 * The ids that can be tasks' ids; undefined if the condition is left out.
 * @throws AppError VALIDATION_FAILED when there are too many
 */
export function taskIdsOf(texts: readonly string[] | null | undefined): readonly string[] | undefined {
  if (texts !== null && texts !== undefined && texts.length > MAX_LISTED_TASKS) {
    throw new AppError(
      "VALIDATION_FAILED",
      `At most ${MAX_LISTED_TASKS} task ids can be listed; there are ${texts.length}.`,
      { details: { max: MAX_LISTED_TASKS } },
    );
  }
  return texts?.flatMap((text) => taskIdOf(text) ?? []);
}

/** The refusal of an id that cannot be a task's. */
export function missingTask(text: string): { readonly kind: "MISSING"; readonly message: string } {
  const shown = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return { kind: "MISSING", message: `There is no task ${shown}.` };
}
