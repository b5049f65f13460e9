import { AppError } from "../../kernel/app-error.ts";
import { Subscriber } from "../../kernel/subscriber.ts";
import type { Task } from "../tasks/task.ts";
import type { InboxRow } from "./inbox.ts";
import type { InboxNotification } from "./notification.ts";

/** The most notifications that may wait for one subscriber. */
const MAX_WAITING = 1000;

/** One subscriber. It is offered the rows of each reading. */
export class InboxSubscription extends Subscriber<InboxNotification> {
  readonly viewerId: string;
  readonly #onEnd: (subscription: InboxSubscription) => void;
  /** The time of every row that it was offered and that may be offered again, by id. */
  readonly #seen = new Map<string, number>();
  readonly #buffer: InboxNotification[] = [];
  readonly #since: number;
  #hasBegun = false;

  /** @param since what was made before, and is found by the first reading, is not handed out */
  constructor(viewerId: string, since: Date, onEnd: (subscription: InboxSubscription) => void) {
    super();
    this.viewerId = viewerId;
    this.#since = since.getTime();
    this.#onEnd = onEnd;
  }

  /** Whether it will hand the row out. */
  wants(row: InboxRow): boolean {
    const isNew = this.#hasBegun || row.createdAt.getTime() >= this.#since;
    return isNew && row.viewerId === this.viewerId && !this.#seen.has(row.id);
  }

  /**
   * @param tasks those of all rows that it wants
   * @param since no earlier row is offered again
   */
  offer(rows: readonly InboxRow[], tasks: ReadonlyMap<string, Task>, since: Date): void {
    for (const row of rows) {
      const task = tasks.get(row.taskId);
      if (this.wants(row) && task !== undefined) {
        this.#buffer.push({ id: row.id, task, createdAt: row.createdAt, readAt: row.readAt });
      }
      if (row.viewerId === this.viewerId) {
        this.#seen.set(row.id, row.createdAt.getTime());
      }
    }
    this.#hasBegun = true;
    this.#forget(since.getTime());
    if (this.#buffer.length > MAX_WAITING) {
      this.fail(
        new AppError(
          "SUBSCRIBER_TOO_SLOW",
          "Too many notifications waited to be read. Subscribe again, and read the inbox for those that you missed.",
        ),
      );
    }
    this.handOut();
  }

  protected override take(): InboxNotification | undefined {
    return this.#buffer.shift();
  }

  protected override drop(): void {
    this.#buffer.length = 0;
    this.#seen.clear();
    this.#onEnd(this);
  }

  #forget(before: number): void {
    for (const [id, at] of this.#seen) {
      if (at < before) {
        this.#seen.delete(id);
      }
    }
  }
}
