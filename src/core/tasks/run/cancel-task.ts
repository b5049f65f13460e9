import type { Viewer } from "../../access/viewer.ts";
import { cancelledEnd } from "../settle/ending.ts";
import { CANCEL_TOPIC } from "./running-attempts.ts";
import { countsOf } from "../progress.ts";
import type { SettlePorts } from "../settle/settle-task.ts";
import { settleUnattended } from "../settle/settle-task.ts";
import { findTask } from "../task-reads.ts";
import { isFinal } from "../task-status.ts";
import type { Task } from "../task.ts";
import type { ChangeRefusal, TaskRequest } from "./change-task.ts";
import { announceRequest, changeTask } from "./change-task.ts";

/** The outcome of a request to cancel. */
export type CancelOutcome =
  /** CANCELLED already, if it had not begun; otherwise still RUNNING, and about to stop. */
  { readonly kind: "CANCELLED"; readonly task: Task } | ChangeRefusal;

/**
 * Cancels a task and its children in any process. A waiting or queued task is settled here. A running one is asked to stop,
 * and does so at its next chunk at the latest.
 */
export function cancelTask(ports: SettlePorts, { taskId, viewer }: TaskRequest): Promise<CancelOutcome> {
  return changeTask<CancelOutcome>(ports, taskId, {
    verb: "cancel",
    participle: "cancelled",
    failure: "a cancellation was refused",
    change: (task) => tryToCancel(ports, task, viewer),
  });
}

async function tryToCancel(
  ports: SettlePorts,
  task: Task,
  viewer: Viewer,
): Promise<CancelOutcome | undefined> {
  const { id: taskId } = task;
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
  await announceRequest(ports, CANCEL_TOPIC, { taskId, request: "a request to cancel" });
  return true;
}
