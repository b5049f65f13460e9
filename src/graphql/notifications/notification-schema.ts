import type { InboxFeed } from "../../core/notifications/inbox-feed.ts";
import type { Inbox } from "../../core/notifications/inbox.ts";
import type { TextPorts } from "../../core/notifications/notification-text.ts";
import type { Outbox } from "../../core/notifications/outbox.ts";
import type { RetryDeadPorts } from "../../core/notifications/retry-dead.ts";
import type { TaskReads } from "../../core/tasks/task-reads.ts";
import type { SchemaContributor } from "../builder.ts";
import { addDeadNotifications } from "./dead-notifications.ts";
import { addInbox } from "./inbox-fields.ts";

/** What the notifications' part of the schema calls. */
export interface NotificationSchemaPorts extends RetryDeadPorts, TextPorts {
  readonly inbox: Inbox;
  readonly outbox: Pick<Outbox, "listDead" | "countDead" | "revive">;
  readonly tasks: Pick<TaskReads, "find">;
  readonly inboxFeed: InboxFeed;
}

/** Everything about notifications: the inbox with its marks and its subscription, and those that could not be sent. */
export function createNotificationSchema(ports: NotificationSchemaPorts): SchemaContributor {
  return (schema) => {
    addInbox(schema, ports);
    addDeadNotifications(schema, ports);
  };
}
