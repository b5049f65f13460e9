import { encodeCursor } from "../../core/events/event-cursor.ts";
import type { EventLog } from "../../core/events/event-log.ts";
import type { FeedItem } from "../../core/events/feed-item.ts";
import type { LifecycleEvent } from "../../core/events/task-event.ts";
import type { TaskError } from "../../core/tasks/task-error.ts";
import type { TaskStore } from "../../core/tasks/task-store.ts";
import type { Task } from "../../core/tasks/task.ts";
import type { BatchLoader } from "../batch-loader.ts";
import { createBatchLoader } from "../batch-loader.ts";
import type { GraphQLContext } from "../builder.ts";
import type { ListPage, PageArgs } from "./list-page.ts";
import { createCursorKind, readPage } from "./list-page.ts";

/** The errors of tasks. */
export interface TaskErrors {
  /**
   * A page of a task's errors. First pages and counts are read once for all tasks that the operation selects in one turn.
   * @throws AppError VALIDATION_FAILED when the arguments are out of range
   */
  of(context: GraphQLContext, task: Task, args: PageArgs): Promise<ListPage<TaskError>>;
}

/** The reads that errors come from. */
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

/** One look-up per size of page; nearly always there is one size. */
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

/** Events read at a time. */
const READ_SIZE = 1000;

/** The lifecycle events of tasks, in order. */
export interface TaskHistory {
  /** Reads once for all tasks that the operation selects in one turn. */
  of(context: GraphQLContext, task: Task): Promise<readonly FeedItem[]>;
}

export function createTaskHistory(log: Pick<EventLog, "replay">): TaskHistory {
  const eventsOf = createBatchLoader((_context, taskIds) => readAll(log, taskIds));
  return {
    async of(context, task) {
      const events = (await eventsOf(context, task.id)) ?? [];
      return events.map((event) => ({ event, task, cursor: encodeCursor(event.position) }));
    },
  };
}

async function readAll(
  log: Pick<EventLog, "replay">,
  taskIds: readonly string[],
): Promise<ReadonlyMap<string, readonly LifecycleEvent[]>> {
  const byTask = new Map<string, LifecycleEvent[]>(taskIds.map((taskId) => [taskId, []]));
  for (let after = 0, isLast = false; !isLast;) {
    const events = await log.replay({ after, taskIds, limit: READ_SIZE });
    for (const event of events) {
      byTask.get(event.taskId)?.push(event);
    }
    after = events.at(-1)?.position ?? after;
    isLast = events.length < READ_SIZE;
  }
  return byTask;
}
