import { AppError } from "../../kernel/app-error.ts";
import { createFailureLog } from "../../kernel/logger.ts";
import type { Json } from "../../kernel/json.ts";
import { giveWay } from "../../kernel/turns.ts";
import type { Passes } from "../../kernel/passes.ts";
import { createPasses } from "../../kernel/passes.ts";
import type { Task } from "../tasks/task.ts";
import type { FeedEntry } from "./feed-item.ts";
import type { TaskFeedOptions, TaskFeedPorts } from "./feed-options.ts";
import type { KnownTasks, ProgressAnnouncement } from "./known-tasks.ts";
import { createKnownTasks } from "./known-tasks.ts";
import { decodeAnnouncement } from "./task-announcement.ts";
import type { LifecycleEvent } from "./task-event.ts";
import type { ReplayedPage, TaskSubscription } from "./task-subscription.ts";

/** The most tasks whose state is read again after a gap. For others, the next change is reported. */
const MAX_RESTATED = 1000;
/** The most offers of events to subscriptions in one turn of the event loop. */
const MAX_OFFERS = 1000;
/** What as many take, in ms: about. */
const REST_MS = 5;

/** Reads the log once for all subscriptions, and offers them the events. */
export class FeedReader {
  readonly #ports: TaskFeedPorts;
  readonly #settings: Required<TaskFeedOptions>;
  readonly #subscriptions: ReadonlySet<TaskSubscription>;
  #known: KnownTasks;
  readonly #passes: Passes;
  /** Announced progress that waits for the end of the pass: the latest of each task. */
  readonly #pending = new Map<string, ProgressAnnouncement>();
  #position = 0;
  #offers = 0;
  #isOpen = false;
  #hasGap = false;

