import { AppError } from "../../kernel/app-error.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Viewer } from "../../core/access/viewer.ts";
import type { Inbox, InboxQuery, InboxRow } from "../../core/notifications/inbox.ts";
import type { InboxNotification } from "../../core/notifications/notification.ts";
import type { InboxFeed } from "../../core/notifications/inbox-feed.ts";
import type { TextPorts } from "../../core/notifications/notification-text.ts";
import { describeNotification } from "../../core/notifications/notification-text.ts";
import { ALL_SEEN, shownTask } from "../../core/tasks/task-sight.ts";
import type { TaskReads } from "../../core/tasks/task-reads.ts";
import type { MissingRefusal } from "../../core/refusals/refusals.ts";
import { refusalTypeOf } from "../../core/refusals/refusals.ts";
import type { SchemaContext } from "../builder.ts";
import type { PageArgs } from "../pagination/page.ts";
import { pageArguments, pageInfo } from "../pagination/page.ts";
import type { ListPage } from "../tasks/list-page.ts";
import { createCursorKind, defineConnection, readPage } from "../tasks/list-page.ts";

/** The cursors of lists of notifications. */
export const NOTIFICATION_CURSOR = createCursorKind(
  "notification",
  /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/,
);

/** What the inbox calls. */
export interface InboxPorts extends TextPorts {
  readonly inbox: Inbox;
  readonly inboxFeed: InboxFeed;
  readonly clock: Clock;
  readonly tasks: Pick<TaskReads, "find">;
}

type Marked = { readonly kind: "MARKED"; readonly notification: InboxNotification };

/** Adds `notifications`, the marks, and `notificationAdded`. */
export function addInbox(schema: SchemaContext, ports: InboxPorts): void {
  const { builder } = schema;
  const notification = defineNotification(schema, ports);
  addInboxQuery(schema, ports, notification);
  addMarks(schema, ports, notification);
  builder.subscriptionField("notificationAdded", (t) =>
    t.field({
      type: notification,
      description:
        "The caller's in-app notifications from now on. One of the last two seconds may come, too: compare the ids with what `notifications` gave. After a reconnect, read `notifications` for what came meanwhile. Refused for an anonymous caller.",
      subscribe: (_root, _args, { viewer }) => ports.inboxFeed.subscribe(identified(viewer)),
      resolve: (item: InboxNotification) => item,
    }),
  );
}

type NotificationRef = ReturnType<typeof defineNotification>;

function defineNotification({ builder, refs, sight = ALL_SEEN }: SchemaContext, ports: InboxPorts) {
  const notification = builder.objectRef<InboxNotification>("Notification");
  notification.implement({
    description: "An in-app notification: how a task ended.",
    fields: (t) => ({
      id: t.exposeID("id"),
      title: t.string({
        description: "One line: the task and how it ended.",
        resolve: ({ task }) => describeNotification(ports, task).title,
      }),
      text: t.string({
        description: "The counts and the task's message in words; may be empty.",
        resolve: ({ task }) => describeNotification(ports, task).text,
      }),
      task: t.field({
        type: refs.task,
        resolve: ({ task }, _args, { viewer }) => shownTask(sight, viewer, task),
      }),
      createdAt: t.expose("createdAt", { type: "DateTime" }),
      readAt: t.expose("readAt", {
        type: "DateTime",
        nullable: true,
        description: "When it was marked as read.",
      }),
    }),
  });
  return notification;
}

function addInboxQuery(schema: SchemaContext, ports: InboxPorts, notification: NotificationRef): void {
  const { builder } = schema;
  const connection = defineConnection(schema, "Notification", notification);
  builder.objectField(connection, "unreadCount", (t) =>
    t.int({
      description: "How many were not marked as read, on all pages.",
      resolve: (_page, _args, { viewer }) =>
        viewer.id === null ? 0 : ports.inbox.count({ viewerId: viewer.id, isUnread: true }),
    }),
  );
  builder.queryField("notifications", (t) =>
    t.field({
      type: connection,
      description:
        "The caller's in-app notifications, the newest first. They are kept as long as their tasks. An anonymous caller has none.",
      args: {
        ...pageArguments(t.arg),
        isUnread: t.arg.boolean({ defaultValue: false, description: "Only those that were not read." }),
      },
      resolve: (_root, { isUnread, ...args }, { viewer }) =>
        viewer.id === null
          ? EMPTY_PAGE
          : readInbox(ports, { viewerId: viewer.id, isUnread: isUnread ?? false }, args),
    }),
  );
}

