import type { SentNotification } from "../../core/notifications/notification.ts";
import type { TextPorts } from "../../core/notifications/notification-text.ts";
import { describeNotification } from "../../core/notifications/notification-text.ts";
import type { Outbox, OutboxRow } from "../../core/notifications/outbox.ts";
import type { RetryDeadPorts } from "../../core/notifications/retry-dead.ts";
import { retryDead } from "../../core/notifications/retry-dead.ts";
import { ALL_SEEN, shownTask } from "../../core/tasks/task-sight.ts";
import type { TaskReads } from "../../core/tasks/task-reads.ts";
import type { MissingRefusal } from "../../core/refusals/refusals.ts";
import { refusalTypeOf } from "../../core/refusals/refusals.ts";
import type { SchemaContext } from "../builder.ts";
import type { PageArgs } from "../pagination/page.ts";
import { pageArguments } from "../pagination/page.ts";
import type { ListPage } from "../tasks/list-page.ts";
import { defineConnection, readPage } from "../tasks/list-page.ts";
import { NOTIFICATION_CURSOR } from "./inbox-fields.ts";

/** What the dead notifications call. */
export interface DeadPorts extends RetryDeadPorts, TextPorts {
  readonly outbox: Pick<Outbox, "listDead" | "countDead" | "revive">;
  readonly tasks: Pick<TaskReads, "find">;
}

type Retried = { readonly kind: "RETRIED"; readonly id: string };

/** Adds `deadNotifications` and `retryNotification`. */
export function addDeadNotifications(schema: SchemaContext, ports: DeadPorts): void {
  addDeadQuery(schema, ports);
  addRetry(schema, ports);
}

function addDeadQuery(schema: SchemaContext, ports: DeadPorts): void {
  const { builder, refs, sight = ALL_SEEN } = schema;
  const dead = builder.objectRef<SentNotification>("DeadNotification");
  dead.implement({
    description: "An e-mail, a webhook or a callback that was given up.",
    fields: (t) => ({
      id: t.exposeID("id"),
      channel: t.expose("channel", { type: refs.notificationChannel }),
      target: t.exposeString("target", {
        description: "The address, the URL, or the name of the callback.",
      }),
      title: t.string({ resolve: ({ task }) => describeNotification(ports, task).title }),
      tries: t.exposeInt("tries", { description: "How often it was tried." }),
      error: t.exposeString("lastError", { nullable: true, description: "Why the last try failed." }),
      task: t.field({
        type: refs.task,
        resolve: ({ task }, _args, { viewer }) => shownTask(sight, viewer, task),
      }),
      createdAt: t.expose("createdAt", { type: "DateTime" }),
    }),
  });
  const connection = defineConnection(schema, "DeadNotification", dead);
  builder.queryField("deadNotifications", (t) =>
    t.field({
      type: connection,
      description:
        "Notifications of the caller's own tasks that could not be sent, the oldest first. An anonymous caller sees none; the command `powercrud notifications` shows those of all tasks.",
      args: pageArguments(t.arg),
      resolve: (_root, args, { viewer }) => readDead(ports, viewer.id, args),
    }),
  );
}

function readDead(
  ports: DeadPorts,
  launchedBy: string | null,
  args: PageArgs,
): Promise<ListPage<SentNotification>> {
  return readPage(args, {
    cursors: NOTIFICATION_CURSOR,
    placeOf: ({ id }) => id,
    read: async (window) =>
      launchedBy === null ? [] : withTasks(ports, await ports.outbox.listDead({ launchedBy, ...window })),
    count: async () => (launchedBy === null ? 0 : ports.outbox.countDead({ launchedBy })),
  });
}

async function withTasks(
  { tasks }: Pick<DeadPorts, "tasks">,
  rows: readonly OutboxRow[],
): Promise<readonly SentNotification[]> {
  const found =
    rows.length === 0 ? new Map() : await tasks.find([...new Set(rows.map(({ taskId }) => taskId))]);
  return rows.flatMap(({ taskId, ...row }) => {
    const task = found.get(taskId);
    return task === undefined ? [] : [{ ...row, task }];
  });
}

function addRetry({ builder, refs }: SchemaContext, ports: DeadPorts): void {
  const retried = builder.objectRef<Retried>("NotificationRetried").implement({
    description: "The notification is tried again.",
    // Not `id`: caches would take it for the dead notification itself.
    fields: (t) => ({ notificationId: t.exposeID("id") }),
  });
  const result = builder.unionType("RetryNotificationResult", {
    description: "That the notification is tried again, or why not.",
    types: [retried, refs.notFoundError],
    resolveType: ({ kind }) => (kind === "RETRIED" ? "NotificationRetried" : refusalTypeOf(kind)),
  });
  builder.mutationField("retryNotification", (t) =>
    t.field({
      type: result,
      description:
        "Has a dead notification of one of the caller's own tasks tried again, with all tries before it.",
      args: { id: t.arg.id({ required: true }) },
      resolve: (_root, { id }, { viewer }) => retry(ports, viewer.id, id),
    }),
  );
}

async function retry(
  ports: DeadPorts,
  launchedBy: string | null,
  id: string,
): Promise<Retried | MissingRefusal> {
  const ids = launchedBy === null ? [] : await retryDead(ports, { launchedBy, ids: [id] });
  return ids.length === 0
    ? { kind: "MISSING", message: `None of your tasks has a dead notification ${id.slice(0, 60)}.` }
    : { kind: "RETRIED", id };
}
