import { Subscriber } from "../../kernel/subscriber.ts";
import type { RecordEventType } from "../events/record-announcement.ts";
import type { Task } from "../tasks/task.ts";

/** What a subscriber to records receives. One object for all who get the same. */
export interface RecordEvent {
  readonly type: RecordEventType;
  readonly model: string;
  /** Canonical; none where `isAll`. */
  readonly recordIds: readonly string[];
  /** Any record of the model may be concerned. */
  readonly isAll: boolean;
  /** The task that did it, as it is now; undefined for a single write, and for a task that was deleted. Read once. */
  readonly readTask: () => Promise<Task | undefined>;
}

/** What a subscription needs. */
export interface RecordSubscriptionOptions {
  readonly model: string;
  /** The records, by canonical ids. Left out: all. */
  readonly ids?: ReadonlySet<string> | undefined;
  readonly canSee: (task: Task) => boolean;
  /** Called once, at the end. */
  readonly onEnd: (subscription: RecordSubscription) => void;
}

/** The most events that may wait for one subscriber: then one gap takes their place. */
const MAX_WAITING = 100;

/** An event that says: read again what you show. */
export function gapOf(model: string): RecordEvent {
  return { type: "GAP", model, recordIds: [], isAll: true, readTask: noTask };
}

/** For an event without a task. */
export function noTask(): Promise<undefined> {
  return Promise.resolve(undefined);
}

/** One subscriber. A slow one takes bounded memory, and misses nothing: a gap stands for what it did not read. */
export class RecordSubscription extends Subscriber<RecordEvent> {
  readonly #options: RecordSubscriptionOptions;
  #waiting: RecordEvent[] = [];

  constructor(options: RecordSubscriptionOptions) {
    super();
    this.#options = options;
  }

  /** Whether the subscriber may see the task. */
  canSee(task: Task): boolean {
    return this.#options.canSee(task);
  }

  /** Takes an event from the feed. */
  offer(event: RecordEvent): void {
    const wanted = this.#wantedOf(event);
    // A gap that was not read yet stands for all that comes after it.
    if (this.isEnded || wanted === undefined || this.#waiting[0]?.type === "GAP") {
      return;
    }
    if (wanted.type === "GAP") {
      this.#waiting = [wanted];
    } else if (this.#waiting.length >= MAX_WAITING) {
      this.#waiting = [gapOf(this.#options.model)];
    } else {
      this.#waiting.push(wanted);
    }
    this.handOut();
  }

  protected override take(): RecordEvent | undefined {
    return this.#waiting.shift();
  }

  protected override drop(): void {
    this.#waiting = [];
    this.#options.onEnd(this);
  }

  /** The part of the event that is about the subscriber's records. */
  #wantedOf(event: RecordEvent): RecordEvent | undefined {
    const { ids } = this.#options;
    if (ids === undefined || event.isAll) {
      return event;
    }
    const recordIds = event.recordIds.filter((id) => ids.has(id));
    if (recordIds.length === event.recordIds.length) {
      return event;
    }
    return recordIds.length === 0 ? undefined : { ...event, recordIds };
  }
}
