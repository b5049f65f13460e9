import type { TaskFilter } from "../../core/tasks/task-reads.ts";
import type { TaskScope } from "../../core/tasks/task-sight.ts";
import { ALL_SEEN } from "../../core/tasks/task-sight.ts";
import type { TaskStore } from "../../core/tasks/task-store.ts";
import type { TaskStatus } from "../../core/tasks/task-status.ts";
import type { Task } from "../../core/tasks/task.ts";
import type { SchemaContext } from "../builder.ts";
import { findTask, taskConditions } from "./find-task.ts";
import type { PageArgs } from "../pagination/page.ts";
import { pageArguments } from "../pagination/page.ts";
import type { ListPage } from "./list-page.ts";
import { createCursorKind, defineConnection, readPage } from "./list-page.ts";
import type { TaskParts } from "./task-parts.ts";

type Where = {
  readonly ids?: readonly string[] | null | undefined;
  readonly statuses?: readonly TaskStatus[] | null | undefined;
  readonly kinds?: readonly string[] | null | undefined;
  readonly models?: readonly string[] | null | undefined;
  readonly createdBy?: string | null | undefined;
  readonly parents?: readonly string[] | null | undefined;
  readonly schedules?: readonly string[] | null | undefined;
};

const TASK_CURSOR = createCursorKind("task", /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/);

/** Adds `task` and `tasks` to the queries. */
export function addTaskQueries(schema: SchemaContext, parts: TaskParts, tasks: TaskStore): void {
  const { builder, refs, sight = ALL_SEEN } = schema;
  const where = builder.inputType("TaskWhere", {
    description: "Which tasks; a condition that is left out matches every task.",
    fields: (t) => ({
      ids: t.field({ type: ["ID"] }),
      statuses: t.field({ type: [parts.status] }),
      kinds: t.field({ type: ["String"] }),
      models: t.field({ type: [refs.modelName] }),
      createdBy: t.field({ type: "ID" }),
      parents: t.field({ type: ["ID"], description: "Children of these tasks." }),
      schedules: t.field({ type: ["String"], description: "Launched by the schedules of these names." }),
    }),
  });
  const connection = defineConnection(schema, "Task", refs.task);
  builder.queryFields((t) => ({
    task: t.field({
      type: refs.task,
      nullable: true,
      description: "A task by its id; null when there is none that the caller may see.",
      args: { id: t.arg.id({ required: true }) },
      resolve: (_root, { id }, { viewer }) => findTask({ tasks, sight }, viewer, id),
    }),
    tasks: t.field({
      type: connection,
      description: "The tasks that the caller may see, the newest first.",
      args: { where: t.arg({ type: where }), ...pageArguments(t.arg) },
      resolve: (_root, args, { viewer }) => listTasks(tasks, args.where ?? {}, args, sight.scopeOf(viewer)),
    }),
  }));
}

function listTasks(
  tasks: TaskStore,
  where: Where,
  args: PageArgs,
  seen: TaskScope | undefined,
): Promise<ListPage<Task>> {
  const query: TaskFilter = { ...taskConditions(where, ["ids", "parents"]), seen };
  return readPage(args, {
    cursors: TASK_CURSOR,
    placeOf: ({ id }) => id,
    read: (window) => tasks.list({ ...query, ...window }),
    count: () => tasks.count(query),
  });
}
