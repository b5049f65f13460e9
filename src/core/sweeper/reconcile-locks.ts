import type { TaskPorts } from "../tasks/settle/task-ports.ts";
import { isFinal } from "../tasks/task-status.ts";

/** What reconciling works with. */
type ReconcilePorts = Pick<TaskPorts, "unitOfWork" | "tasks" | "locks">;

/**
 * Takes their locks from owners that are settled or were never created: left behind by a process that died at the
 * wrong moment, in a store that does not take part in its transactions.
 * @returns the owners
 */
export async function reconcileLocks(ports: ReconcilePorts): Promise<readonly string[]> {
  const owners = await ports.locks.listOwners();
  const tasks = await ports.tasks.find(owners);
  const released: string[] = [];
  for (const owner of owners) {
    const task = tasks.get(owner);
    const isStale = task === undefined ? await isNobody(ports, owner) : isFinal(task.status);
    if (isStale) {
      await ports.unitOfWork.run((transaction) => ports.locks.release(transaction, owner));
      released.push(owner);
    }
  }
  return released;
}

/** A launch under way has its locks before its task can be seen; the guard waits until it has ended either way. */
function isNobody({ unitOfWork, locks, tasks }: ReconcilePorts, owner: string): Promise<boolean> {
  return unitOfWork.run(async (transaction) => {
    const models = (await locks.heldBy(owner)).map(({ model }) => model);
    // No record has an empty id: this waits for claims on the models without minding any lock on a record.
    await locks.guard(
      transaction,
      models.map((model) => ({ model, ids: [""] })),
    );
    return !(await tasks.find([owner])).has(owner);
  });
}
