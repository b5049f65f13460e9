import type { BusSubscriber, EventBus } from "../../../../src/core/events/event-bus.ts";
import type { EventLog } from "../../../../src/core/events/event-log.ts";
import type { FeedItem } from "../../../../src/core/events/feed-item.ts";
import { encodeAnnouncement } from "../../../../src/core/events/task-announcement.ts";
import type { LifecycleEvent, LifecycleEventType } from "../../../../src/core/events/task-event.ts";
import type { Progress } from "../../../../src/core/tasks/progress.ts";
import { NO_COUNTS, progressOf } from "../../../../src/core/tasks/progress.ts";
import type { TaskStore } from "../../../../src/core/tasks/task-store.ts";
import type { Task } from "../../../../src/core/tasks/task.ts";
import { ANONYMOUS } from "../../../../src/core/access/viewer.ts";
import type { Json } from "../../../../src/kernel/json.ts";

/** Tasks, their log and their bus. The test decides what is announced, what is lost, and what is slow. */
export interface TaskWorld {
  readonly bus: EventBus;
  readonly log: Pick<EventLog, "replay" | "head">;
  readonly tasks: Pick<TaskStore, "find">;
  /** Every query of the log so far. */
  readonly replays: { readonly after: number; readonly taskIds?: readonly string[] }[];
  readonly subscriberCount: () => number;
  /** The n-th task's id. */
  id(n: number): string;
  task(n: number): Task;
  /** Changes the task and appends an event, unannounced. @returns its position */
  append(n: number, type: LifecycleEventType, change?: Partial<Task>): number;
  /** Changes the task, without an event. */
  change(n: number, change: Partial<Task>): void;
  announce(n: number): void;
  announceProgress(n: number, succeeded: number, attempt?: number): void;
  /** Sends anything over the bus. */
  send(message: Json): void;
  loseConnection(): void;
  /** CREATE and START of a task of 100 records, announced. */
  run(n: number): void;
  /** COMPLETE and CLEANUP, announced. */
  complete(n: number): void;
  /** Makes every query fail until it is called with undefined. */
  breakLog(error: Error | undefined): void;
}

/** @param pace how long a query takes; default: none */
export function createTaskWorld(pace: <T>(read: () => T) => Promise<T> = async (read) => read()): TaskWorld {
  const events: LifecycleEvent[] = [];
  const tasks = new Map<string, Task>();
  const subscribers = new Set<BusSubscriber>();
  const replays: { after: number; taskIds?: readonly string[] }[] = [];
  let broken: Error | undefined;

  const id = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;
  const task = (n: number): Task => tasks.get(id(n)) ?? newTask(id(n));
  const send = (message: Json): void => subscribers.forEach((subscriber) => subscriber.onMessage(message));
  const announce = (n: number): void => send(encodeAnnouncement({ kind: "LIFECYCLE", taskIds: [id(n)] }));
  const change: TaskWorld["change"] = (n, changed) => void tasks.set(id(n), { ...task(n), ...changed });
  const append: TaskWorld["append"] = (n, type, changed = {}) => {
    change(n, changed);
    const sequence = events.filter((event) => event.taskId === id(n)).length + 1;
    // Every third number is lost to a transaction that rolled back.
    const position = (events.at(-1)?.position ?? 0) + (events.length % 3 === 2 ? 2 : 1);
    const { progress } = task(n);
    events.push({ position, taskId: id(n), sequence, type, at: new Date(0), progress, message: null });
    return position;
  };
  const checked = <T>(read: () => T): Promise<T> =>
    pace(() => {
      if (broken !== undefined) {
        throw broken;
      }
      return read();
    });
  return {
    replays,
    subscriberCount: () => subscribers.size,
    bus: {
      publish: async (_topic, message) => send(message),
      async subscribe(_topic, subscriber) {
        subscribers.add(subscriber);
        return async () => void subscribers.delete(subscriber);
      },
      close: async () => subscribers.clear(),
    },
    log: {
      head: () => checked(() => events.at(-1)?.position ?? 0),
      replay(query) {
        replays.push(query);
        return checked(() =>
          events
            .filter(
              ({ position, taskId }) => position > query.after && (query.taskIds?.includes(taskId) ?? true),
            )
            .slice(0, query.limit),
        );
      },
    },
    tasks: {
      find: (ids) =>
        checked(
          () =>
            new Map(ids.flatMap((one) => (tasks.has(one) ? [[one, tasks.get(one) as Task] as const] : []))),
        ),
    },
    id,
    task,
    append,
    change,
    announce,
    announceProgress(n, succeeded, attempt = task(n).attempt) {
      const at = new Date(1).toISOString();
      send(
        encodeAnnouncement({ kind: "PROGRESS", taskId: id(n), attempt, at, progress: progressAt(succeeded) }),
      );
    },
    send,
    loseConnection: () => subscribers.forEach((subscriber) => subscriber.onGap()),
    run(n) {
      append(n, "CREATE");
      announce(n);
      append(n, "START", { status: "RUNNING", attempt: task(n).attempt + 1 });
      announce(n);
    },
    complete(n) {
      append(n, "COMPLETE", { status: "SUCCEEDED", progress: progressAt(100) });
      announce(n);
      append(n, "CLEANUP", { isCleaned: true });
      announce(n);
    },
    breakLog(error) {
      broken = error;
    },
  };
}

export function progressAt(succeeded: number): Progress {
  return progressOf(100, { ...NO_COUNTS, succeeded });
}

function newTask(id: string): Task {
  return {
    id,
    kind: "bulkUpdate",
    model: "City",
    label: null,
    status: "PENDING",
    errorPolicy: "SKIP_FAILED",
    isDryRun: false,
    onConflict: "REJECT",
    retryOf: null,
    parent: null,
    schedule: null,
    viewer: ANONYMOUS,
    hasStatusPage: false,
    createdAt: new Date(0),
    startedAt: null,
    finishedAt: null,
    attempt: 0,
    blockedBy: null,
    cancelRequestedAt: null,
    pauseRequestedAt: null,
    pauseRequestedBy: null,
    pausedAt: null,
    pauses: 0,
    postponedUntil: null,
    failures: 0,
    input: null,
    result: null,
    message: null,
    progress: progressAt(0),
    isCleaned: false,
  };
}

/** Lets everything that is ready go on, until nothing is. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The next items that a subscriber is handed. */
export async function take(items: AsyncIterator<FeedItem>, count: number): Promise<FeedItem[]> {
  const taken: FeedItem[] = [];
  while (taken.length < count) {
    const step = await items.next();
    if (step.done === true) {
      break;
    }
    taken.push(step.value);
  }
  return taken;
}
