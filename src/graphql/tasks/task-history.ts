import { encodeCursor } from "../../core/events/event-cursor.ts";
import type { EventLog } from "../../core/events/event-log.ts";
import type { FeedItem } from "../../core/events/feed-item.ts";
import type { LifecycleEvent } from "../../core/events/task-event.ts";
import type { Task } from "../../core/tasks/task.ts";
import { createBatchLoader } from "../batch-loader.ts";
import type { GraphQLContext } from "../context.ts";

/** Events read at a time. */
const READ_SIZE = 1000;

/** The lifecycle events of tasks, in order. */
export interface TaskHistory {
  /** Reads once for all tasks that the operation asks for in the same turn. */
  of(context: GraphQLContext, task: Task): Promise<readonly FeedItem[]>;
}

export function createTaskHistory(log: Pick<EventLog, "replay">): TaskHistory {
  const eventsOf = createBatchLoader((_context, taskIds) => readAll(log, taskIds));
  return {
    async of(context, task) {
      const events = (await eventsOf(context, task.id)) ?? [];
      return events.map((event) => ({ event, task, cursor: encodeCursor(event.position) }));
    },
  };
}

async function readAll(
  log: Pick<EventLog, "replay">,
  taskIds: readonly string[],
): Promise<ReadonlyMap<string, readonly LifecycleEvent[]>> {
  const byTask = new Map<string, LifecycleEvent[]>(taskIds.map((taskId) => [taskId, []]));
  for (let after = 0, isLast = false; !isLast;) {
    const events = await log.replay({ after, taskIds, limit: READ_SIZE });
    for (const event of events) {
      byTask.get(event.taskId)?.push(event);
    }
    after = events.at(-1)?.position ?? after;
    isLast = events.length < READ_SIZE;
  }
  return byTask;
}
