import { canRetry } from "../../core/bulk/retry-task.ts";
import { givenInput } from "../../core/bulk/bulk-input.ts";
import type { FeedItem } from "../../core/events/feed-item.ts";
import { isFinal } from "../../core/tasks/task-status.ts";
import type { TaskStore } from "../../core/tasks/task-store.ts";
import { MAX_LISTED_CHILDREN, MAX_LISTED_RETRIES } from "../../core/tasks/task-reads.ts";
import { ALL_SEEN, HIDDEN_TASK_ID, HIDDEN_WORDS, shownTask } from "../../core/tasks/task-sight.ts";
import { RESERVATION_KIND } from "../../core/tasks/task.ts";
import { createSeenLoader } from "./find-task.ts";
import { createBatchLoader } from "../batch-loader.ts";
import type { ListedRecord, SchemaContext } from "../builder.ts";
import { nodeInterfaces } from "../builder.ts";
import { pageArguments } from "../pagination/page.ts";
import type { ListPage } from "./list-page.ts";
import { defineConnection } from "./list-page.ts";
import type { RecordArgs, TaskList } from "./task-lists.ts";
import type { ListedError, TaskParts } from "./task-parts.ts";
import { knownProgress } from "./task-parts.ts";

/** The stores that a task's lists are read from. */
interface TaskTypePorts {
  readonly errors: TaskList<ListedError>;
  readonly records: TaskList<ListedRecord, RecordArgs>;
  readonly history: TaskList<FeedItem>;
}

/** Implements `Task` and `TaskLaunched`. */
export function implementTask(schema: SchemaContext, parts: TaskParts, ports: TaskTypePorts): void {
  const { refs, models, sight = ALL_SEEN } = schema;
  refs.task.implement({
    description: "The durable unit of work that someone launched.",
    interfaces: nodeInterfaces(schema),
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
      progress: t.field({
        type: parts.progress,
        resolve: ({ id, progress }) => knownProgress(progress, id),
      }),
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
        description:
          "What it was launched with; null for callers who may not read what its launcher may of the model.",
        resolve: (task, _args, { viewer }) => (sight.seesValues(viewer, task) ? givenInput(task) : null),
      }),
      result: t.field({ type: "JSON", nullable: true, resolve: ({ result }) => result }),
      message: t.string({
        nullable: true,
        description: "The outcome in words; null where all went well, and where `input` is not shown.",
        resolve: (task, _args, { viewer }) => (sight.seesValues(viewer, task) ? task.message : null),
      }),
    }),
  });
  addTaskLists(schema, parts, ports);
  implementLaunched(schema);
}

function addTaskLists(schema: SchemaContext, parts: TaskParts, ports: TaskTypePorts): void {
  const { builder, refs, sight = ALL_SEEN } = schema;
  const errors = defineConnection(schema, "TaskError", parts.error);
  const events = defineConnection(schema, "TaskEvent", parts.event);
  const records = defineConnection(schema, "TaskRecord", refs.taskRecord);
  builder.objectFields(refs.task, (t) => ({
    errors: t.field({
      type: errors,
      description: "The records that were not changed, and why, in the order in which this was recorded.",
      args: pageArguments(t.arg),
      resolve: async (task, args, context) => {
        const page = await ports.errors.of(context, task, args);
        return sight.seesValues(context.viewer, task) ? page : withoutWords(page);
      },
    }),
    records: t.field({
      type: records,
      description:
        "Its records, and what became of each as of now; those that the launch left out come first. Empty for a task that is no bulk operation.",
      args: {
        ...pageArguments(t.arg),
        outcome: t.arg({ type: parts.recordOutcome, description: "Only those. Default: all." }),
        record: t.arg({ type: parts.recordReference, description: "Only this one. Default: all." }),
      },
      resolve: async (task, args, context) => {
        const page = await ports.records.of(context, task, args);
        return sight.seesValues(context.viewer, task) ? page : withoutWords(page);
      },
    }),
    events: t.field({
      type: events,
      description: "Its lifecycle, from CREATE on.",
      args: pageArguments(t.arg),
      resolve: (task, args, context) => ports.history.of(context, task, args),
    }),
  }));
}