  constructor(
    ports: TaskFeedPorts,
    settings: Required<TaskFeedOptions>,
    subscriptions: ReadonlySet<TaskSubscription>,
  ) {
    this.#ports = ports;
    this.#settings = settings;
    this.#subscriptions = subscriptions;
    this.#passes = createPasses({
      pass: () => this.#pass(),
      failures: createFailureLog(ports.logger, "reading the event log"),
      clock: ports.clock,
      retryMs: settings.retryDelayMs,
    });
    this.#known = createKnownTasks(settings.maxKnownTasks);
  }

  /** The position up to which all events were offered. */
  get position(): number {
    return this.#position;
  }

  /** Between {@link begin} and {@link end}. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Begins after the latest event. */
  async begin(): Promise<void> {
    this.#position = await this.#ports.log.head();
    this.#isOpen = true;
  }

  /** Waits for the end of the pass. No other follows. */
  async end(): Promise<void> {
    this.#isOpen = false;
    await this.#passes.end();
  }

  /** Takes a message from the bus. Never throws. */
  hear(message: Json): void {
    try {
      const announcement = decodeAnnouncement(message);
      if (announcement?.kind === "LIFECYCLE") {
        this.readOn();
      } else if (announcement?.kind === "PROGRESS") {
        this.#hearProgress(announcement);
      }
    } catch (error) {
      this.#ports.logger.warn({ err: error }, "an announcement could not be understood");
    }
  }

  /** Reads log and tasks again, because announcements may have been lost. */
  reportGap(): void {
    this.#hasGap = true;
    this.readOn();
  }

  /** Offers the log's new events: now, or in one more pass after this one. */
  readOn(): void {
    if (this.#isOpen) {
      this.#passes.ask();
    }
  }

  /**
   * Reads a page of the log for one subscriber.
   * @throws AppError VALIDATION_FAILED when `after` lies beyond the log
   */
  async replay(from: {
    readonly after: number;
    readonly taskIds?: readonly string[] | undefined;
  }): Promise<ReplayedPage> {
    const limit = this.#settings.pageSize;
    const { after, taskIds } = from;
    const events = await this.#ports.log.replay({
      after,
      limit,
      ...(taskIds === undefined ? {} : { taskIds }),
    });
    if (events.length === 0 && after > this.#position && after > (await this.#ports.log.head())) {
      throw new AppError(
        "VALIDATION_FAILED",
        '"after" lies beyond the last event there is. Leave it out to begin with the events to come.',
        { details: { field: "after" } },
      );
    }
    const entries = entriesOf(events, await this.#findTasks(events));
    return { entries, position: events.at(-1)?.position ?? after, isLast: events.length < limit };
  }

  async #pass(): Promise<void> {
    if (!(await this.#skipLog())) {
      await this.#readLog();
      await this.#restate();
      await this.#offerPending();
    }
  }

  /**
   * Passes over the log's new events where nobody subscribes. A subscription that comes meanwhile begins at the position
   * before, and its events are read.
   * @returns whether it did
   */
  async #skipLog(): Promise<boolean> {
    if (this.#subscriptions.size > 0) {
      return false;
    }
    const head = await this.#ports.log.head();
    if (this.#subscriptions.size > 0) {
      return false;
    }
    this.#position = head;
    this.#known = createKnownTasks(this.#settings.maxKnownTasks);
    this.#pending.clear();
    this.#hasGap = false;
    return true;
  }

  async #readLog(): Promise<void> {
    const limit = this.#settings.pageSize;
    for (let isLast = false; !isLast && this.#isOpen;) {
      const events = await this.#ports.log.replay({ after: this.#position, limit });
      const tasks = await this.#findTasks(events);
      for (const { event, task } of entriesOf(events, tasks)) {
        this.#offer({ event, task: this.#known.note(event, task) });
        this.#position = event.position;
        await this.#rest();
      }
      this.#position = events.at(-1)?.position ?? this.#position;
      isLast = events.length < limit;
    }
  }

  /** After a gap, progress may have been lost: offers the present state of the followed tasks. */
  async #restate(): Promise<void> {
    if (!this.#hasGap) {
      return;
    }
    const followed = new Set([...this.#subscriptions].flatMap((subscription) => subscription.taskIds ?? []));
    const taskIds = [...followed].slice(0, MAX_RESTATED);
    await this.#learn(taskIds);
    this.#hasGap = false;
    const now = this.#ports.clock.now();
    for (const taskId of taskIds) {
      this.#offer(this.#known.restate(taskId, now));
    }
  }

  #hearProgress(announced: ProgressAnnouncement): void {
    const { taskId } = announced;
    if (![...this.#subscriptions].some((subscription) => subscription.concerns(taskId))) {
      return;
    }
    const known = this.#passes.isUnderWay ? undefined : this.#known.advance(announced);
    if (known !== undefined) {
      this.#offer(known);
      return;
    }
    // The announcement of its START may come later: the log is read first.
    if (this.#pending.has(taskId) || this.#pending.size < this.#settings.maxKnownTasks) {
      this.#pending.set(taskId, announced);
      this.readOn();
    }
  }

  async #offerPending(): Promise<void> {
    const unknown = [...this.#pending.keys()].filter((taskId) => !this.#known.has(taskId));
    await this.#learn(unknown);
    if (this.#passes.isAsked) {
      // The next pass may bring the events that the progress has to follow.
      return;
    }
    for (const announced of this.#pending.values()) {
      this.#offer(this.#known.advance(announced));
    }
    this.#pending.clear();
  }

  /** Reads tasks, and the latest offered event of each. */
  async #learn(taskIds: readonly string[]): Promise<void> {
    const limit = this.#settings.pageSize;
    for (let after = 0, isLast = taskIds.length === 0; !isLast;) {
      const events = await this.#ports.log.replay({ after, taskIds, limit });
      const offered = events.filter((event) => event.position <= this.#position);
      for (const { event, task } of entriesOf(offered, await this.#findTasks(offered))) {
        this.#known.note(event, task);
      }
      after = events.at(-1)?.position ?? after;
      isLast = events.length < limit;
    }
  }

  async #findTasks(events: readonly LifecycleEvent[]): Promise<ReadonlyMap<string, Task>> {
    const ids = new Set(events.map((event) => event.taskId));
    return ids.size === 0 ? new Map() : this.#ports.tasks.find([...ids]);
  }

  /** After many offers, lets the process do something else before the next event. */
  async #rest(): Promise<void> {
    if (this.#offers >= MAX_OFFERS) {
      this.#offers = 0;
      await new Promise<void>((resolve) => giveWay(REST_MS, resolve));
    }
  }

  #offer(entry: FeedEntry | undefined): void {
    if (entry !== undefined) {
      this.#ports.onEvent?.(entry);
      this.#offers += this.#subscriptions.size;
      for (const subscription of this.#subscriptions) {
        subscription.offer(entry);
      }
    }
  }
}

/** Events with their tasks. Events of deleted tasks are left out. */
function entriesOf(
  events: readonly LifecycleEvent[],
  tasks: ReadonlyMap<string, Task>,
): (FeedEntry & { readonly event: LifecycleEvent })[] {
  return events.flatMap((event) => {
    const task = tasks.get(event.taskId);
    return task === undefined ? [] : [{ event, task }];
  });
}
