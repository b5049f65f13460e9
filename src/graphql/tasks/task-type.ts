import { givenInput } from "../../core/bulk/bulk-input.ts";
import type { FeedItem } from "../../core/events/feed-item.ts";
import type { Task } from "../../core/tasks/task.ts";
import { decodeCursor } from "../../core/events/event-cursor.ts";
import type { SchemaContext } from "../builder.ts";
import type { GraphQLContext } from "../context.ts";
import type { PageArgs } from "./list-page.ts";
import { readPage } from "./list-page.ts";
import type { ListPage } from "./task-connections.ts";
import { defineConnection } from "./task-connections.ts";
import type { TaskErrors } from "./task-errors.ts";
import type { TaskHistory } from "./task-history.ts";
import type { TaskParts } from "./task-parts.ts";

/** What a task's own lists are read from. */
export interface TaskTypePorts {
  readonly errors: TaskErrors;
  readonly history: TaskHistory;
}

/** Implements `Task` and `TaskLaunched`. */
export function implementTask(schema: SchemaContext, parts: TaskParts, ports: TaskTypePorts): void {
  const { refs, models } = schema;
  const errors = defineConnection(schema, "TaskError", parts.error);
  const events = defineConnection(schema, "TaskEvent", parts.event);
  refs.task.implement({
    description: "The durable unit of work that someone launched.",
    fields: (t) => ({
      id: t.exposeID("id"),
      kind: t.exposeString("kind", { description: "The name of its definition: `bulkUpdate`." }),
      model: t.field({
        type: refs.modelName,
        nullable: true,
        // A task may outlive the exposure of its model.
        resolve: ({ model }) => (models.all().some(({ name }) => name === model) ? model : null),
      }),
      label: t.exposeString("label", { nullable: true }),
      status: t.expose("status", { type: parts.status }),
      progress: t.expose("progress", { type: parts.progress }),
      createdBy: t.id({
        nullable: true,
        description: "Who launched it.",
        resolve: ({ viewer }) => viewer.id,
      }),
      createdAt: t.expose("createdAt", { type: "DateTime" }),
      startedAt: t.expose("startedAt", { type: "DateTime", nullable: true }),
      finishedAt: t.expose("finishedAt", { type: "DateTime", nullable: true }),
      attempt: t.exposeInt("attempt", {
        description: "The number of its latest attempt; 0 before the first.",
      }),
      input: t.field({
        type: "JSON",
        nullable: true,
        description: "What it was launched with.",
        resolve: givenInput,
      }),
      result: t.field({ type: "JSON", nullable: true, resolve: ({ result }) => result }),
      message: t.exposeString("message", {
        nullable: true,
        description: "The outcome in words; null where all went well.",
      }),
      errors: t.field({
        type: errors,
        description: "What could not be done to which records, in the order in which it was recorded.",
        args: { first: t.arg.int(), after: t.arg.string() },
        resolve: (task, args, context) => ports.errors.of(context, task, args),
      }),
      events: t.field({
        type: events,
        description: "Its lifecycle, from CREATE on.",
        args: { first: t.arg.int(), after: t.arg.string() },
        resolve: (task, args, context) => readEvents(ports.history, task, args, context),
      }),
    }),
  });
  implementLaunched(schema);
}

function implementLaunched({ refs }: SchemaContext): void {
  refs.taskLaunched.implement({
    description: "Accepted: the task is durable, or, when it is small, done already.",
    fields: (t) => ({
      task: t.expose("task", { type: refs.task }),
      isDuplicate: t.exposeBoolean("isDuplicate", {
        description:
          "True when an earlier launch made the task: one with the same idempotency key, or an identical one of the caller's that is not settled yet.",
      }),
    }),
  });
}

async function readEvents(
  history: TaskHistory,
  task: Task,
  args: PageArgs,
  context: GraphQLContext,
): Promise<ListPage<FeedItem>> {
  const after = typeof args.after === "string" ? decodeCursor(args.after) : 0;
  const items = await history.of(context, task);
  return readPage(args, {
    read: async (limit) => items.filter(({ event }) => event.position > after).slice(0, limit),
    cursorOf: (item) => item.cursor,
    count: async () => items.length,
  });
}
