import type { CancelOutcome } from "../../core/tasks/run/cancel-task.ts";
import type { Viewer } from "../../core/access/viewer.ts";
import type { ErrorCode } from "../../kernel/error-codes.ts";
import type { SchemaContext } from "../builder.ts";
import { missingTask, taskIdOf } from "./task-ids.ts";

/** The use case behind the mutation. */
export type CancelTask = (request: {
  readonly taskId: string;
  readonly viewer: Viewer;
}) => Promise<CancelOutcome>;

type Outcome<Kind extends CancelOutcome["kind"]> = Extract<CancelOutcome, { kind: Kind }>;

/** Adds `cancelTask` to the mutations. */
export function addCancelMutation(schema: SchemaContext, cancelTask: CancelTask): void {
  const result = defineResult(schema);
  schema.builder.mutationField("cancelTask", (t) =>
    t.field({
      type: result,
      description:
        "Stops a task for good: one that waits or is queued at once, one that runs at its next chunk at the latest, whichever process runs it. What was done stays done, but for ALL_OR_NOTHING, which is rolled back. Asking again does no harm.",
      args: { id: t.arg.id({ required: true }) },
      async resolve(_root, { id }, { viewer }) {
        const taskId = taskIdOf(id);
        return taskId === undefined ? missingTask(id) : cancelTask({ taskId, viewer });
      },
    }),
  );
}

const MEMBERS = {
  CANCELLED: "CancelAccepted",
  MISSING: "NotFoundError",
  SETTLED: "TaskSettledError",
  UNAVAILABLE: "UnavailableError",
} as const satisfies Record<CancelOutcome["kind"], string>;

function defineResult({ builder, refs }: SchemaContext) {
  const accepted = builder.objectRef<Outcome<"CANCELLED">>("CancelAccepted").implement({
    description: "The task is cancelled, or about to be.",
    fields: (t) => ({
      task: t.expose("task", {
        type: refs.task,
        description:
          "CANCELLED already if it had not begun. Otherwise still RUNNING, and about to stop: `taskProgress` tells when it has.",
      }),
    }),
  });
  const settled = builder.objectRef<Outcome<"SETTLED">>("TaskSettledError").implement({
    description: "The task is settled; there is nothing left to cancel.",
    interfaces: [refs.error],
    fields: (t) => ({
      code: t.field({ type: "String", resolve: () => "TASK_SETTLED" satisfies ErrorCode }),
      task: t.expose("task", { type: refs.task, description: "The task with its final status." }),
    }),
  });
  return builder.unionType("CancelTaskResult", {
    description: "What becomes of a request to cancel. A refused one has changed nothing.",
    types: [accepted, refs.notFoundError, settled, refs.unavailableError],
    resolveType: ({ kind }) => MEMBERS[kind],
  });
}
