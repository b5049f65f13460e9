import type { RetryTask } from "../../core/bulk/retry-task.ts";
import type { NotPausedRefusal, SettledRefusal, NotPausableRefusal } from "../../core/refusals/refusals.ts";
import { REFUSALS, refusalTypeOf } from "../../core/refusals/refusals.ts";
import type { CancelOutcome } from "../../core/tasks/run/cancel-task.ts";
import type { PauseOutcome } from "../../core/tasks/run/pause-task.ts";
import type { ResumeOutcome } from "../../core/tasks/run/resume-task.ts";
import type { TaskControls } from "../../core/tasks/run/task-controls.ts";
import type { LaunchOptions } from "../../core/tasks/launch-options.ts";
import type { SchemaContext } from "../builder.ts";
import { givenMembers } from "../models/model-schema.ts";

type Cancelled = Extract<CancelOutcome, { kind: "CANCELLED" }>;
type Paused = Extract<PauseOutcome, { kind: "PAUSED" }>;
type Resumed = Extract<ResumeOutcome, { kind: "RESUMED" }>;
type TaskRefusal = SettledRefusal | NotPausableRefusal | NotPausedRefusal;
type TaskRefusalRef = ReturnType<typeof defineTaskRefusal>;

/** Adds `cancelTask`, `pauseTask` and `resumeTask` to the mutations. @param controls take any text as the id */
export function addControlMutations(schema: SchemaContext, controls: TaskControls): void {
  const settled = defineTaskRefusal(schema, "SETTLED", "The task with its final status.");
  addCancelMutation(schema, settled, controls.cancelTask);
  addPauseMutation(schema, settled, controls.pauseTask);
  addResumeMutation(schema, settled, controls.resumeTask);
}

function addCancelMutation(
  schema: SchemaContext,
  settled: TaskRefusalRef,
  cancelTask: TaskControls["cancelTask"],
): void {
  const { builder, refs } = schema;
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
  const result = builder.unionType("CancelTaskResult", {
    description: "The cancelled task, or why it was not cancelled. A refusal has changed nothing.",
    types: [accepted, refs.notFoundError, settled, refs.unavailableError],
    resolveType: ({ kind }) => (kind === "CANCELLED" ? "CancelAccepted" : refusalTypeOf(kind)),
  });
  builder.mutationField("cancelTask", (t) =>
    t.field({
      type: result,
      description:
        "Stops a task for good: at once if it waits or is queued, otherwise at its next chunk at the latest, in any process. Finished chunks stay, except under ALL_OR_NOTHING, which is rolled back. Cancelling twice does no harm.",
      args: { id: t.arg.id({ required: true }) },
      resolve: (_root, { id }, { viewer }) => cancelTask({ taskId: id, viewer }),
    }),
  );
}

function addPauseMutation(
  schema: SchemaContext,
  settled: TaskRefusalRef,
  pauseTask: TaskControls["pauseTask"],
): void {
  const { builder, refs } = schema;
  const accepted = builder.objectRef<Paused>("PauseAccepted").implement({
    description: "The task is paused, or about to be.",
    fields: (t) => ({
      task: t.expose("task", {
        type: refs.task,
        description:
          "PAUSED if no attempt was running. Otherwise still RUNNING and about to stop: `taskProgress` shows when it has.",
      }),
    }),
  });
  const notPausable = defineTaskRefusal(schema, "NOT_PAUSABLE", "The task, with what it waits for.");
  const result = builder.unionType("PauseTaskResult", {
    description: "The paused task, or why it was not paused. A refusal has changed nothing.",
    types: [accepted, refs.notFoundError, settled, notPausable, refs.unavailableError],
    resolveType: ({ kind }) => (kind === "PAUSED" ? "PauseAccepted" : refusalTypeOf(kind)),
  });
  builder.mutationField("pauseTask", (t) =>
    t.field({
      type: result,
      description:
        "Stops a task until `resumeTask`: at once if it is queued, otherwise at its next chunk at the latest, in any process. Its records stay locked, and finished chunks stay; under ALL_OR_NOTHING, and in a dry run, all is rolled back and begins again. Pausing twice does no harm.",
      args: { id: t.arg.id({ required: true }) },
      resolve: (_root, { id }, { viewer }) => pauseTask({ taskId: id, viewer }),
    }),
  );
}

function addResumeMutation(
  schema: SchemaContext,
  settled: TaskRefusalRef,
  resumeTask: TaskControls["resumeTask"],
): void {
  const { builder, refs } = schema;
  const accepted = builder.objectRef<Resumed>("ResumeAccepted").implement({
    description: "The task goes on.",
    fields: (t) => ({
      task: t.expose("task", {
        type: refs.task,
        description: "PENDING, in the queue; still RUNNING if it had not stopped yet.",
      }),
    }),
  });
  const notPaused = defineTaskRefusal(schema, "NOT_PAUSED", "The task with its status.");
  const result = builder.unionType("ResumeTaskResult", {
    description: "The resumed task, or why it was not resumed. A refusal has changed nothing.",
    types: [accepted, refs.notFoundError, settled, notPaused, refs.unavailableError],
    resolveType: ({ kind }) => (kind === "RESUMED" ? "ResumeAccepted" : refusalTypeOf(kind)),
  });
  builder.mutationField("resumeTask", (t) =>
    t.field({
      type: result,
      description: "Lets a paused task go on where it stopped, as its next attempt.",
      args: { id: t.arg.id({ required: true }) },
      resolve: (_root, { id }, { viewer }) => resumeTask({ taskId: id, viewer }),
    }),
  );
}

/** A refusal that shows the task. @param what the description of its field `task` */
function defineTaskRefusal({ builder, refs }: SchemaContext, kind: TaskRefusal["kind"], what: string) {
  return builder.objectRef<TaskRefusal>(refusalTypeOf(kind)).implement({
    description: REFUSALS[kind].words,
    interfaces: [refs.error],
    fields: (t) => ({
      code: t.field({ type: refs.errorCode, resolve: () => REFUSALS[kind].codes[0] }),
      task: t.expose("task", { type: refs.task, description: what }),
    }),
  });
}

/** Adds `retryTask` to the mutations. @param retryTask takes any text as the id */
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
      resolve: (_root, args, { viewer }) =>
        retryTask({
          taskId: args.id,
          viewer,
          ...(args.records == null ? {} : { records: args.records }),
          options: givenMembers(args.options ?? {}) as LaunchOptions,
        }),
    }),
  );
}
