import { decodeCursor, encodeCursor } from "../../core/events/event-cursor.ts";
import type { EventLog } from "../../core/events/event-log.ts";
import type { FeedItem } from "../../core/events/feed-item.ts";
import type { LifecycleEvent } from "../../core/events/task-event.ts";
import type { TaskError } from "../../core/tasks/task-error.ts";
import type { TaskStore } from "../../core/tasks/task-store.ts";
import type { Task } from "../../core/tasks/task.ts";
import type { ListWindow } from "../../kernel/list-window.ts";
import { takeWindow } from "../../kernel/list-window.ts";
import type { BatchLoader } from "../batch-loader.ts";
import { createBatchLoader } from "../batch-loader.ts";
import type { GraphQLContext } from "../builder.ts";
import type { PageArgs } from "../pagination/page.ts";
import type { CursorKind, ListPage } from "./list-page.ts";
import { createCursorKind, readPage } from "./list-page.ts";
import type { ListedError } from "./task-parts.ts";

/** The errors of tasks. */
export interface TaskErrors {
  /**
   * A page of a task's errors. The same page of several tasks, and counts, are read once for all tasks that the operation
   * selects in one turn.
   * @throws AppError VALIDATION_FAILED when the arguments are out of range
   */
  of(context: GraphQLContext, task: Task, args: PageArgs): Promise<ListPage<ListedError>>;
}

/** The reads that errors come from. */
type ErrorReads = Pick<TaskStore, "errorPages" | "errorCounts">;

const ERROR_CURSOR = createCursorKind("error", /^\d{1,15}$/);

export function createTaskErrors(tasks: ErrorReads): TaskErrors {
  const pages = createErrorPages(tasks);
  const counts = createBatchLoader<number>((_context, taskIds) => tasks.errorCounts(taskIds));
  return {
    of(context, { id, model }, args) {
      return readPage(args, {
        cursors: ERROR_CURSOR,
        placeOf: ({ position }) => String(position),
        read: async (window) =>
          ((await pages(context, keyOf(id, window))) ?? []).map((error) => ({ ...error, model })),
        count: async () => (await counts(context, id)) ?? 0,
      });
    },
  };
}

/** One look-up per window; nearly always there is one. */
function createErrorPages(tasks: ErrorReads): BatchLoader<readonly TaskError[]> {
  return createBatchLoader(async (_context, keys) => {
    const taskIds = new Map<string, string[]>();
    for (const { taskId, window } of keys.map(parseKey)) {
      taskIds.set(window, [...(taskIds.get(window) ?? []), taskId]);
    }
    const pages = [...taskIds].map(async ([window, ids]) =>
      [...(await tasks.errorPages(ids, JSON.parse(window) as ListWindow<number>))].map(
        ([taskId, errors]) => [`${window} ${taskId}`, errors] as const,
      ),
    );
    return new Map((await Promise.all(pages)).flat());
  });
}

function keyOf(taskId: string, { after, before, ...window }: ListWindow<string>): string {
  const places = {
    ...(after === undefined ? {} : { after: Number(after) }),
    ...(before === undefined ? {} : { before: Number(before) }),
  };
  return `${JSON.stringify({ ...window, ...places })} ${taskId}`;
}

function parseKey(key: string): { readonly taskId: string; readonly window: string } {
  const [window = "", taskId = ""] = key.split(" ");
  return { taskId, window };
}

/** Events read at a time. */
const READ_SIZE = 1000;

/** The lifecycle events of tasks, in order. */
export interface TaskHistory {
  /**
   * A page of a task's events. Reads once for all tasks that the operation selects in one turn.
   * @throws AppError VALIDATION_FAILED when the arguments are out of range
   */
  of(context: GraphQLContext, task: Task, args: PageArgs): Promise<ListPage<FeedItem>>;
}

/** The same cursors as those of the subscription: they resume it. */
const EVENT_CURSOR: CursorKind = {
  encode: (place) => encodeCursor(Number(place)),
  decode: (cursor, argument) => String(decodeCursor(cursor, argument)),
};

export function createTaskHistory(log: Pick<EventLog, "replay">): TaskHistory {
  const eventsOf = createBatchLoader((_context, taskIds) => readAll(log, taskIds));
  return {
    async of(context, task, args) {
      const events = (await eventsOf(context, task.id)) ?? [];
      const items = events.map((event) => ({ event, task, cursor: encodeCursor(event.position) }));
      return readPage(args, {
        cursors: EVENT_CURSOR,
        placeOf: ({ event }) => String(event.position),
        // A task has few lifecycle events.
        read: async (window) =>
          takeWindow(items, window, ({ event }, place) => event.position - Number(place)),
        count: async () => items.length,
      });
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
