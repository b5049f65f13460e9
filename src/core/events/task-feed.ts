import { AppError } from "../../kernel/app-error.ts";
import type { Json } from "../../kernel/json.ts";
import type { Service } from "../../kernel/service.ts";
import { createService } from "../../kernel/service.ts";
import { isFinal } from "../tasks/task-status.ts";
import type { Task } from "../tasks/task.ts";
import type { FeedFilter, FeedItem } from "./feed-item.ts";
import type { TaskFeedOptions, TaskFeedPorts } from "./feed-options.ts";
import { TASK_FEED_DEFAULTS } from "./feed-options.ts";
import { FeedReader } from "./feed-reader.ts";
import { TaskSubscription } from "./task-subscription.ts";
import { TASK_TOPIC } from "./task-announcement.ts";
import { watchTask } from "./watch-task.ts";

/** What a subscriber asks for. */
interface SubscribeRequest {
  /** Default: all events of all tasks. */
  readonly filter?: FeedFilter;
  /** A position: replays the log after it first. Default: only events from now on. */
  readonly after?: number;
  /** Whether the subscriber may see the task; called for every event. Default: every task. */
  readonly canSee?: (task: Task) => boolean;
  /** Ends the subscription. */
  readonly signal?: AbortSignal;
}

/** Hands the events of all tasks to subscribers. */
export interface TaskFeed {
  /**
   * Subscribes at once. Events before the first `next` wait.
   *
   * Lifecycle events come in order, each once. Progress comes as announced; a slow subscriber gets only the latest of
   * each task. Progress never comes after the end of its attempt. With a filter of tasks, it ends after the CLEANUP of the
   * last of them.
   *
   * Ends with AppError VALIDATION_FAILED when `after` lies beyond the log; SUBSCRIBER_TOO_SLOW, naming the cursor to
   * resume from, when too many lifecycle events wait; UNAVAILABLE when the log cannot be read. Each subscriber must
   * call `return`, or abort, or read to the end.
   */
  subscribe(request?: SubscribeRequest): AsyncIterableIterator<FeedItem, undefined>;
  /**
   * Whether nothing more will come of the tasks after the position: each has been cleaned up, or is gone.
   * @throws AppError UNAVAILABLE when the tasks cannot be read
   */
  isOver(taskIds: readonly string[], after: number): Promise<boolean>;
  /**
   * A task's current state at once, then its changes, and the end after the final state. Of several changes together only
   * the latest comes. For a missing or hidden task the first `next` throws AppError NOT_FOUND.
   */
  watch(
    taskId: string,
    request?: Pick<SubscribeRequest, "canSee" | "signal">,
  ): AsyncIterableIterator<Task, undefined>;
}

/**
 * One feed serves all subscribers of a process: one subscription to the bus, and one query per new page of the log. Start
 * it before the first subscription. Its stop ends all subscriptions with AppError UNAVAILABLE: a stop must not look like the
 * end of a task.
 */
export function createTaskFeed(
  ports: TaskFeedPorts,
  options: TaskFeedOptions = {},
): Service & TaskFeed & { readonly subscriberCount: () => number } {
  const settings = { ...TASK_FEED_DEFAULTS, ...options };
  const subscriptions = new Set<TaskSubscription>();
  const reader = new FeedReader(ports, settings, subscriptions);
  let unsubscribe: (() => Promise<void>) | undefined;
  let stopPolling: (() => void) | undefined;

  const service = createService({
    name: "task feed",
    async start() {
      await reader.begin();
      unsubscribe = await ports.bus.subscribe(TASK_TOPIC, {
        onMessage: (message: Json) => reader.hear(message),
        onGap: () => reader.reportGap(),
      });
      // Events that were appended before the subscription to the bus.
      reader.readOn();
      stopPolling = ports.clock.every(settings.pollIntervalMs, () => {
        if (subscriptions.size > 0) {
          reader.readOn();
        }
      });
    },
    async stop() {
      stopPolling?.();
      await reader.end();
      for (const subscription of subscriptions) {
        subscription.fail(new AppError("UNAVAILABLE", "The task feed has stopped. Subscribe again."));
      }
      await unsubscribe?.();
    },
  });
  const feed: TaskFeed = {
    subscribe: (request = {}) => subscribe(request, { reader, subscriptions, settings }),
    isOver: (taskIds, after) => isOver(ports, taskIds, after),
    watch: (taskId, request = {}) =>
      watchTask({ tasks: ports.tasks, subscribe: feed.subscribe }, taskId, request),
  };
  return { ...service, ...feed, subscriberCount: () => subscriptions.size };
}

/** Events of one task that are read at a time: more than most have. */
const HISTORY = 10;

async function isOver(
  { log, tasks }: Pick<TaskFeedPorts, "log" | "tasks">,
  taskIds: readonly string[],
  after: number,
): Promise<boolean> {
  const found = await tasks.find(taskIds);
  if ([...found.values()].some(({ status }) => !isFinal(status))) {
    return false;
  }
  const open = new Set(found.keys());
  const limit = HISTORY * taskIds.length;
  for (let from = 0, isLast = open.size === 0; !isLast;) {
    const events = await log.replay({ after: from, taskIds: [...open], limit });
    for (const { type, taskId, position } of events) {
      if (position > after) {
        return false;
      }
      if (type === "CLEANUP") {
        open.delete(taskId);
      }
    }
    from = events.at(-1)?.position ?? from;
    isLast = open.size === 0 || events.length < limit;
  }
  return open.size === 0;
}

interface FeedParts {
  readonly reader: FeedReader;
  readonly subscriptions: Set<TaskSubscription>;
  readonly settings: Required<TaskFeedOptions>;
}

function subscribe(
  request: SubscribeRequest,
  { reader, subscriptions, settings }: FeedParts,
): TaskSubscription {
  const { filter = {}, after, canSee = () => true, signal } = request;
  const abort = (): void => subscription.end();
  const subscription = new TaskSubscription({
    filter,
    canSee,
    position: after ?? reader.position,
    ...(after === undefined
      ? {}
      : { replay: (position: number) => reader.replay({ after: position, taskIds: filter.taskIds }) }),
    maxBufferedEvents: settings.maxBufferedEvents,
    onEnd(ended) {
      subscriptions.delete(ended);
      signal?.removeEventListener("abort", abort);
    },
  });
  subscriptions.add(subscription);
  signal?.addEventListener("abort", abort, { once: true });
  if (!reader.isOpen) {
    subscription.fail(new AppError("UNAVAILABLE", "The task feed is not running."));
  }
  if (signal?.aborted === true) {
    subscription.end();
  }
  return subscription;
}
