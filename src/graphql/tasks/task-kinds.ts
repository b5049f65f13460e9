import { BULK_KINDS } from "../../core/bulk/bulk-kinds.ts";
import type { SchemaContext } from "../builder.ts";
import type { LaunchableTask } from "./launchable-task.ts";

/** A kind of task, as the API shows it. */
interface TaskKind extends Pick<LaunchableTask, "kind" | "description" | "isDryRunnable" | "inputSchema"> {
  /** Undefined for bulk operations: each model has mutations of its own. */
  readonly mutation: string | undefined;
}

const BULK_DESCRIPTIONS: Readonly<Record<keyof typeof BULK_KINDS, string>> = {
  CREATE: "Creates many records.",
  UPDATE: "Makes the same change to many records.",
  UPDATE_EACH: "Changes many records, each in its own way.",
  UPSERT: "Creates or updates many records.",
  DELETE: "Deletes many records.",
};

/** Adds the type `TaskKind`, the query `taskKinds` and the field `Task.kindInfo`. */
export function addTaskKinds(
  { builder, refs, names }: SchemaContext,
  tasks: readonly LaunchableTask[],
): void {
  const kinds: readonly TaskKind[] = [
    ...tasks.map((task) => ({ ...task, mutation: names.task(task.kind).launch })),
    ...Object.entries(BULK_DESCRIPTIONS).map(([operation, description]) => ({
      kind: BULK_KINDS[operation as keyof typeof BULK_KINDS],
      description,
      isDryRunnable: true,
      inputSchema: undefined,
      mutation: undefined,
    })),
  ];
  const byName = new Map(kinds.map((kind) => [kind.kind, kind]));
  const type = builder.objectRef<TaskKind>("TaskKind").implement({
    description: "A kind of task: one of the app's own, or a bulk operation.",
    fields: (t) => ({
      name: t.exposeString("kind", { description: "As in `Task.kind`." }),
      description: t.string({ nullable: true, resolve: ({ description }) => description }),
      isDryRunnable: t.exposeBoolean("isDryRunnable", {
        description: "Whether it can be launched with `dryRun`.",
      }),
      mutation: t.string({
        nullable: true,
        description: "The mutation that launches it; null for a bulk operation: each model has its own.",
        resolve: ({ mutation }) => mutation,
      }),
      inputSchema: t.field({
        type: "JSON",
        nullable: true,
        description:
          "Its input as JSON Schema; null for a bulk operation, for a kind without input, and where the definition's schema does not tell.",
        resolve: ({ inputSchema }) => inputSchema,
      }),
    }),
  });
  builder.queryField("taskKinds", (t) =>
    t.field({
      type: [type],
      description:
        "The kinds of tasks that this service knows: the app's own first, then the bulk operations.",
      resolve: () => kinds,
    }),
  );
  builder.objectField(refs.task, "kindInfo", (t) =>
    t.field({
      type,
      nullable: true,
      description: "What the service knows of its kind; null where it does not know the kind any more.",
      resolve: ({ kind }) => byName.get(kind),
    }),
  );
}
