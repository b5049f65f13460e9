import { decodeCursor } from "../../core/events/event-cursor.ts";
import type { FeedFilter, FeedItem } from "../../core/events/feed-item.ts";
import type { TaskFeed } from "../../core/events/task-feed.ts";
import type { SchemaContext } from "../builder.ts";
import type { EventSharing } from "../event-sharing.ts";
import { EVENT_SHARING } from "../event-sharing.ts";
import { taskIdOf, taskIdsOf } from "./find-task.ts";
import type { TaskParts } from "./task-parts.ts";

type Where = {
  readonly taskIds?: readonly string[] | null | undefined;
  readonly models?: readonly string[] | null | undefined;
  readonly kinds?: readonly string[] | null | undefined;
  readonly types?: readonly FeedItem["event"]["type"][] | null | undefined;
};

/** Adds the subscriptions `taskEvents` and `taskProgress`. */
export function addTaskSubscriptions(
  { builder, refs }: SchemaContext,
  parts: TaskParts,
  feed: TaskFeed,
): void {
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
        "The events of all tasks, in order. With `after`, first everything since that cursor, then live events: " +
        "nothing is missed, nothing comes twice.",
      args: { where: t.arg({ type: where }), after: t.arg.string() },
      subscribe: (_root, args) =>
        feed.subscribe({ filter: filterOf(args.where ?? {}), ...afterOf(args.after) }),
      resolve: (item: FeedItem) => item,
    }),
    taskProgress: t.field({
      type: refs.task,
      extensions: { [EVENT_SHARING]: {} satisfies EventSharing },
      description: "The task now, then at every change; ends when the task is settled.",
      args: { id: t.arg.id({ required: true }) },
      subscribe: (_root, { id }) => withFirstValue(feed.watch(taskIdOf(id) ?? id)),
      resolve: (task) => task,
    }),
  }));
}

function afterOf(cursor: string | null | undefined): { readonly after?: number } {
  return typeof cursor === "string" ? { after: decodeCursor(cursor) } : {};
}

/** In GraphQL, null stands for a condition that is left out. */
function filterOf(where: Where): FeedFilter {
  const conditions = { ...where, taskIds: taskIdsOf(where.taskIds) };
  return Object.fromEntries(
    Object.entries(conditions).filter(([, value]) => value !== null && value !== undefined),
  );
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
