import type { LockScopes } from "../../core/locks/lock-scopes.ts";
import type { LockStore } from "../../core/locks/lock-store.ts";
import type { TaskStore } from "../../core/tasks/task-store.ts";
import { isFinal } from "../../core/tasks/task-status.ts";
import type { Task } from "../../core/tasks/task.ts";
import type { BatchLoader } from "../batch-loader.ts";
import { createBatchLoader } from "../batch-loader.ts";
import type { GraphQLContext } from "../context.ts";

/** Who holds records, as the viewer meets it. */
export interface LockHolders {
  /**
   * The task that holds the record, or the whole of its model, now; undefined for nobody. An owner that is settled, or
   * that the task store does not know, is nobody: its locks are about to go. Batched: one look-up of locks per model
   * and one of tasks for a whole page.
   *
   * @param id canonical
   * @throws AppError UNAVAILABLE
   */
  of(context: GraphQLContext, model: string, id: string): Promise<Task | undefined>;
}

/** What looking for holders takes. */
export interface LockHolderPorts {
  readonly locks: Pick<LockStore, "owners">;
  readonly lockScopes: LockScopes;
  readonly tasks: Pick<TaskStore, "find">;
}

/** Made once per schema; its batches are those of one operation. */
export function createLockHolders({ locks, lockScopes, tasks }: LockHolderPorts): LockHolders {
  const owners = new Map<string, BatchLoader<string>>();
  const ownersIn = (model: string): BatchLoader<string> => {
    const known = owners.get(model);
    if (known !== undefined) {
      return known;
    }
    const made = createBatchLoader((context, ids) =>
      locks.owners(model, ids, lockScopes.of(model, context.viewer)),
    );
    owners.set(model, made);
    return made;
  };
  const taskOf = createBatchLoader((_context, ids) => tasks.find(ids));
  return {
    async of(context, model, id) {
      const owner = await ownersIn(model)(context, id);
      const task = owner === undefined ? undefined : await taskOf(context, owner);
      return task === undefined || isFinal(task.status) ? undefined : task;
    },
  };
}
