import type { TaskStore } from "../../core/tasks/task-store.ts";
import { isFinal } from "../../core/tasks/task-status.ts";
import { createBatchLoader } from "../batch-loader.ts";
import type { SchemaContext } from "../builder.ts";

/** What a task waits for, and whether it can be stopped: adds `blockedBy`, `cancelRequestedAt` and `canCancel`. */
export function addTaskControlFields({ builder, refs }: SchemaContext, tasks: Pick<TaskStore, "find">): void {
  const taskOf = createBatchLoader((_context, ids) => tasks.find(ids));
  builder.objectFields(refs.task, (t) => ({
    blockedBy: t.field({
      type: refs.task,
      nullable: true,
      description:
        "While it is WAITING: a task that holds, or stands in line before it for, something that it waits for.",
      resolve: async ({ blockedBy }, _args, context) =>
        blockedBy === null ? null : await taskOf(context, blockedBy),
    }),
    cancelRequestedAt: t.expose("cancelRequestedAt", {
      type: "DateTime",
      nullable: true,
      description: "Set once somebody asked it to stop while it ran.",
    }),
    canCancel: t.boolean({
      description: "Whether `cancelTask` makes a difference: it is not settled, nor asked to stop before.",
      resolve: ({ status, cancelRequestedAt }) => !isFinal(status) && cancelRequestedAt === null,
    }),
  }));
}
