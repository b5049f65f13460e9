import { AppError } from "../../kernel/app-error.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { createFailureLog } from "../../kernel/logger.ts";
import type { Passes } from "../../kernel/passes.ts";
import { createPasses } from "../../kernel/passes.ts";
import type { Service } from "../../kernel/service.ts";
import { createService } from "../../kernel/service.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { TaskReads } from "../tasks/task-reads.ts";
import { decodeNotificationAnnouncement, NOTIFICATION_TOPIC } from "./announcement.ts";
import type { Inbox, InboxRow } from "./inbox.ts";
import { InboxSubscription } from "./inbox-subscription.ts";
import type { InboxNotification } from "./notification.ts";

/** What the feed needs. */
export interface InboxFeedPorts {
  readonly inbox: Pick<Inbox, "since">;
  readonly tasks: Pick<TaskReads, "find">;
  readonly bus: Pick<EventBus, "subscribe">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Hands new in-app notifications to the viewers whom they are for. */
export interface InboxFeed {
  /**
   * The viewer's notifications from now on, each once, and those of the last two seconds: one that is being committed while a
   * client subscribes and reads the inbox must be seen by one of the two. The caller must call `return`, or read to the end.
   *
   * Ends with AppError SUBSCRIBER_TOO_SLOW when too many wait to be read, and UNAVAILABLE when the feed stops.
   */
  subscribe(viewerId: string): AsyncIterableIterator<InboxNotification, undefined>;
}

/**
 * How long a settlement may take from its time to its commit and still be noticed, in ms. The inbox is read that far back each
 * time; what a subscription has had is left out.
 */
const OVERLAP_MS = 60_000;
/**
 * Time between two reads without an announcement while there are subscribers, in ms: a process may die between its commit and
 * its announcement.
 */
const POLL_INTERVAL_MS = 5000;
/** A subscription begins this long before its time, in ms; see InboxFeed. */
const SLACK_MS = 2000;
const PAGE_SIZE = 500;

/** One feed serves all subscribers of a process, with one query after each burst of announcements. */
export function createInboxFeed(ports: InboxFeedPorts): Service & InboxFeed {
  const reader = new InboxReader(ports);
  let unsubscribe: (() => Promise<void>) | undefined;
  let stopPolling: (() => void) | undefined;
  const service = createService({
    name: "inbox feed",
    async start() {
      unsubscribe = await ports.bus.subscribe(NOTIFICATION_TOPIC, {
        onMessage: (message) => decodeNotificationAnnouncement(message).isInbox && reader.readOn(),
        onGap: () => reader.readOn(),
      });
      stopPolling = ports.clock.every(POLL_INTERVAL_MS, () => reader.readOn());
      reader.begin();
    },
    async stop() {
      stopPolling?.();
      await reader.end();
      await unsubscribe?.();
    },
  });
  return { ...service, subscribe: (viewerId) => reader.subscribe(viewerId) };
}

class InboxReader {
  readonly #ports: InboxFeedPorts;
  readonly #subscriptions = new Set<InboxSubscription>();
  readonly #passes: Passes;
  #isOpen = false;

  constructor(ports: InboxFeedPorts) {
    this.#ports = ports;
    this.#passes = createPasses({
      pass: () => this.#pass(),
      failures: createFailureLog(ports.logger, "reading the inbox"),
      clock: ports.clock,
      retryMs: POLL_INTERVAL_MS,
    });
  }

  begin(): void {
    this.#isOpen = true;
  }

  async end(): Promise<void> {
    this.#isOpen = false;
    await this.#passes.end();
    for (const subscription of this.#subscriptions) {
      subscription.fail(new AppError("UNAVAILABLE", "The inbox feed has stopped. Subscribe again."));
    }
  }

  subscribe(viewerId: string): InboxSubscription {
    const since = new Date(this.#ports.clock.now().getTime() - SLACK_MS);
    const subscription = new InboxSubscription(viewerId, since, (ended) => this.#subscriptions.delete(ended));
    this.#subscriptions.add(subscription);
    if (this.#isOpen) {
      this.readOn();
    } else {
      subscription.fail(new AppError("UNAVAILABLE", "The inbox feed is not running."));
    }
    return subscription;
  }

  /** Reads the subscribers' inboxes: now, or once more after the reading under way. */
  readOn(): void {
    if (this.#isOpen && this.#subscriptions.size > 0) {
      this.#passes.ask();
    }
  }

  async #pass(): Promise<void> {
    const subscriptions = [...this.#subscriptions];
    const since = new Date(this.#ports.clock.now().getTime() - OVERLAP_MS);
    const rows = await this.#readSince([...new Set(subscriptions.map(({ viewerId }) => viewerId))], since);
    const wanted = rows.filter((row) => subscriptions.some((subscription) => subscription.wants(row)));
    const tasks =
      wanted.length === 0
        ? new Map()
        : await this.#ports.tasks.find([...new Set(wanted.map(({ taskId }) => taskId))]);
    for (const subscription of subscriptions) {
      subscription.offer(rows, tasks, since);
    }
  }

  async #readSince(viewerIds: readonly string[], since: Date): Promise<readonly InboxRow[]> {
    const rows: InboxRow[] = [];
    for (let from = since, isLast = false; !isLast;) {
      const page = await this.#ports.inbox.since({ viewerIds, since: from, limit: PAGE_SIZE });
      rows.push(...page);
      const next = page.at(-1)?.createdAt ?? from;
      // Of more than a page at one moment, the rest is left to the inbox.
      isLast = page.length < PAGE_SIZE || next.getTime() === from.getTime();
      from = next;
    }
    return rows;
  }
}
