import { errorFields } from "../../kernel/error-fields.ts";
import type { Viewer } from "../records/viewer.ts";
import { cancelledEnd } from "./attempt-end.ts";
import type { UnavailableRefusal } from "./launch-outcome.ts";
import { CANCEL_TOPIC } from "./running-attempts.ts";
import { countsOf } from "./progress.ts";
import { settleUnattended } from "./settle-unattended.ts";
import type { TaskPorts } from "./task-ports.ts";
import { unavailableRefusal } from "./unavailable-refusal.ts";
import { isFinal } from "./task-status.ts";
import type { Task } from "./task.ts";

/** What becomes of a request to cancel. */
export type CancelOutcome =
  /** CANCELLED already, if it had not begun; otherwise still RUNNING, and about to stop. */
  | { readonly kind: "CANCELLED"; readonly task: Task }
  | { readonly kind: "MISSING"; readonly message: string }
  /** It is settled: nothing is left to cancel. */
  | { readonly kind: "SETTLED"; readonly message: string; readonly task: Task }
  | UnavailableRefusal;

/** A task that begins, or settles, while it is looked at is looked at again. */
const MAX_TRIES = 5;

/**
 * Cancels a task wherever it is. One that waits or is queued is settled here; one that runs is asked to stop, at its
 * next chunk at the latest, by whichever process runs it.
 */
export async function cancelTask(
  ports: TaskPorts,
  request: { readonly taskId: string; readonly viewer: Viewer },
): Promise<CancelOutcome> {
  try {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const outcome = await tryToCancel(ports, request.taskId, request.viewer);
      if (outcome !== undefined) {
        return outcome;
      }
    }
    return { kind: "UNAVAILABLE", message: "The task changes too fast to be cancelled. Try again." };
  } catch (error) {
    return unavailableRefusal(ports.logger, error, "a cancelling was refused", { taskId: request.taskId });
  }
}

/** Undefined when the task was not any more what it had been read as. */
async function tryToCancel(
  ports: TaskPorts,
  taskId: string,
  viewer: Viewer,
): Promise<CancelOutcome | undefined> {
  const task = await read(ports, taskId);
  if (task === undefined) {
    return { kind: "MISSING", message: `There is no task ${taskId}.` };
  }
  if (isFinal(task.status)) {
    const message = `Task ${taskId} is ${task.status} already; there is nothing left to cancel.`;
    return { kind: "SETTLED", message, task };
  }
  const isDone =
    task.status === "RUNNING" ? await askToStop(ports, taskId, viewer) : await cancelUnbegun(ports, task);
  return isDone ? { kind: "CANCELLED", task: (await read(ports, taskId)) ?? task } : undefined;
}

async function read(ports: Pick<TaskPorts, "tasks">, taskId: string): Promise<Task | undefined> {
  return (await ports.tasks.find([taskId])).get(taskId);
}

function cancelUnbegun(ports: TaskPorts, task: Task): Promise<boolean> {
  const { progress } = task;
  return settleUnattended(ports, task, (done) => cancelledEnd(progress.total, done ?? countsOf(progress)));
}

async function askToStop(ports: TaskPorts, taskId: string, viewer: Viewer): Promise<boolean> {
  const requested = await ports.tasks.requestCancel({ taskId, at: ports.clock.now(), by: viewer.id });
  if (requested === "NOT_RUNNING") {
    return false;
  }
  // Without the message the worker learns of it at its next chunk or heartbeat.
  await ports.bus.publish(CANCEL_TOPIC, { taskId }).catch((error: unknown) => {
    ports.logger.warn({ ...errorFields(error), taskId }, "a request to cancel could not be announced");
  });
  return true;
}
