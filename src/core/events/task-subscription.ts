import { AppError } from "../../kernel/app-error.ts";
import type { EventBuffer } from "./event-buffer.ts";
import { createEventBuffer } from "./event-buffer.ts";
import { encodeCursor } from "./event-cursor.ts";
import type { FeedEntry, FeedFilter, FeedItem } from "./feed-item.ts";
import { passesFilter } from "./feed-item.ts";
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

interface Waiter {
  readonly resolve: (result: IteratorResult<FeedItem, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const DONE = Object.freeze({ done: true, value: undefined });

/**
 * One subscriber. The feed offers it every event from its creation on. While it replays the log, it drops the offers: all of
 * them are in the log, and it reads on until it has read that far. Then it goes live, within one turn of the event loop,
 * and buffers the offers. So it misses nothing, and gets nothing twice.
 */
export class TaskSubscription implements AsyncIterableIterator<FeedItem, undefined> {
  readonly #options: TaskSubscriptionOptions;
  readonly #buffer: EventBuffer;
  readonly #waiters: Waiter[] = [];
  #replayed: FeedEntry[] = [];
  #isReplaying: boolean;
  #isReading = false;
  /** The position up to which events were replayed, or came before its start. */
  #read: number;
  /** The position up to which events were handed out: where to resume. */
  #handedOut: number;
  /** Position of the latest event that was dropped during the replay. */
  #offered = 0;
  #isEnded = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: TaskSubscriptionOptions) {
    this.#options = options;
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
    return !this.#isEnded && (this.taskIds?.includes(taskId) ?? true);
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
    this.#handOut();
  }

  /** Ends with an error, and drops the waiting events. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.end();
  }

  /** Ends without an error, and drops the waiting events. */
  end(): void {
    if (!this.#isEnded) {
      this.#isEnded = true;
      this.#buffer.clear();
      this.#replayed = [];
      this.#options.onEnd(this);
      this.#handOut();
    }
  }

  next(): Promise<IteratorResult<FeedItem, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#handOut();
    });
  }

  return(): Promise<IteratorResult<FeedItem, undefined>> {
    this.end();
    return Promise.resolve(DONE);
  }

  throw(error: unknown): Promise<IteratorResult<FeedItem, undefined>> {
    this.end();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #isWanted(entry: FeedEntry): boolean {
    try {
      return passesFilter(this.#options.filter, entry) && this.#options.canSee(entry.task);
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  /** Resolves pending calls of `next` while there are events for them. */
  #handOut(): void {
    for (let waiter = this.#waiters[0]; waiter !== undefined; waiter = this.#waiters[0]) {
      const entry = this.#replayed.shift() ?? this.#buffer.shift();
      if (entry !== undefined) {
        this.#waiters.shift();
        waiter.resolve({ done: false, value: this.#itemOf(entry) });
      } else if (this.#isEnded) {
        this.#waiters.shift();
        this.#finish(waiter);
      } else {
        this.#readOn();
        return;
      }
    }
  }

  #itemOf(entry: FeedEntry): FeedItem {
    if (entry.event.type !== "PROGRESS") {
      this.#handedOut = entry.event.position;
    }
    return { ...entry, cursor: encodeCursor(this.#handedOut) };
  }

  #finish(waiter: Waiter): void {
    if (this.#failure === undefined) {
      waiter.resolve(DONE);
    } else {
      const { error } = this.#failure;
      this.#failure = undefined;
      waiter.reject(error);
    }
  }

  #readOn(): void {
    const { replay } = this.#options;
    if (replay !== undefined && this.#isReplaying && !this.#isReading) {
      this.#isReading = true;
      replay(this.#read).then(
        (page) => this.#takePage(page),
        (error: unknown) => this.fail(error),
      );
    }
  }

  #takePage(page: ReplayedPage): void {
    this.#isReading = false;
    if (!this.#isEnded) {
      this.#read = page.position;
      this.#replayed = page.entries.filter((entry) => this.#isWanted(entry));
      this.#isReplaying = !page.isLast || this.#offered > this.#read;
      this.#handOut();
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
