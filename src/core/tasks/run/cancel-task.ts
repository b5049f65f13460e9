import { errorFields } from "../../../kernel/logger.ts";
import type { Viewer } from "../../access/viewer.ts";
import { cancelledEnd } from "../settle/ending.ts";
import type { MissingRefusal, SettledRefusal, UnavailableRefusal } from "../../refusals/refusals.ts";
import { CANCEL_TOPIC } from "./running-attempts.ts";
import { countsOf } from "../progress.ts";
import type { SettlePorts } from "../settle/settle-task.ts";
import { settleUnattended } from "../settle/settle-task.ts";
import { findTask } from "../task-reads.ts";
import { unavailableRefusal } from "../../refusals/unavailable-refusal.ts";
import { isFinal } from "../task-status.ts";
import type { Task } from "../task.ts";

/** The outcome of a request to cancel. */
export type CancelOutcome =
  /** CANCELLED already, if it had not begun; otherwise still RUNNING, and about to stop. */
  { readonly kind: "CANCELLED"; readonly task: Task } | MissingRefusal | SettledRefusal | UnavailableRefusal;

/** How often a task is read again that began, or settled, meanwhile. */
const MAX_TRIES = 5;

/**
 * Cancels a task and its children in any process. A waiting or queued task is settled here. A running one is asked to stop, and does so at
 * its next chunk at the latest.
 */
export async function cancelTask(
  ports: SettlePorts,
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
    return unavailableRefusal(ports.logger, error, "a cancellation was refused", { taskId: request.taskId });
  }
}

/** Undefined when the task changed after it was read. */
async function tryToCancel(
  ports: SettlePorts,
  taskId: string,
  viewer: Viewer,
): Promise<CancelOutcome | undefined> {
  const task = await findTask(ports.tasks, taskId);
  if (task === undefined) {
    return { kind: "MISSING", message: `There is no task ${taskId}.` };
  }
  if (isFinal(task.status)) {
    const message = `Task ${taskId} is ${task.status} already; there is nothing left to cancel.`;
    return { kind: "SETTLED", message, task };
  }
  const isDone =
    task.status === "RUNNING" ? await askToStop(ports, taskId, viewer) : await cancelUnbegun(ports, task);
  if (isDone) {
    await cancelChildren(ports, taskId, viewer);
  }
  const after = isDone ? await findTask(ports.tasks, taskId) : undefined;
  // A task that was paused or postponed meanwhile has nobody who would notice the request.
  const isStopping = after !== undefined && (after.status === "RUNNING" || isFinal(after.status));
  return isStopping ? { kind: "CANCELLED", task: after } : undefined;
}

/** Those that are launched later, or missed by a crash, are left to the sweeper. */
async function cancelChildren(ports: SettlePorts, taskId: string, viewer: Viewer): Promise<void> {
  const children = (await ports.tasks.children([taskId])).get(taskId) ?? [];
  for (const { id, status } of children) {
    if (!isFinal(status)) {
      await cancelTask(ports, { taskId: id, viewer });
    }
  }
}

function cancelUnbegun(ports: SettlePorts, task: Task): Promise<boolean> {
  const { progress } = task;
  return settleUnattended(ports, task, (done) => cancelledEnd(progress.total, done ?? countsOf(progress)));
}

async function askToStop(ports: SettlePorts, taskId: string, viewer: Viewer): Promise<boolean> {
  if (!(await ports.tasks.requestCancel({ taskId, at: ports.clock.now(), by: viewer.id }))) {
    return false;
  }
  // Without the message, the worker notices at its next chunk or heartbeat.
  await ports.bus.publish(CANCEL_TOPIC, { taskId }).catch((error: unknown) => {
    ports.logger.warn({ ...errorFields(error), taskId }, "a request to cancel could not be announced");
  });
  return true;
}
