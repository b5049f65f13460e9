import type { RetryTask } from "../../core/bulk/retry-task.ts";
import type { Viewer } from "../../core/access/viewer.ts";
import type { SettledRefusal } from "../../core/refusals/refusals.ts";
import { REFUSALS, refusalTypeOf } from "../../core/refusals/refusals.ts";
import type { CancelOutcome } from "../../core/tasks/run/cancel-task.ts";
import type { LaunchOptions } from "../../core/tasks/launch-options.ts";
import type { SchemaContext } from "../builder.ts";
import { givenMembers } from "../models/model-schema.ts";
import { missingTask, taskIdOf } from "./find-task.ts";

/** The use case behind the mutation. */
export type CancelTask = (request: {
  readonly taskId: string;
  readonly viewer: Viewer;
}) => Promise<CancelOutcome>;

type Cancelled = Extract<CancelOutcome, { kind: "CANCELLED" }>;

/** Adds `cancelTask` to the mutations. */
export function addCancelMutation(schema: SchemaContext, cancelTask: CancelTask): void {
  const result = defineResult(schema);
  schema.builder.mutationField("cancelTask", (t) =>
    t.field({
      type: result,
      description:
        "Stops a task for good: at once if it waits or is queued, otherwise at its next chunk at the latest, in any process. Finished chunks stay, except under ALL_OR_NOTHING, which is rolled back. Cancelling twice does no harm.",
      args: { id: t.arg.id({ required: true }) },
      async resolve(_root, { id }, { viewer }) {
        const taskId = taskIdOf(id);
        return taskId === undefined ? missingTask(id) : cancelTask({ taskId, viewer });
      },
    }),
  );
}

function defineResult({ builder, refs }: SchemaContext) {
  const accepted = builder.objectRef<Cancelled>("CancelAccepted").implement({
    description: "The task is cancelled, or about to be.",
    fields: (t) => ({
      task: t.expose("task", {
        type: refs.task,
        description:
          "CANCELLED if it had not begun. Otherwise still RUNNING and about to stop: `taskProgress` shows when it has.",
      }),
    }),
  });
  const settled = builder.objectRef<SettledRefusal>(refusalTypeOf("SETTLED")).implement({
    description: REFUSALS.SETTLED.words,
    interfaces: [refs.error],
    fields: (t) => ({
      code: t.field({ type: "String", resolve: () => REFUSALS.SETTLED.codes[0] }),
      task: t.expose("task", { type: refs.task, description: "The task with its final status." }),
    }),
  });
  return builder.unionType("CancelTaskResult", {
    description: "The cancelled task, or why it was not cancelled. A refusal has changed nothing.",
    types: [accepted, refs.notFoundError, settled, refs.unavailableError],
    resolveType: ({ kind }) => (kind === "CANCELLED" ? "CancelAccepted" : refusalTypeOf(kind)),
  });
}

/** Adds `retryTask` to the mutations. */
export function addRetryMutation({ builder, refs }: SchemaContext, retryTask: RetryTask): void {
  const records = builder.enumType("RetryRecords", {
    description: "Which records of a bulk task are tried again.",
    values: {
      FAILED: { description: "Records that were tried and could not be written." },
      UNPROCESSED: { description: "Records that the task did not reach, and those that it rolled back." },
      FAILED_AND_UNPROCESSED: { description: "Both." },
    } as const,
  });
  builder.mutationField("retryTask", (t) =>
    t.field({
      type: refs.launchResult,
      description:
        "Launches a settled task again, as a new one. A bulk operation takes the records that failed or were not reached, each with its own values; skipped records are left out. Any other task is launched with the same input, if it did not succeed. The caller's scope applies, not that of the first task's creator. Options that are left out are the first task's: its error policy, and a label that names it.",
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
