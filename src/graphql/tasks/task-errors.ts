import type { TaskError } from "../../core/tasks/task-error.ts";
import type { TaskStore } from "../../core/tasks/task-store.ts";
import type { Task } from "../../core/tasks/task.ts";
import type { BatchLoader } from "../batch-loader.ts";
import { createBatchLoader } from "../batch-loader.ts";
import type { GraphQLContext } from "../context.ts";
import type { PageArgs } from "./list-page.ts";
import { createCursorKind, readPage } from "./list-page.ts";
import type { ListPage } from "./task-connections.ts";

/** What could not be done to tasks' records. */
export interface TaskErrors {
  /**
   * A page of a task's errors. First pages, and counts, are read once for all tasks that are asked for in the same
   * turn by the same operation.
   * @throws AppError VALIDATION_FAILED when the arguments are no page's
   */
  of(context: GraphQLContext, task: Task, args: PageArgs): Promise<ListPage<TaskError>>;
}

/** What they are read from. */
type ErrorReads = Pick<TaskStore, "errors" | "firstErrors" | "errorCounts">;

const ERROR_CURSOR = createCursorKind("error", /^\d{1,15}$/);

export function createTaskErrors(tasks: ErrorReads): TaskErrors {
  const firstErrors = createFirstErrors(tasks);
  const counts = createBatchLoader<number>((_context, taskIds) => tasks.errorCounts(taskIds));
  return {
    of(context, { id }, args) {
      const after = typeof args.after === "string" ? Number(ERROR_CURSOR.decode(args.after)) : undefined;
      return readPage(args, {
        read: async (limit) =>
          after === undefined
            ? ((await firstErrors(context, keyOf(id, limit))) ?? [])
            : tasks.errors(id, after, limit),
        cursorOf: (error) => ERROR_CURSOR.encode(String(error.position)),
        count: async () => (await counts(context, id)) ?? 0,
      });
    },
  };
}

/** One look-up for each size of page; almost always that is one. */
function createFirstErrors(tasks: ErrorReads): BatchLoader<readonly TaskError[]> {
  return createBatchLoader(async (_context, keys) => {
    const taskIds = new Map<number, string[]>();
    for (const { taskId, limit } of keys.map(parseKey)) {
      taskIds.set(limit, [...(taskIds.get(limit) ?? []), taskId]);
    }
    const pages = [...taskIds].map(async ([limit, ids]) =>
      [...(await tasks.firstErrors(ids, limit))].map(
        ([taskId, errors]) => [keyOf(taskId, limit), errors] as const,
      ),
    );
    return new Map((await Promise.all(pages)).flat());
  });
}

function keyOf(taskId: string, limit: number): string {
  return `${limit} ${taskId}`;
}

function parseKey(key: string): { readonly taskId: string; readonly limit: number } {
  const [limit = "", taskId = ""] = key.split(" ");
  return { taskId, limit: Number(limit) };
}
