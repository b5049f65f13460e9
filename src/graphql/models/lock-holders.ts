import type { LockScopes } from "../../core/locks/claim.ts";
import type { LockStore } from "../../core/locks/lock-store.ts";
import type { TaskSight } from "../../core/tasks/task-sight.ts";
import { ALL_SEEN, shownTask } from "../../core/tasks/task-sight.ts";
import { isFinal } from "../../core/tasks/task-status.ts";
import type { TaskStore } from "../../core/tasks/task-store.ts";
import type { Task } from "../../core/tasks/task.ts";
import { createBatchLoader, createModelLoader } from "../batch-loader.ts";
import type { GraphQLContext } from "../builder.ts";

/** Finds the tasks that hold records. */
export interface LockHolders {
  /**
   * The task that now holds the record, or its whole model, as the viewer may see it; undefined if there is none. A settled or unknown owner does not
   * count: its locks are about to be released. A whole page takes one look-up of locks per model, and one of tasks.
   *
   * @param id canonical
   * @throws AppError UNAVAILABLE
   */
  of(context: GraphQLContext, model: string, id: string): Promise<Task | undefined>;
}

/** The stores that holders are read from. */
export interface LockHolderPorts {
  readonly locks: Pick<LockStore, "owners">;
  readonly lockScopes: LockScopes;
  readonly tasks: Pick<TaskStore, "find">;
  /** Default: everybody sees all tasks. */
  readonly sight?: TaskSight | undefined;
}

/** Call once per schema. */
export function createLockHolders(ports: LockHolderPorts): LockHolders {
  const { locks, lockScopes, tasks, sight = ALL_SEEN } = ports;
  const ownerOf = createModelLoader((context, model, ids) =>
    locks.owners(model, ids, lockScopes.of(model, context.viewer)),
  );
  const taskOf = createBatchLoader((_context, ids) => tasks.find(ids));
  return {
    async of(context, model, id) {
      const owner = await ownerOf(context, model, id);
      const task = owner === undefined ? undefined : await taskOf(context, owner);
      return task === undefined || isFinal(task.status) ? undefined : shownTask(sight, context.viewer, task);
    },
  };
}
