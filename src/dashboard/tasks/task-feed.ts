import type { Connection } from "../api/connection.ts";
import type { TaskFeedSubscription, TaskRowFragment, TaskStatus } from "../generated/graphql.ts";
import { NewestEventDocument, TaskFeedDocument, TasksDocument } from "../generated/graphql.ts";

/** An event of a task, as the feed brings it. */
export type LiveEvent = TaskFeedSubscription["taskEvents"];

/** How fast a task was at a moment. */
export interface Speed {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Records a second. */
  readonly rate: number;
}

/** The tasks that moved since the page was opened. */
export interface TaskFeed {
  /** The newest state of a task; undefined where nothing is known of it. */
  read(id: string): TaskRowFragment | undefined;
  /** All that are not settled, newest first. The same array until something changes. */
  running(): readonly TaskRowFragment[];
  /** How fast the task was since the page was opened, oldest first; at most {@link MOST_SPEEDS}. */
  speeds(id: string): readonly Speed[];
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
/** Of more settled tasks than these, those that were heard of first are forgotten. */
const MOST_SETTLED = 300;
/** Unsettled tasks that are read when the page is opened. */
const MOST_UNSETTLED = 500;
/** About a minute of a task's progress; an older half gives way to every second of its figures. */
const MOST_SPEEDS = 600;

const UNSETTLED: readonly TaskStatus[] = ["RECEIVING", "WAITING", "PENDING", "RUNNING", "PAUSED"];

/** Whether the task is over. */
export function isSettled({ status }: Pick<TaskRowFragment, "status">): boolean {
  return !UNSETTLED.includes(status);
}

/** Follows the events of all tasks that the caller may see, through lost connections. */
export function createTaskFeed(connection: Connection): TaskFeed {
  const tasks = createTaskMemory();
  const redraws = new Set<() => void>();
  const listeners = new Set<(event: LiveEvent) => void>();
  let cursor: string | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: readonly TaskRowFragment[] = [];

  const redraw = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      running = tasks.unsettled();
      redraws.forEach((listener) => listener());
    }, REDRAW_MS);
  };
  const learn = (found: readonly TaskRowFragment[]): void => {
    found.forEach(tasks.learn);
    redraw();
  };
  const end = connection.follow({
    document: TaskFeedDocument,
    async variables() {
      if (cursor === undefined) {
        const [newest, unsettled] = await readTasks(connection);
        cursor = newest;
        learn(unsettled);
      }
      return cursor === undefined ? {} : { after: cursor };
    },
    onData({ taskEvents: event }) {
      cursor = event.cursor;
      tasks.hear(event);
      listeners.forEach((listener) => listener(event));
      redraw();
    },
  });
  return {
    read: tasks.read,
    speeds: tasks.speeds,
    running: () => running,
    subscribe(listener) {
      redraws.add(listener);
      return () => redraws.delete(listener);
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    learn,
    close() {
      clearTimeout(timer);
      end();
    },
  };
}

/** A place among the events, and the tasks that were not settled right after it: the events after it tell of the others. */
async function readTasks(
  connection: Connection,
): Promise<readonly [cursor: string | undefined, tasks: readonly TaskRowFragment[]]> {
  const newest = await connection.request(NewestEventDocument, {});
  const where = { statuses: [...UNSETTLED] };
  const unsettled = await connection.request(TasksDocument, { where, first: MOST_UNSETTLED });
  return [newest.tasks.nodes[0]?.events.nodes[0]?.cursor, unsettled.tasks.nodes];
}

const NO_SPEEDS: readonly Speed[] = [];

interface TaskMemory extends Pick<TaskFeed, "read" | "speeds"> {
  hear(event: LiveEvent): void;
  learn(task: TaskRowFragment): void;
  /** Newest first. */
  unsettled(): readonly TaskRowFragment[];
}

/** The newest state of tasks: all that run, and the settled ones that were heard of last. */
function createTaskMemory(): TaskMemory {
  const going = new Map<string, TaskRowFragment>();
  const over = new Map<string, TaskRowFragment>();
  const speeds = new Map<string, readonly Speed[]>();
  const keep = (task: TaskRowFragment): void => {
    going.delete(task.id);
    over.delete(task.id);
    (isSettled(task) ? over : going).set(task.id, task);
    if (over.size > MOST_SETTLED) {
      const [oldest = ""] = over.keys();
      over.delete(oldest);
      speeds.delete(oldest);
    }
  };
  const read = (id: string): TaskRowFragment | undefined => going.get(id) ?? over.get(id);
  return {
    read,
    speeds: (id) => speeds.get(id) ?? NO_SPEEDS,
    unsettled: () =>
      [...going.values()].toSorted((one, other) => other.createdAt.localeCompare(one.createdAt)),
    hear({ task, progress, at }) {
      keep({ ...task, progress });
      const rate = progress.recordsPerSecond;
      if (rate !== null && rate !== undefined && !isSettled(task)) {
        speeds.set(task.id, withSpeed(speeds.get(task.id) ?? [], { at: Date.parse(at), rate }));
      }
    },
    learn(task) {
      const known = read(task.id);
      if (
        known === undefined ||
        (!isSettled(known) && (isSettled(task) || task.progress.processed >= known.progress.processed))
      ) {
        keep(task);
      }
    },
  };
}

function withSpeed(speeds: readonly Speed[], next: Speed): readonly Speed[] {
  const kept = speeds.length < MOST_SPEEDS ? speeds : speeds.filter((_, at) => at % 2 === 0);
  return [...kept, next];
}
