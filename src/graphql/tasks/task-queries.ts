import { AppError } from "../../kernel/app-error.ts";
import type { Viewer } from "../../core/access/viewer.ts";
import type { NamedRecord, TaskFilter } from "../../core/tasks/task-reads.ts";
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
import type { RecordReference, TaskParts } from "./task-parts.ts";
import { readReference } from "./task-parts.ts";

type Where = {
  readonly ids?: readonly string[] | null | undefined;
  readonly statuses?: readonly TaskStatus[] | null | undefined;
  readonly kinds?: readonly string[] | null | undefined;
  readonly models?: readonly string[] | null | undefined;
  readonly createdBy?: string | null | undefined;
  readonly parents?: readonly string[] | null | undefined;
  readonly schedules?: readonly string[] | null | undefined;
  readonly createdAfter?: string | null | undefined;
  readonly createdBefore?: string | null | undefined;
  readonly isDryRun?: boolean | null | undefined;
  readonly record?: RecordReference | null | undefined;
};

/** What the queries read. */
export interface TaskQueryPorts {
  readonly tasks: TaskStore;
  /** Whether the viewer sees the record, or would if it were still there. Default: nobody sees any. */
  readonly seesRecord?: ((viewer: Viewer, record: NamedRecord) => Promise<boolean>) | undefined;
}

const TASK_CURSOR = createCursorKind("task", /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/);

/** Adds `task` and `tasks` to the queries. */
export function addTaskQueries(schema: SchemaContext, parts: TaskParts, ports: TaskQueryPorts): void {
  const { builder, refs, sight = ALL_SEEN } = schema;
  const { tasks } = ports;
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
      createdAfter: t.field({ type: "DateTime", description: "Launched at this time or later." }),
      createdBefore: t.field({ type: "DateTime", description: "Launched before this time." }),
      isDryRun: t.boolean({ description: "Only dry runs, or only others." }),
      record: t.field({
        type: parts.recordReference,
        description:
          "The history of a record: the tasks among whose records it is, and those that claimed it by its id. None where the caller does not see it. See `Task.records(record:)` for what became of it. Reads the records of one task after the other, the newest first, until it has the page; `totalCount` reads those of all tasks.",
      }),
    }),
  });
  const connection = defineConnection(schema, "Task", refs.task);
  addCountByStatus(schema, parts, connection);
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
      async resolve(_root, args, { viewer }) {
        const { record: asked, ...conditions } = args.where ?? {};
        const record = asked == null ? undefined : readReference(schema, asked);
        const isSeen = record === undefined || (await ports.seesRecord?.(viewer, record)) === true;
        const seen = isSeen ? sight.scopeOf(viewer) : [];
        return listTasks(tasks, conditions, args, { seen, ...(record === undefined ? {} : { record }) });
      },
    }),
  }));
}

/** A page of tasks, which can count them by status. */
interface TaskPage extends ListPage<Task> {
  countByStatus(): Promise<ReadonlyMap<TaskStatus, number>>;
}

interface StatusCount {
  readonly status: TaskStatus;
  readonly count: number;
}

function addCountByStatus(
  { builder }: SchemaContext,
  parts: TaskParts,
  connection: ReturnType<typeof defineConnection<Task>>,
): void {
  const statusCount = builder.objectRef<StatusCount>("TaskStatusCount").implement({
    description: "How many tasks have a status.",
    fields: (t) => ({
      status: t.expose("status", { type: parts.status }),
      count: t.exposeInt("count"),
    }),
  });
  builder.objectField(connection, "countByStatus", (t) =>
    t.field({
      type: [statusCount],
      description:
        "How many there are of each status, on all pages and whatever `where.statuses` asks for. Statuses without tasks are left out.",
      resolve: async (page) =>
        [...(await (page as TaskPage).countByStatus())].map(([status, count]) => ({ status, count })),
    }),
  );
}

async function listTasks(
  tasks: TaskStore,
  where: Omit<Where, "record">,
  args: PageArgs,
  limits: Pick<TaskFilter, "seen" | "record">,
): Promise<TaskPage> {
  const { createdAfter, createdBefore, ...rest } = taskConditions(where, ["ids", "parents"]);
  const query: TaskFilter = {
    ...rest,
    ...momentOf("createdAfter", createdAfter),
    ...momentOf("createdBefore", createdBefore),
    ...limits,
  };
  const page = await readPage<Task>(args, {
    cursors: TASK_CURSOR,
    placeOf: ({ id }) => id,
    read: (window) => tasks.list({ ...query, ...window }),
    count: () => tasks.count(query),
  });
  return { ...page, countByStatus: () => tasks.countByStatus(query) };
}

/** A day stands for its beginning in UTC. @throws AppError VALIDATION_FAILED for a time of day, which is no moment */
function momentOf<Name extends string>(
  name: Name,
  text: string | undefined,
): { readonly [Key in Name]?: Date } {
  if (text === undefined) {
    return {};
  }
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) {
    throw new AppError("VALIDATION_FAILED", `where.${name} must be a moment or a day, not ${text}.`, {
      details: { field: `where.${name}` },
    });
  }
  return { [name]: moment } as { readonly [Key in Name]: Date };
}
