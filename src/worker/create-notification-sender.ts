import type { FailureLog } from "../kernel/logger.ts";
import { createFailureLog } from "../kernel/logger.ts";
import type { Passes } from "../kernel/passes.ts";
import { createPasses } from "../kernel/passes.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import type { EventBus } from "../core/events/event-bus.ts";
import { decodeNotificationAnnouncement, NOTIFICATION_TOPIC } from "../core/notifications/announcement.ts";
import type { Outbox } from "../core/notifications/outbox.ts";
import type { SendOptions, SendPorts } from "../core/notifications/send-notification.ts";
import { sendNotification } from "../core/notifications/send-notification.ts";
import type { TaskReads } from "../core/tasks/task-reads.ts";

/** What the sender needs. */
export interface SenderPorts extends SendPorts {
  readonly outbox: Outbox;
  readonly tasks: Pick<TaskReads, "find">;
  readonly bus: Pick<EventBus, "subscribe">;
}

/** The options of {@link createNotificationSender}. */
export interface SenderOptions extends SendOptions {
  /** How many it sends at a time. Default 16. */
  readonly concurrency?: number;
  /** Another process takes a notification this long after the time of its try is over, in ms: its sender must be dead. */
  readonly leaseMs: number;
}

/** The time until the outbox is read again after it could not be read, in ms. */
const RETRY_MS = 5000;
/** The longest time of a timer, in ms. */
const MAX_TIMER_MS = 24 * 3_600_000;

/**
 * Sends the notifications of the outbox, in any number of processes at once. Reads the outbox at the start, when notifications
 * are announced, and when the next try of one is due; in between it asks nothing.
 */
export function createNotificationSender(ports: SenderPorts, options: SenderOptions): Service {
  const sender = new NotificationSender(ports, options);
  let unsubscribe: (() => Promise<void>) | undefined;
  return createService({
    name: "notification sender",
    async start() {
      unsubscribe = await ports.bus.subscribe(NOTIFICATION_TOPIC, {
        onMessage: (message) => decodeNotificationAnnouncement(message).isOutbox && sender.readOn(),
        onGap: () => sender.readOn(),
      });
      sender.readOn();
    },
    async stop() {
      await unsubscribe?.();
      await sender.stop();
    },
  });
}

class NotificationSender {
  readonly #ports: SenderPorts;
  readonly #options: SenderOptions;
  readonly #concurrency: number;
  readonly #failures: FailureLog;
  readonly #stopped = new AbortController();
  readonly #sending = new Set<Promise<void>>();
  readonly #passes: Passes;
  #stopTimer: (() => void) | undefined;

  constructor(ports: SenderPorts, options: SenderOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#concurrency = options.concurrency ?? 16;
    this.#failures = createFailureLog(ports.logger, "sending notifications");
    this.#passes = createPasses({
      pass: () => this.#pass(),
      failures: this.#failures,
      clock: ports.clock,
      retryMs: RETRY_MS,
    });
  }

  /** Reads the outbox: now, or once more after the reading under way. */
  readOn(): void {
    this.#passes.ask();
  }

  /** What is being sent is broken off, and left to another process. */
  async stop(): Promise<void> {
    this.#stopped.abort(new Error("The process that sent it was stopped."));
    await this.#passes.end();
    this.#stopTimer?.();
    await Promise.all(this.#sending);
  }

  async #pass(): Promise<void> {
    this.#stopTimer?.();
    await this.#take();
    if (this.#hasRoom() && !this.#passes.isAsked) {
      this.#setTimer(await this.#ports.outbox.nextDue());
    }
  }

  /** Begins to send as many as are due and there is room for. */
  async #take(): Promise<void> {
    if (!this.#hasRoom()) {
      return;
    }
    const { clock, outbox, tasks } = this.#ports;
    const { timeoutMs, leaseMs } = this.#options;
    const at = clock.now();
    const until = new Date(at.getTime() + timeoutMs + leaseMs);
    const rows = await outbox.take({ at, until, limit: this.#concurrency - this.#sending.size });
    if (rows.length > 0) {
      const found = await tasks.find([...new Set(rows.map(({ taskId }) => taskId))]);
      rows.forEach((row) => this.#begin({ row, task: found.get(row.taskId) }));
    }
  }

  #begin(taken: Parameters<typeof sendNotification>[2]): void {
    const sending = sendNotification(this.#ports, this.#options, taken, this.#stopped.signal)
      .catch((error: unknown) => this.#failures.failed(error, { notificationId: taken.row.id }))
      .finally(() => {
        this.#sending.delete(sending);
        // Reads for several at a time, not for each one that ends.
        if (this.#sending.size === Math.floor(this.#concurrency / 2) || this.#sending.size === 0) {
          this.readOn();
        }
      });
    this.#sending.add(sending);
  }

  #hasRoom(): boolean {
    return this.#sending.size < this.#concurrency;
  }

  #setTimer(due: Date | undefined): void {
    if (due !== undefined && !this.#stopped.signal.aborted) {
      const wait = due.getTime() - this.#ports.clock.now().getTime();
      this.#stopTimer = this.#ports.clock.after(Math.min(Math.max(wait, 1), MAX_TIMER_MS), () =>
        this.readOn(),
      );
    }
  }
}
