import { decodeCursor } from "../../core/events/event-cursor.ts";
import type { FeedFilter, FeedItem } from "../../core/events/feed-item.ts";
import type { TaskFeed } from "../../core/events/task-feed.ts";
import type { Viewer } from "../../core/access/viewer.ts";
import { HIDDEN_TASK_ID, isWithin } from "../../core/tasks/task-sight.ts";
import { isFinal } from "../../core/tasks/task-status.ts";
import type { Task } from "../../core/tasks/task.ts";
import type { SchemaContext } from "../builder.ts";
import type { EventSharing } from "../event-sharing.ts";
import { EVENT_SHARING, NOTHING_MORE } from "../event-sharing.ts";
import type { SeenTasks } from "./find-task.ts";
import { findSeen, taskConditions, taskIdOf } from "./find-task.ts";
import type { TaskParts } from "./task-parts.ts";

/** Adds the subscriptions `taskEvents` and `taskProgress`. */
export function addTaskSubscriptions(
  { builder, refs }: SchemaContext,
  parts: TaskParts,
  ports: SeenTasks & { readonly feed: TaskFeed },
): void {
  const { feed, sight } = ports;
  const where = builder.inputType("TaskEventWhere", {
    description: "Which events; a condition that is left out matches every event.",
    fields: (t) => ({
      taskIds: t.field({ type: ["ID"] }),
      models: t.field({ type: [refs.modelName] }),
      kinds: t.field({ type: ["String"] }),
      types: t.field({ type: [parts.eventType] }),
    }),
  });
  builder.subscriptionFields((t) => ({
    taskEvents: t.field({
      type: parts.event,
      extensions: { [EVENT_SHARING]: { idOf: (item) => (item as FeedItem).cursor } satisfies EventSharing },
      description:
        "The events of all tasks that the caller may see, in order. With `after`, first everything since that cursor, then live events: " +
        "nothing is missed, nothing comes twice. With `where.taskIds` it ends after the CLEANUP of the last of these tasks.",
      args: { where: t.arg({ type: where }), after: t.arg.string() },
      subscribe: async (_root, args, { viewer, lastEventId }) => {
        const filter = await hideTasks(ports, viewer, taskConditions(args.where ?? {}, ["taskIds"]));
        const scope = sight.scopeOf(viewer);
        const canSee = (task: Task): boolean => isWithin(scope, task);
        return subscribeToEvents(feed, { filter, canSee }, { after: args.after, lastEventId });
      },
      resolve: (item: FeedItem) => item,
    }),
    taskProgress: t.field({
      type: refs.task,
      extensions: { [EVENT_SHARING]: { idOf: (task) => settledId(task as Task) } satisfies EventSharing },
      description: "The task now, then at every change; ends when the task is settled.",
      args: { id: t.arg.id({ required: true }) },
      subscribe(_root, { id }, { viewer, lastEventId }) {
        const scope = sight.scopeOf(viewer);
        const canSee = (task: Task): boolean => isWithin(scope, task);
        return lastEventId === settledMark(id)
          ? NOTHING_MORE
          : withFirstValue(feed.watch(taskIdOf(id) ?? id, { canSee }));
      },
      resolve: (task) => task,
    }),
  }));
}

/** The client of an event stream comes back with the id of the event that it has had last: it goes on after that. */
async function subscribeToEvents(
  feed: TaskFeed,
  request: { readonly filter: FeedFilter; readonly canSee: (task: Task) => boolean },
  { after, lastEventId }: { after: string | null | undefined; lastEventId: string | undefined },
): Promise<AsyncIterableIterator<FeedItem, undefined>> {
  const cursor = lastEventId ?? after;
  if (typeof cursor !== "string") {
    return feed.subscribe(request);
  }
  const position = decodeCursor(cursor);
  const { taskIds } = request.filter;
  const isBack = lastEventId !== undefined && taskIds !== undefined;
  return isBack && (await feed.isOver(taskIds, position))
    ? NOTHING_MORE
    : feed.subscribe({ ...request, after: position });
}

/** Puts an id that no task has in the place of each that the viewer may not see: its end must not show, either. */
async function hideTasks(seen: SeenTasks, viewer: Viewer, filter: FeedFilter): Promise<FeedFilter> {
  if (filter.taskIds === undefined || seen.sight.scopeOf(viewer) === undefined) {
    return filter;
  }
  const found = await findSeen(seen, viewer, filter.taskIds);
  return { ...filter, taskIds: filter.taskIds.map((id) => (found.has(id) ? id : HIDDEN_TASK_ID)) };
}

/** Only a settled task's state has an id: a client that comes back with it needs nothing more. */
function settledId({ id, status }: Task): string | undefined {
  return isFinal(status) ? settledMark(id) : undefined;
}

function settledMark(taskId: string): string {
  return `settled:${taskIdOf(taskId) ?? taskId}`;
}

/**
 * Waits for the iterator's first value, then returns an iterator of the same values. An error before the first value is
 * then the operation's own error, with its path, instead of a broken stream.
 */
export async function withFirstValue<T>(
  values: AsyncIterableIterator<T, undefined>,
): Promise<AsyncIterableIterator<T, undefined>> {
  let first: IteratorResult<T, undefined> | undefined = await values.next();
  const iterator: AsyncIterableIterator<T, undefined> = {
    next() {
      const step = first;
      first = undefined;
      return step === undefined ? values.next() : Promise.resolve(step);
    },
    return: async () => (await values.return?.()) ?? { done: true, value: undefined },
    async throw(error: unknown) {
      await values.return?.();
      throw error;
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
