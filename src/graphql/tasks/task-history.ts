import { encodeCursor } from "../../core/events/event-cursor.ts";
import type { EventLog } from "../../core/events/event-log.ts";
import type { FeedItem } from "../../core/events/feed-item.ts";
import type { LifecycleEvent } from "../../core/events/task-event.ts";
import type { Task } from "../../core/tasks/task.ts";
import type { GraphQLContext } from "../context.ts";

/** Events read at a time. */
const READ_SIZE = 1000;

/** The lifecycle events of tasks, in order. */
export interface TaskHistory {
  /** Reads once for all tasks that are asked for in the same turn by the same operation. */
  of(context: GraphQLContext, task: Task): Promise<readonly FeedItem[]>;
}

type EventsByTask = ReadonlyMap<string, readonly LifecycleEvent[]>;

interface Batch {
  readonly taskIds: Set<string>;
  readonly events: Promise<EventsByTask>;
}

export function createTaskHistory(log: Pick<EventLog, "replay">): TaskHistory {
  const batches = new WeakMap<GraphQLContext, Batch>();

  const openBatch = (context: GraphQLContext): Batch => {
    const taskIds = new Set<string>();
    const events = new Promise<void>((resolve) => void setImmediate(resolve)).then(() => {
      batches.delete(context);
      return readAll(log, [...taskIds]);
    });
    const batch = { taskIds, events };
    batches.set(context, batch);
    return batch;
  };
  return {
    async of(context, task) {
      const batch = batches.get(context) ?? openBatch(context);
      batch.taskIds.add(task.id);
      const events = (await batch.events).get(task.id) ?? [];
      return events.map((event) => ({ event, task, cursor: encodeCursor(event.position) }));
    },
  };
}

async function readAll(log: Pick<EventLog, "replay">, taskIds: readonly string[]): Promise<EventsByTask> {
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
