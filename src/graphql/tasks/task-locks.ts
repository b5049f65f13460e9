import type { Viewer } from "../../core/access/viewer.ts";
import type { Blocker, LockStore, OwnedRecords } from "../../core/locks/lock-store.ts";
import { MAX_BLOCKED_IDS } from "../../core/locks/lock-store.ts";
import { ALL_SEEN, shownTask } from "../../core/tasks/task-sight.ts";
import type { TaskStore } from "../../core/tasks/task-store.ts";
import type { Task } from "../../core/tasks/task.ts";
import { createBatchLoader } from "../batch-loader.ts";
import type { SchemaContext } from "../builder.ts";
import { idsOf } from "../record-ids.ts";

/** Where locks are looked up, and what of them viewers may know. */
export interface TaskLockPorts {
  readonly tasks: Pick<TaskStore, "find">;
  readonly locks?: Pick<LockStore, "owned" | "blockers"> | undefined;
  /** Whether all records of the model are within the viewer's reach. */
  readonly reachesAll?: ((viewer: Viewer, model: string) => boolean) | undefined;
}

/** Who stands in a task's way. */
interface SeenBlocker extends Pick<Blocker, "model" | "count" | "ids"> {
  readonly task: Task;
}

/** Blockers returned when the caller does not say how many. */
const DEFAULT_BLOCKERS = 10;

/**
 * Adds `locks` and `blockers`. Records of the task's own model are no secret to who sees the task; of other models they are
 * told only to who reaches all of them, since tasks lock what depends on their records, too.
 */
export function addTaskLocks(schema: SchemaContext, ports: TaskLockPorts): void {
  const { builder, refs, models, sight = ALL_SEEN } = schema;
  const isTold = (viewer: Viewer, task: Task, model: string): boolean =>
    models.all().some(({ name }) => name === model) &&
    (model === task.model || ports.reachesAll?.(viewer, model) === true);
  const ownedBy = createBatchLoader(async (_context, ids) => (await ports.locks?.owned(ids)) ?? new Map());
  const inTheWayOf = createBatchLoader(
    async (_context, ids) => (await ports.locks?.blockers(ids)) ?? new Map(),
  );
  const taskOf = createBatchLoader((_context, ids) => ports.tasks.find(ids));
  const [lock, blocker] = [defineLock(schema), defineBlocker(schema)];
  builder.objectFields(refs.task, (t) => ({
    locks: t.field({
      type: [lock],
      description: "The records that it holds, and those that it waits for in line, by model.",
      resolve: async (task, _args, context) => {
        const owned: readonly OwnedRecords[] = (await ownedBy(context, task.id)) ?? [];
        return owned.filter(({ model }) => isTold(context.viewer, task, model));
      },
    }),
    blockers: t.field({
      type: [blocker],
      description: `While it is WAITING: the tasks that hold records that it waits for, or that came before it in line; those with most records first. Default: ${DEFAULT_BLOCKERS}.`,
      // Named as a page's argument, so that the operation's cost counts this list as a page.
      args: { first: t.arg.int() },
      resolve: async (task, { first }, context) => {
        const found: readonly Blocker[] =
          task.status === "WAITING" ? ((await inTheWayOf(context, task.id)) ?? []) : [];
        const told = found
          .filter(({ model }) => isTold(context.viewer, task, model))
          .slice(0, Math.max(0, first ?? DEFAULT_BLOCKERS));
        const blockers = told.map(async ({ owner, ...rest }): Promise<readonly SeenBlocker[]> => {
          const holder = await taskOf(context, owner);
          return holder === undefined ? [] : [{ ...rest, task: shownTask(sight, context.viewer, holder) }];
        });
        return (await Promise.all(blockers)).flat();
      },
    }),
  }));
}

function defineLock({ builder, refs }: SchemaContext) {
  return builder.objectRef<OwnedRecords>("TaskLock").implement({
    description: "Records of one model that a task holds, or waits for.",
    fields: (t) => ({
      model: t.expose("model", { type: refs.modelName }),
      count: t.exposeInt("count", { nullable: true, description: "How many; null for the whole model." }),
      isInLine: t.exposeBoolean("isInLine", { description: "Whether the task still waits for them." }),
    }),
  });
}

function defineBlocker({ builder, refs }: SchemaContext) {
  return builder.objectRef<SeenBlocker>("TaskBlocker").implement({
    description: "A task that keeps another one waiting.",
    fields: (t) => ({
      task: t.expose("task", {
        type: refs.task,
        description: "As it is now; of a task that the caller may not see, only its state and progress.",
      }),
      model: t.expose("model", { type: refs.modelName }),
      count: t.exposeInt("count", {
        nullable: true,
        description:
          "How many of the waiting task's records it holds, or came first for; null for the whole model.",
      }),
      recordIds: t.exposeIDList("ids", {
        description: `The first of these records, at most ${MAX_BLOCKED_IDS}.`,
        ...idsOf(({ model }: SeenBlocker) => model),
      }),
    }),
  });
}
