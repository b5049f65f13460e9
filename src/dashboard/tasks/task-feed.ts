import type { Connection } from "../api/connection.ts";
import type { TaskFeedSubscription, TaskRowFragment } from "../generated/graphql.ts";
import { TaskFeedDocument } from "../generated/graphql.ts";

/** An event of a task, as the feed brings it. */
export type LiveEvent = TaskFeedSubscription["taskEvents"];

/** The tasks that moved since the page was opened. */
export interface TaskFeed {
  /** The newest state of a task; undefined where nothing was heard of it. */
  read(id: string): TaskRowFragment | undefined;
  /** All that are not settled, newest first. The same array until something changes. */
  running(): readonly TaskRowFragment[];
  /** Tells that something changed, at most ten times a second. */
  subscribe(listener: () => void): () => void;
  /** Tells every event at once. */
  listen(listener: (event: LiveEvent) => void): () => void;
  /** Adds what a query brought, unless something newer is known. */
  learn(tasks: readonly TaskRowFragment[]): void;
  close(): void;
}

/** How often pages are drawn anew: ten times a second looks live. */
const REDRAW_MS = 100;
const SETTLED = new Set<TaskRowFragment["status"]>(["SUCCEEDED", "PARTIAL", "FAILED", "CANCELLED"]);

/** Whether the task is over. */
export function isSettled({ status }: Pick<TaskRowFragment, "status">): boolean {
  return SETTLED.has(status);
}

/** Follows the events of all tasks that the caller may see, through lost connections. */
export function createTaskFeed(connection: Connection): TaskFeed {
  const tasks = new Map<string, TaskRowFragment>();
  const redraws = new Set<() => void>();
  const listeners = new Set<(event: LiveEvent) => void>();
  let cursor: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: readonly TaskRowFragment[] = [];

  const redraw = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      running = [...tasks.values()]
        .filter((task) => !isSettled(task))
        .toSorted((one, other) => other.createdAt.localeCompare(one.createdAt));
      redraws.forEach((listener) => listener());
    }, REDRAW_MS);
  };
  const end = connection.follow({
    document: TaskFeedDocument,
    variables: () => (cursor === undefined ? {} : { after: cursor }),
    onData({ taskEvents: event }) {
      cursor = event.cursor;
      tasks.set(event.task.id, { ...event.task, progress: event.progress });
      listeners.forEach((listener) => listener(event));
      redraw();
    },
  });
  return {
    read: (id) => tasks.get(id),
    running: () => running,
    subscribe(listener) {
      redraws.add(listener);
      return () => redraws.delete(listener);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    learn(found) {
      for (const task of found) {
        const known = tasks.get(task.id);
        if (
          known === undefined ||
          (!isSettled(known) && task.progress.processed >= known.progress.processed)
        ) {
          tasks.set(task.id, task);
        }
      }
      redraw();
    },
    close() {
      clearTimeout(timer);
      end();
    },
  };
}
