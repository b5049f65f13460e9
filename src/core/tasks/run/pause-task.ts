import { recordEvent } from "../../events/record-event.ts";
import type { NotPausableRefusal } from "../../refusals/refusals.ts";
import type { PausePorts } from "../settle/pause-attempt.ts";
import { freeSlot } from "../settle/pause-attempt.ts";
import type { PauseRequest } from "../task-pauses.ts";
import { findTask } from "../task-reads.ts";
import type { Task } from "../task.ts";
import { RESERVATION_KIND } from "../task.ts";
import type { ChangeRefusal, TaskRequest } from "./change-task.ts";
import { announceRequest, changeTask } from "./change-task.ts";
import { PAUSE_TOPIC } from "./running-attempts.ts";

/** The outcome of a request to pause. */
export type PauseOutcome =
  /** PAUSED, if it had not begun; otherwise still RUNNING, and about to stop. */
  { readonly kind: "PAUSED"; readonly task: Task } | NotPausableRefusal | ChangeRefusal;

/**
 * Pauses a task in any process. Its locks stay. A queued task is PAUSED at once; a running one is asked to stop, and does so
 * between two chunks. A task whose chunks are one transaction (ALL_OR_NOTHING, dry runs) is rolled back, and begins again when it
 * is resumed. Pausing twice changes nothing.
 */
export function pauseTask(ports: PausePorts, { taskId, viewer }: TaskRequest): Promise<PauseOutcome> {
  return changeTask<PauseOutcome>(ports, taskId, {
    verb: "pause",
    participle: "paused",
    failure: "a pause was refused",
    change: (task) => tryToPause(ports, { taskId, at: ports.clock.now(), by: viewer.id }, task),
  });
}

async function tryToPause(
  ports: PausePorts,
  request: PauseRequest,
  task: Task,
): Promise<PauseOutcome | undefined> {
  const { taskId } = request;
  if (task.status === "WAITING") {
    const message = `Task ${taskId} waits in line and holds nothing; it can be paused once it has its records.`;
    return { kind: "NOT_PAUSABLE", message, task };
  }
  if (task.status === "RECEIVING") {
    const message = `Task ${taskId} receives its file; it can be paused once all of it has come.`;
    return { kind: "NOT_PAUSABLE", message, task };
  }
  if (task.kind === RESERVATION_KIND) {
    const message = `Task ${taskId} is a reservation; its holder releases it, or it is cancelled.`;
    return { kind: "NOT_PAUSABLE", message, task };
  }
  if (task.status === "PAUSED") {
    return { kind: "PAUSED", task };
  }
  const isDone =
    task.status === "RUNNING" ? await askToPause(ports, request) : await pauseQueued(ports, request, task);
  return isDone ? { kind: "PAUSED", task: (await findTask(ports.tasks, taskId)) ?? task } : undefined;
}

async function pauseQueued(ports: PausePorts, request: PauseRequest, { progress }: Task): Promise<boolean> {
  const isDone = await ports.unitOfWork.run(async (transaction) => {
    const isPaused = await ports.tasks.pausePending(transaction, request);
    if (isPaused) {
      await recordEvent(ports, transaction, { taskId: request.taskId, type: "PAUSE", progress });
    }
    return isPaused;
  });
  if (isDone) {
    await freeSlot(ports, request.taskId);
  }
  return isDone;
}

async function askToPause(ports: PausePorts, request: PauseRequest): Promise<boolean> {
  const { taskId } = request;
  if (!(await ports.tasks.requestPause(request))) {
    return false;
  }
  await announceRequest(ports, PAUSE_TOPIC, { taskId, request: "a request to pause" });
  return true;
}
