import type { Viewer } from "../../core/access/viewer.ts";
import type { MissingRefusal, UnavailableRefusal } from "../../core/refusals/refusals.ts";
import type { TaskSight } from "../../core/tasks/task-sight.ts";
import { isWithin } from "../../core/tasks/task-sight.ts";
import type { TaskStore } from "../../core/tasks/task-store.ts";
import type { Task } from "../../core/tasks/task.ts";
import { AppError, isAppError } from "../../kernel/app-error.ts";
import { isUuid } from "../../kernel/ids.ts";
import type { BatchLoader } from "../batch-loader.ts";
import { createBatchLoader } from "../batch-loader.ts";

/** Where tasks are found, and which of them viewers see. */
export interface SeenTasks {
  readonly tasks: Pick<TaskStore, "find">;
  readonly sight: TaskSight;
}

/** Those of the tasks that the viewer sees. */
export async function findSeen(
  { tasks, sight }: SeenTasks,
  viewer: Viewer,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Task>> {
  const [found, scope] = [await tasks.find(ids), sight.scopeOf(viewer)];
  return scope === undefined ? found : new Map([...found].filter(([, task]) => isWithin(scope, task)));
}

/** The same, for many resolvers at once. */
export function createSeenLoader(seen: SeenTasks): BatchLoader<Task> {
  return createBatchLoader(({ viewer }, ids) => findSeen(seen, viewer, ids));
}

/** The task with the id; undefined if there is none that the viewer sees. */
export async function findTask(seen: SeenTasks, viewer: Viewer, text: string): Promise<Task | undefined> {
  const id = taskIdOf(text);
  return id === undefined ? undefined : (await findSeen(seen, viewer, [id])).get(id);
}

/** What is done to one task on behalf of a viewer. */
interface TaskRequest {
  readonly taskId: string;
  readonly viewer: Viewer;
}

/**
 * Makes a use case answer for a task that the viewer does not see as for one that is not there. It takes any text as the id.
 * @param onMissing told of each of both
 */
export function onlySeen<Request extends TaskRequest, Outcome>(
  seen: SeenTasks,
  use: (request: Request) => Promise<Outcome>,
  onMissing: (request: TaskRequest) => void = () => undefined,
): (request: Request) => Promise<Outcome | MissingRefusal | UnavailableRefusal> {
  const missing = (request: Request): MissingRefusal => {
    onMissing(request);
    return missingTask(request.taskId);
  };
  return async (asked) => {
    const taskId = taskIdOf(asked.taskId);
    if (taskId === undefined) {
      return missing(asked);
    }
    const request = { ...asked, taskId };
    if (seen.sight.scopeOf(request.viewer) === undefined) {
      return use(request);
    }
    try {
      const found = await findSeen(seen, request.viewer, [taskId]);
      return found.has(taskId) ? await use(request) : missing(request);
    } catch (error) {
      if (isAppError(error, "UNAVAILABLE")) {
        return { kind: "UNAVAILABLE", message: error.message };
      }
      throw error;
    }
  };
}

/** Values that one condition on tasks may list. */
const MAX_LISTED = 1000;
/** Characters of a text in a condition on tasks. */
const MAX_TEXT_LENGTH = 1000;

/** The id as the stores write it; undefined for a text that cannot be a task's id. */
export function taskIdOf(text: string): string | undefined {
  return isUuid(text) ? text.toLowerCase() : undefined;
}

/**
 * The conditions that are given: null stands for one that is left out. Texts that cannot be tasks' ids are left out of the
 * lists of ids.
 * @param idLists the names of the conditions that list tasks' ids
 * @throws AppError VALIDATION_FAILED for a condition that is too large
 */
export function taskConditions<Where extends object>(
  where: Where,
  idLists: readonly (keyof Where)[],
): { readonly [Name in keyof Where]?: NonNullable<Where[Name]> } {
  const given = Object.entries(where).filter(([, value]) => value !== null && value !== undefined);
  const checked = given.map(([name, value]: [string, unknown]) => {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    checkSize(name, values);
    const isIds = idLists.includes(name as keyof Where);
    return [name, isIds ? (values as string[]).flatMap((text) => taskIdOf(text) ?? []) : value];
  });
  return Object.fromEntries(checked) as { readonly [Name in keyof Where]?: NonNullable<Where[Name]> };
}

function checkSize(name: string, values: readonly unknown[]): void {
  const path = `where.${name}`;
  const refuse = (message: string, max: number): never => {
    throw new AppError("VALIDATION_FAILED", message, { details: { field: path, max } });
  };
  if (values.length > MAX_LISTED) {
    refuse(`${path} may list at most ${MAX_LISTED} values; there are ${values.length}.`, MAX_LISTED);
  }
  if (values.some((value) => typeof value === "string" && value.length > MAX_TEXT_LENGTH)) {
    refuse(`A text in ${path} is longer than ${MAX_TEXT_LENGTH} characters.`, MAX_TEXT_LENGTH);
  }
}

/** The refusal of an id that is no task's, or of none that the viewer sees. */
function missingTask(text: string): { readonly kind: "MISSING"; readonly message: string } {
  const shown = text.length > 60 ? `${text.slice(0, 57)}...` : text;
  return { kind: "MISSING", message: `There is no task ${shown}.` };
}
