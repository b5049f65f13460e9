import { encodeAnnouncement, TASK_TOPIC } from "../events/task-announcement.ts";
import { runOrRollBack } from "../transactions/run-or-roll-back.ts";
import type { TaskPorts } from "./task-ports.ts";
import { isFinal } from "./task-status.ts";

/** What promoting works with. */
export type PromotePorts = Pick<TaskPorts, "unitOfWork" | "tasks" | "bus" | "locks" | "queue" | "clock">;

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
  for (const { id } of await ports.tasks.findWaitingFor(blocker, BATCH)) {
    if (await retryWaiting(ports, id)) {
      granted.push(id);
    }
  }
  return granted;
}

/** Grants a WAITING task its claims if nothing is in the way any more, and enqueues it. */
export async function retryWaiting(ports: PromotePorts, taskId: string): Promise<boolean> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const outcome = await grantOrGoOnWaiting(ports, taskId);
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

type Outcome = "GRANTED" | "GONE" | { readonly blocker: string };

function grantOrGoOnWaiting(ports: PromotePorts, taskId: string): Promise<Outcome> {
  return runOrRollBack<Outcome>(ports.unitOfWork, async (transaction) => {
    const result = await ports.locks.acquireWaiting(transaction, taskId);
    if (result.isGranted) {
      const isPending = await ports.tasks.endWaiting(transaction, taskId);
      if (isPending) {
        transaction.onCommit(() =>
          ports.bus.publish(TASK_TOPIC, encodeAnnouncement({ kind: "LIFECYCLE", taskId })),
        );
      }
      return isPending ? { commit: "GRANTED" } : { rollBack: "GONE" };
    }
    const blocker = result.conflicts[0]?.owner ?? taskId;
    return (await ports.tasks.startWaiting(transaction, taskId, blocker))
      ? { commit: { blocker } }
      : { rollBack: "GONE" };
  });
}

async function isLive(ports: PromotePorts, taskId: string): Promise<boolean> {
  const task = (await ports.tasks.find([taskId])).get(taskId);
  return task !== undefined && !isFinal(task.status);
}
