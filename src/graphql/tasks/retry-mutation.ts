import type { RetryTask } from "../../core/bulk/retry-task.ts";
import type { LaunchOptions } from "../../core/tasks/launch-options.ts";
import type { SchemaContext } from "../builder.ts";
import { givenMembers } from "../models/row-data.ts";
import { missingTask, taskIdOf } from "./task-ids.ts";

/** Adds `retryTask` to the mutations. */
export function addRetryMutation({ builder, refs }: SchemaContext, retryTask: RetryTask): void {
  const records = builder.enumType("RetryRecords", {
    description: "Which records of a bulk task are tried again.",
    values: {
      FAILED: { description: "Those that were tried and could not be written." },
      UNPROCESSED: { description: "Those that the task did not come to, and those that it took back." },
      FAILED_AND_UNPROCESSED: { description: "Both." },
    } as const,
  });
  builder.mutationField("retryTask", (t) =>
    t.field({
      type: refs.launchResult,
      description:
        "Launches a settled task again, as a new one. Of a bulk operation it takes the records that failed or were not come to, each with the values that it was to have; records that were skipped are left alone. Any other task is launched with the same input, if it FAILED or was CANCELLED. What the caller may write counts, not what the first task's creator might. Left-out options are those of the first task: its error policy, and a label that names it.",
      args: {
        id: t.arg.id({ required: true }),
        records: t.arg({ type: records, defaultValue: "FAILED_AND_UNPROCESSED" }),
        options: t.arg({ type: refs.bulkOptions }),
      },
      async resolve(_root, args, { viewer }) {
        const taskId = taskIdOf(args.id);
        return taskId === undefined
          ? missingTask(args.id)
          : retryTask({
              taskId,
              viewer,
              ...(args.records == null ? {} : { records: args.records }),
              options: givenMembers(args.options ?? {}) as LaunchOptions,
            });
      },
    }),
  );
}