/** The page of a list for a viewer who does not see the task's values. */
function withoutWords<Item extends { readonly message?: string | undefined }>(
  page: ListPage<Item>,
): ListPage<Item> {
  const nodes = page.nodes.map((item) =>
    item.message === undefined ? item : { ...item, message: HIDDEN_WORDS },
  );
  return { ...page, nodes };
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

/** Adds `blockedBy`, and what a viewer can do with an unsettled task or has done. */
export function addTaskControlFields(
  { builder, refs, sight = ALL_SEEN }: SchemaContext,
  tasks: Pick<TaskStore, "find">,
): void {
  const taskOf = createBatchLoader((_context, ids) => tasks.find(ids));
  builder.objectFields(refs.task, (t) => ({
    blockedBy: t.field({
      type: refs.task,
      nullable: true,
      description:
        "While it is WAITING: a task that holds a record that it waits for, or that stands in line before it.",
      resolve: async ({ blockedBy }, _args, context) => {
        const task = blockedBy === null ? undefined : await taskOf(context, blockedBy);
        return task === undefined ? null : shownTask(sight, context.viewer, task);
      },
    }),
    cancelRequestedAt: t.expose("cancelRequestedAt", {
      type: "DateTime",
      nullable: true,
      description: "When it was asked to stop while it ran.",
    }),
    canCancel: t.boolean({
      description:
        "Whether `cancelTask` makes a difference: the task is neither settled nor asked to stop before.",
      resolve: ({ id, status, cancelRequestedAt }) =>
        id !== HIDDEN_TASK_ID && !isFinal(status) && cancelRequestedAt === null,
    }),
    pauseRequestedAt: t.expose("pauseRequestedAt", {
      type: "DateTime",
      nullable: true,
      description: "When it was asked to pause. While it is RUNNING, it is about to stop.",
    }),
    pausedAt: t.expose("pausedAt", {
      type: "DateTime",
      nullable: true,
      description: "While it is PAUSED: since when.",
    }),
    pausedBy: t.id({
      nullable: true,
      description: "Who paused it, or asked to; null for an anonymous caller.",
      resolve: ({ pauseRequestedBy }) => pauseRequestedBy,
    }),
    canPause: t.boolean({
      description:
        "Whether `pauseTask` makes a difference: the task is queued or runs, is no reservation, and was not asked to pause or stop before.",
      resolve: ({ id, kind, status, cancelRequestedAt, pauseRequestedAt }) =>
        id !== HIDDEN_TASK_ID &&
        (status === "PENDING" || status === "RUNNING") &&
        kind !== RESERVATION_KIND &&
        cancelRequestedAt === null &&
        pauseRequestedAt === null,
    }),
    canResume: t.boolean({
      description: "Whether `resumeTask` makes a difference: the task is paused, or about to be.",
      resolve: ({ id, status, pauseRequestedAt }) =>
        id !== HIDDEN_TASK_ID && (status === "PAUSED" || (!isFinal(status) && pauseRequestedAt !== null)),
    }),
  }));
}

/** Adds `statusPageUrl`. */
export function addStatusPage(
  { builder, refs }: SchemaContext,
  statusPageOf: (taskId: string) => string | null,
): void {
  builder.objectField(refs.task, "statusPageUrl", (t) =>
    t.string({
      nullable: true,
      description:
        "The address of the page where a person can follow it, if its launch, or the config, notifies by STATUS_PAGE.",
      resolve: ({ id, hasStatusPage }) => (hasStatusPage ? statusPageOf(id) : null),
    }),
  );
}

/** Retries returned when the caller does not say how many. */
const DEFAULT_RETRIES = 20;

/** Children returned when the caller does not say how many. */
const DEFAULT_CHILDREN = 20;

/** Adds `parent` and `children`. */
export function addTaskFamilyFields(
  { builder, refs, sight = ALL_SEEN }: SchemaContext,
  tasks: Pick<TaskStore, "find" | "children">,
): void {
  const taskOf = createSeenLoader({ sight, tasks });
  const childrenOf = createBatchLoader(({ viewer }, ids) => tasks.children(ids, sight.scopeOf(viewer)));
  builder.objectFields(refs.task, (t) => ({
    parent: t.field({
      type: refs.task,
      nullable: true,
      description: "The task that launched it. Cancelling that one cancels it, too.",
      resolve: async ({ parent }, _args, context) => (parent === null ? null : await taskOf(context, parent)),
    }),
    children: t.field({
      type: [refs.task],
      description: `The tasks that it launched as its children, oldest first; at most ${MAX_LISTED_CHILDREN}. Default: ${DEFAULT_CHILDREN}.`,
      // Named as a page's argument, so that the operation's cost counts this list as a page.
      args: { first: t.arg.int() },
      resolve: async ({ id }, { first }, context) =>
        (await childrenOf(context, id))?.slice(0, Math.max(0, first ?? DEFAULT_CHILDREN)) ?? [],
    }),
  }));
}

/** Adds `isDryRun`, `retryOf`, `retries` and `canRetry`. */
export function addTaskRetryFields(
  { builder, refs, sight = ALL_SEEN }: SchemaContext,
  tasks: Pick<TaskStore, "find" | "retries">,
): void {
  const taskOf = createSeenLoader({ sight, tasks });
  const retriesOf = createBatchLoader(({ viewer }, ids) => tasks.retries(ids, sight.scopeOf(viewer)));
  builder.objectFields(refs.task, (t) => ({
    isDryRun: t.exposeBoolean("isDryRun", {
      description:
        "Whether it only tried: its counts and errors show what would have happened, and nothing was changed.",
    }),
    retryOf: t.field({
      type: refs.task,
      nullable: true,
      description: "The task that it retries.",
      resolve: async ({ retryOf }, _args, context) =>
        retryOf === null ? null : await taskOf(context, retryOf),
    }),
    retries: t.field({
      type: [refs.task],
      description: `The tasks that retry it, oldest first; at most ${MAX_LISTED_RETRIES}. Default: ${DEFAULT_RETRIES}.`,
      // Named as a page's argument, so that the operation's cost counts this list as a page.
      args: { first: t.arg.int() },
      resolve: async ({ id }, { first }, context) =>
        (await retriesOf(context, id))?.slice(0, Math.max(0, first ?? DEFAULT_RETRIES)) ?? [],
    }),
    canRetry: t.boolean({
      description:
        "Whether `retryTask` has something to do: the task is settled, not a dry run, and left records that failed or were not reached; a task that is not a bulk operation did not succeed.",
      resolve: (task) => task.id !== HIDDEN_TASK_ID && canRetry(task),
    }),
  }));
}
