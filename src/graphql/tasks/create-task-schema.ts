import type { EventLog } from "../../core/events/event-log.ts";
import type { TaskFeed } from "../../core/events/task-feed.ts";
import type { TaskStore } from "../../core/tasks/task-store.ts";
import type { SchemaContributor } from "../builder.ts";
import { addTaskSubscriptions } from "../events/task-subscriptions.ts";
import { createTaskHistory } from "./task-history.ts";
import { defineTaskParts } from "./task-parts.ts";
import { addTaskQueries } from "./task-queries.ts";
import { implementTask } from "./task-type.ts";

/** What the tasks' part of the schema reads from. */
export interface TaskSchemaPorts {
  readonly tasks: TaskStore;
  readonly log: Pick<EventLog, "replay">;
  readonly feed: TaskFeed;
}

/** Everything about tasks: their types, the queries `task` and `tasks`, and the subscriptions. */
export function createTaskSchema(ports: TaskSchemaPorts): SchemaContributor {
  return (schema) => {
    const parts = defineTaskParts(schema);
    implementTask(schema, parts, { tasks: ports.tasks, history: createTaskHistory(ports.log) });
    addTaskQueries(schema, parts, ports.tasks);
    addTaskSubscriptions(schema, parts, ports.feed);
  };
}
