import { AppError } from "../../kernel/app-error.ts";
import { Subscriber } from "../../kernel/subscriber.ts";
import type { EventBuffer } from "./event-buffer.ts";
import { createEventBuffer } from "./event-buffer.ts";
import { encodeCursor } from "./event-cursor.ts";
import type { FeedEntry, FeedFilter, FeedItem } from "./feed-item.ts";
import { itemOf, passesFilter } from "./feed-item.ts";
import type { Task } from "../tasks/task.ts";

/** A page of the log, read for one subscriber. */
export interface ReplayedPage {
  readonly entries: readonly FeedEntry[];
  /** Everything up to here was read. */
  readonly position: number;
  /** Nothing more was in the log when it was read. */
  readonly isLast: boolean;
}

/** What a subscription needs. */
export interface TaskSubscriptionOptions {
  readonly filter: FeedFilter;
  readonly canSee: (task: Task) => boolean;
  /** Its start: only later events are handed out. */
  readonly position: number;
  /** Reads the log after a position, for the filter's tasks. Left out: nothing is replayed. */
  readonly replay?: (after: number) => Promise<ReplayedPage>;
  /** The most lifecycle events that may wait. */
  readonly maxBufferedEvents: number;
  /** Called once, at the end. */
  readonly onEnd: (subscription: TaskSubscription) => void;
}

/**
 * One subscriber. The feed offers it every event from its creation on. While it replays the log, it drops the offers: all of
 * them are in the log, and it reads on until it has read that far. Then it goes live, within one turn of the event loop,
 * and buffers the offers. So it misses nothing, and gets nothing twice.
 */
export class TaskSubscription extends Subscriber<FeedItem> {
  readonly #options: TaskSubscriptionOptions;
  readonly #buffer: EventBuffer;
  #replayed: FeedEntry[] = [];
  /** The filter's tasks that have not been cleaned up; undefined where it follows all tasks. */
  readonly #open: Set<string> | undefined;
  #isReplaying: boolean;
  #isReading = false;
  /** The position up to which events were replayed, or came before its start. */
  #read: number;
  /** The position up to which events were handed out: where to resume. */
  #handedOut: number;
  /** Position of the latest event that was dropped during the replay. */
  #offered = 0;

  constructor(options: TaskSubscriptionOptions) {
    super();
    this.#options = options;
    this.#open = this.taskIds && new Set(this.taskIds);
    this.#buffer = createEventBuffer(options.maxBufferedEvents);
    this.#isReplaying = options.replay !== undefined;
    this.#read = options.position;
    this.#handedOut = options.position;
  }

  /** The tasks that it follows; undefined for all. */
  get taskIds(): readonly string[] | undefined {
    return this.#options.filter.taskIds;
  }

  /** Whether it follows the task. */
  concerns(taskId: string): boolean {
    return !this.isEnded && (this.taskIds?.includes(taskId) ?? true);
  }

  /** Takes an event from the feed. Never throws: an error ends this subscription only. */
  offer(entry: FeedEntry): void {
    if (!this.concerns(entry.task.id)) {
      return;
    }
    const isProgress = entry.event.type === "PROGRESS";
    if (this.#isReplaying) {
      this.#offered = isProgress ? this.#offered : entry.event.position;
      return;
    }
    if (!isProgress && entry.event.position <= this.#read) {
      return;
    }
    if (this.#isWanted(entry) && !this.#buffer.push(entry)) {
      this.fail(tooSlow(this.#handedOut));
    }
    this.#noteEnd(entry);
    this.handOut();
  }

  protected override take(): FeedItem | undefined {
    const entry = this.#replayed.shift() ?? this.#buffer.shift();
    return entry && this.#itemOf(entry);
  }

  protected override drop(): void {
    this.#buffer.clear();
    this.#replayed = [];
    this.#options.onEnd(this);
  }

  /** Reads on, if it is replaying; ends, if no more can come. */
  protected override ask(): void {
    if (this.#open?.size === 0 && !this.#isReplaying && this.#options.filter.taskIds?.length !== 0) {
      this.end();
      return;
    }
    const { replay } = this.#options;
    if (replay !== undefined && this.#isReplaying && !this.#isReading) {
      this.#isReading = true;
      replay(this.#read).then(
        (page) => this.#takePage(page),
        (error: unknown) => this.fail(error),
      );
    }
  }

  #isWanted(entry: FeedEntry): boolean {
    try {
      return passesFilter(this.#options.filter, entry) && this.#options.canSee(entry.task);
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  #noteEnd({ event, task }: FeedEntry): void {
    if (event.type === "CLEANUP") {
      this.#open?.delete(task.id);
    }
  }

  #itemOf(entry: FeedEntry): FeedItem {
    if (entry.event.type !== "PROGRESS") {
      this.#handedOut = entry.event.position;
    }
    return itemOf(entry, this.#handedOut);
  }

  #takePage(page: ReplayedPage): void {
    this.#isReading = false;
    if (!this.isEnded) {
      this.#read = page.position;
      this.#replayed = page.entries.filter((entry) => this.#isWanted(entry));
      page.entries.forEach((entry) => this.#noteEnd(entry));
      this.#isReplaying = !page.isLast || this.#offered > this.#read;
      this.handOut();
    }
  }
}

function tooSlow(position: number): AppError {
  const after = encodeCursor(position);
  return new AppError(
    "SUBSCRIBER_TOO_SLOW",
    `Too many events waited to be read. Subscribe again with after: "${after}" to go on without a gap.`,
    { details: { after } },
  );
}