const EMPTY_PAGE: ListPage<InboxNotification> = {
  nodes: [],
  info: () => pageInfo({ isBackward: false }, false, 0, () => ""),
  cursorOf: ({ id }) => NOTIFICATION_CURSOR.encode(id),
  count: () => Promise.resolve(0),
};

function readInbox(
  ports: InboxPorts,
  query: InboxQuery,
  args: PageArgs,
): Promise<ListPage<InboxNotification>> {
  return readPage(args, {
    cursors: NOTIFICATION_CURSOR,
    placeOf: ({ id }) => id,
    read: async (window) => withTasks(ports, await ports.inbox.list({ ...query, ...window })),
    count: () => ports.inbox.count(query),
  });
}

/** One look-up for all. Rows whose task was deleted meanwhile are left out: they are gone, too. */
async function withTasks(
  { tasks }: Pick<InboxPorts, "tasks">,
  rows: readonly InboxRow[],
): Promise<readonly InboxNotification[]> {
  const found =
    rows.length === 0 ? new Map() : await tasks.find([...new Set(rows.map(({ taskId }) => taskId))]);
  return rows.flatMap(({ id, taskId, createdAt, readAt }) => {
    const task = found.get(taskId);
    return task === undefined ? [] : [{ id, task, createdAt, readAt }];
  });
}

function addMarks(schema: SchemaContext, ports: InboxPorts, notification: NotificationRef): void {
  const { builder, refs } = schema;
  const marked = builder.objectRef<Marked>("NotificationMarked").implement({
    description: "The notification is marked as read.",
    fields: (t) => ({ notification: t.expose("notification", { type: notification }) }),
  });
  const result = builder.unionType("MarkNotificationResult", {
    description: "The marked notification, or why there is none.",
    types: [marked, refs.notFoundError],
    resolveType: ({ kind }) => (kind === "MARKED" ? "NotificationMarked" : refusalTypeOf(kind)),
  });
  builder.mutationFields((t) => ({
    markNotificationRead: t.field({
      type: result,
      description:
        "Marks one of the caller's in-app notifications as read. Marking twice keeps the first time.",
      args: { id: t.arg.id({ required: true }) },
      resolve: (_root, { id }, { viewer }) => markRead(ports, viewer, id),
    }),
    markAllNotificationsRead: t.int({
      description: "Marks all of the caller's in-app notifications as read, and returns how many were not.",
      resolve: (_root, _args, { viewer }) =>
        viewer.id === null ? 0 : ports.inbox.markAllRead({ viewerId: viewer.id, at: ports.clock.now() }),
    }),
  }));
}

async function markRead(ports: InboxPorts, viewer: Viewer, id: string): Promise<Marked | MissingRefusal> {
  const row =
    viewer.id === null
      ? undefined
      : await ports.inbox.markRead({ viewerId: viewer.id, id, at: ports.clock.now() });
  const [notification] = row === undefined ? [] : await withTasks(ports, [row]);
  return notification === undefined
    ? { kind: "MISSING", message: `You have no notification ${id.slice(0, 60)}.` }
    : { kind: "MARKED", notification };
}

/** @throws AppError VALIDATION_FAILED for an anonymous caller, who would wait for ever */
function identified({ id }: Viewer): string {
  if (id === null) {
    throw new AppError(
      "VALIDATION_FAILED",
      "An anonymous caller has no inbox. Say who you are, and subscribe again.",
    );
  }
  return id;
}
