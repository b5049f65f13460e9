import type { Json } from "../../kernel/json.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { NotificationChannel } from "../tasks/notify.ts";
import type { Transaction } from "../transactions/transaction.ts";

/** The bus topic of new notifications. */
export const NOTIFICATION_TOPIC = "powercrud_notifications";

/** What a message on that topic says: where to look. */
export interface NotificationAnnouncement {
  /** Some are in inboxes. */
  readonly isInbox: boolean;
  /** Some are to be sent. */
  readonly isOutbox: boolean;
}

/** Announces new notifications after the commit; nothing without any. A lost message is made up for by the sweeper. */
export function announceNotifications(
  bus: Pick<EventBus, "publish">,
  transaction: Pick<Transaction, "onCommit">,
  channels: readonly NotificationChannel[],
): void {
  if (channels.length > 0) {
    const isInbox = channels.includes("IN_APP");
    const isOutbox = channels.some((channel) => channel !== "IN_APP");
    transaction.onCommit(() => publishNotifications(bus, { isInbox, isOutbox }));
  }
}

/** Announces notifications that are committed. */
export function publishNotifications(
  bus: Pick<EventBus, "publish">,
  announcement: NotificationAnnouncement,
): Promise<void> {
  return bus.publish(NOTIFICATION_TOPIC, { ...announcement });
}

/** The announcement in a message. Any other message, such as a newer version's, asks to look everywhere. */
export function decodeNotificationAnnouncement(message: Json): NotificationAnnouncement {
  const { isInbox, isOutbox } = (message ?? {}) as Partial<NotificationAnnouncement>;
  return typeof isInbox === "boolean" && typeof isOutbox === "boolean"
    ? { isInbox, isOutbox }
    : { isInbox: true, isOutbox: true };
}
