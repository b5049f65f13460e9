import type { InboxFeed } from "../../core/notifications/inbox-feed.ts";
import type { Inbox } from "../../core/notifications/inbox.ts";
import type { TextPorts } from "../../core/notifications/notification-text.ts";
import type { Outbox } from "../../core/notifications/outbox.ts";
import type { RetryDeadPorts } from "../../core/notifications/retry-dead.ts";
import type { TaskReads } from "../../core/tasks/task-reads.ts";
import { createCursorKind } from "../tasks/list-page.ts";

/** What the notifications' part of the schema calls. */
export interface NotificationSchemaPorts extends RetryDeadPorts, TextPorts {
  readonly inbox: Inbox;
  readonly outbox: Pick<Outbox, "listDead" | "countDead" | "revive">;
  readonly tasks: Pick<TaskReads, "find">;
  readonly inboxFeed: InboxFeed;
}

/** The cursors of lists of notifications. */
export const NOTIFICATION_CURSOR = createCursorKind(
  "notification",
  /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/,
);
