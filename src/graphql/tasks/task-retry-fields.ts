import { canRetry } from "../../core/bulk/retry-task.ts";
import type { TaskStore } from "../../core/tasks/task-store.ts";
import { MAX_LISTED_RETRIES } from "../../core/tasks/task-store.ts";
import { createBatchLoader } from "../batch-loader.ts";
import type { SchemaContext } from "../builder.ts";

/** Retries handed out when the caller does not say how many. */
const DEFAULT_RETRIES = 20;

/** What a task has to do with others of its sort: adds `isDryRun`, `retryOf`, `retries` and `canRetry`. */
export function addTaskRetryFields(
  { builder, refs }: SchemaContext,
  tasks: Pick<TaskStore, "find" | "retries">,
): void {
  const taskOf = createBatchLoader((_context, ids) => tasks.find(ids));
  const retriesOf = createBatchLoader((_context, ids) => tasks.retries(ids));
  builder.objectFields(refs.task, (t) => ({
    isDryRun: t.exposeBoolean("isDryRun", {
      description:
        "Whether it only tried: its counts and errors tell what would have been, and nothing was changed.",
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
      // A page in all but name: what the document asks of them is counted so often before it is run.
      args: { first: t.arg.int() },
      resolve: async ({ id }, { first }, context) =>
        (await retriesOf(context, id))?.slice(0, Math.max(0, first ?? DEFAULT_RETRIES)) ?? [],
    }),
    canRetry: t.boolean({
      description:
        "Whether `retryTask` would find something to do: it is settled, no dry run, and left records that failed or were not come to; a task that is no bulk operation FAILED or was CANCELLED.",
      resolve: canRetry,
    }),
  }));
}
