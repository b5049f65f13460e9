import { encodeAnnouncement, TASK_TOPIC } from "../events/task-announcement.ts";
import type { Claim } from "../locks/claim.ts";
import { runOrRollBack } from "../transactions/run-or-roll-back.ts";
import type { Transaction } from "../transactions/transaction.ts";
import { readDependents } from "./dependents.ts";
import { findBlocker } from "./find-blocker.ts";
import { knownDefinition } from "./known-definition.ts";
import type { TaskPorts } from "./task-ports.ts";
import { isFinal } from "./task-status.ts";
import type { WaitingTask } from "./task-store.ts";

/** What promoting works with. */
export type PromotePorts = Pick<
  TaskPorts,
  "unitOfWork" | "tasks" | "bus" | "locks" | "queue" | "clock" | "definitions"
>;

/** The most tasks that one settlement looks after; the sweeper takes the rest. */
const BATCH = 1000;
/** How often a task is tried again whose blocker settled between the look and the commit. */
const MAX_TRIES = 5;

/**
 * Lets those go on who waited for the task, oldest first, now that it let go of something.
 * @returns the tasks that were granted all they wait for
 */
export async function promoteWaiting(ports: PromotePorts, blocker: string): Promise<readonly string[]> {
  const granted: string[] = [];
  for (const waiting of await ports.tasks.findWaitingFor(blocker, BATCH)) {
    if (await retryWaiting(ports, waiting)) {
      granted.push(waiting.id);
    }
  }
  return granted;
}

/**
 * Grants a WAITING task its claims, and what has come to hang on its records, if nothing is in the way any more, and
 * enqueues it. False also where this process does not know what a task of its kind changes.
 */
export async function retryWaiting(
  ports: PromotePorts,
  { id: taskId, hasDependents }: Pick<WaitingTask, "id" | "hasDependents">,
): Promise<boolean> {
  const dependence = hasDependents ? await findDependence(ports, taskId) : NONE;
  if (dependence === undefined) {
    return false;
  }
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const outcome = await grantOrGoOnWaiting(ports, taskId, dependence);
    if (outcome === "GRANTED") {
      await ports.queue.enqueue([{ id: taskId, attempt: 0 }]);
      await ports.tasks.markEnqueued([taskId], ports.clock.now());
      return true;
    }
    // A blocker that settles from now on finds this task waiting for it; one that did before will not look again.
    if (outcome === "GONE" || (await isLive(ports, outcome.blocker))) {
      return false;
    }
  }
  return false;
}

/** How to read a task's dependents in the transaction that claims them; nothing for tasks without. */
type Dependence = (transaction: Transaction) => Promise<readonly Claim[]>;

const NONE: Dependence = () => Promise.resolve([]);

/** Undefined where it cannot be known here. */
async function findDependence(ports: PromotePorts, taskId: string): Promise<Dependence | undefined> {
  const task = (await ports.tasks.find([taskId])).get(taskId);
  const definition = task === undefined ? undefined : knownDefinition(ports.definitions, task.kind);
  if (task === undefined || definition === undefined) {
    return undefined;
  }
  const dependents = await definition.dependents?.(task);
  if (dependents === undefined) {
    return NONE;
  }
  const recordIds = await ports.tasks.recordIds(taskId);
  const own = task.model === null ? [] : [{ model: task.model, ids: recordIds }];
  return (transaction) => readDependents(ports.locks, transaction, { dependents, own, recordIds });
}

type Outcome = "GRANTED" | "GONE" | { readonly blocker: string };

function grantOrGoOnWaiting(ports: PromotePorts, taskId: string, dependence: Dependence): Promise<Outcome> {
  return runOrRollBack<Outcome>(ports.unitOfWork, async (transaction) => {
    // The task before its place in line, as settling it does: the other way round the two could deadlock.
    if (!(await ports.tasks.lockWaiting(transaction, taskId))) {
      return { rollBack: "GONE" };
    }
    const dependents = await dependence(transaction);
    const result = await ports.locks.acquireWaiting(transaction, taskId, dependents);
    if (result.kind === "GRANTED") {
      const isPending = await ports.tasks.endWaiting(transaction, taskId);
      if (isPending) {
        await keepDependents(ports, transaction, taskId, dependents);
        transaction.onCommit(() =>
          ports.bus.publish(TASK_TOPIC, encodeAnnouncement({ kind: "LIFECYCLE", taskId })),
        );
      }
      return isPending ? { commit: "GRANTED" } : { rollBack: "GONE" };
    }
    const blocker = await findBlocker(ports.locks, transaction, taskId, result);
    return (await ports.tasks.startWaiting(transaction, taskId, blocker))
      ? { commit: { blocker } }
      : { rollBack: "GONE" };
  });
}

async function keepDependents(
  { tasks }: PromotePorts,
  transaction: Transaction,
  taskId: string,
  dependents: readonly Claim[],
): Promise<void> {
  if (dependents.length > 0) {
    await tasks.setDependents(transaction, taskId, dependents);
  }
}

async function isLive(ports: PromotePorts, taskId: string): Promise<boolean> {
  const task = (await ports.tasks.find([taskId])).get(taskId);
  return task !== undefined && !isFinal(task.status);
}
