import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { TaskReads } from "../tasks/task-reads.ts";
import type { EventBus } from "./event-bus.ts";
import type { EventLog } from "./event-log.ts";
import type { FeedEntry } from "./feed-item.ts";

/** What the feed needs. */
export interface TaskFeedPorts {
  readonly bus: EventBus;
  readonly log: Pick<EventLog, "replay" | "head">;
  readonly tasks: Pick<TaskReads, "find">;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Told of each event that is handed to subscribers. Must not throw. */
  readonly onEvent?: (entry: FeedEntry) => void;
}

/** Settings of the feed; all may be left out. */
export interface TaskFeedOptions {
  /** Lifecycle events that may wait for one subscriber before it is too slow, and ended. Default 1,000. */
  readonly maxBufferedEvents?: number;
  /** Number of remembered tasks, whose announced progress becomes events. Default 500. */
  readonly maxKnownTasks?: number;
  /** Events read from the log at a time. Default 500. */
  readonly pageSize?: number;
  /**
   * Time between two reads of the log without an announcement, in ms, while there are subscribers: a process may die
   * between its commit and its announcement. Default 5,000.
   */
  readonly pollIntervalMs?: number;
  /** Time until the next try after the log could not be read, in ms. Default 500. */
  readonly retryDelayMs?: number;
}

export const TASK_FEED_DEFAULTS: Required<TaskFeedOptions> = Object.freeze({
  maxBufferedEvents: 1000,
  maxKnownTasks: 500,
  pageSize: 500,
  pollIntervalMs: 5000,
  retryDelayMs: 500,
});
