import { errorFields } from "../../../kernel/logger.ts";
import type { Viewer } from "../../access/viewer.ts";
import { recordEvent } from "../../events/record-event.ts";
import type {
  MissingRefusal,
  SettledRefusal,
  UnavailableRefusal,
  NotPausableRefusal,
} from "../../refusals/refusals.ts";
import { unavailableRefusal } from "../../refusals/unavailable-refusal.ts";
import type { PausePorts } from "../settle/pause-attempt.ts";
import { freeSlot } from "../settle/pause-attempt.ts";
import type { PauseRequest } from "../task-pauses.ts";
import { findTask } from "../task-reads.ts";
import { isFinal } from "../task-status.ts";
import type { Task } from "../task.ts";
import { RESERVATION_KIND } from "../task.ts";
import { PAUSE_TOPIC } from "./running-attempts.ts";

/** The outcome of a request to pause. */
export type PauseOutcome =
  /** PAUSED, if it had not begun; otherwise still RUNNING, and about to stop. */
  | { readonly kind: "PAUSED"; readonly task: Task }
  | MissingRefusal
  | SettledRefusal
  | NotPausableRefusal
  | UnavailableRefusal;

/** How often a task is read again that changed meanwhile. */
const MAX_TRIES = 5;

/**
 * Pauses a task in any process. Its locks stay. A queued task is PAUSED at once; a running one is asked to stop, and does so
 * between two chunks. A task whose chunks are one transaction (ALL_OR_NOTHING, dry runs) is rolled back, and begins again when it
 * is resumed. Pausing twice changes nothing.
 */
export async function pauseTask(
  ports: PausePorts,
  { taskId, viewer }: { readonly taskId: string; readonly viewer: Viewer },
): Promise<PauseOutcome> {
  try {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const outcome = await tryToPause(ports, { taskId, at: ports.clock.now(), by: viewer.id });
      if (outcome !== undefined) {
        return outcome;
      }
    }
    return { kind: "UNAVAILABLE", message: "The task changes too fast to be paused. Try again." };
  } catch (error) {
    return unavailableRefusal(ports.logger, error, "a pause was refused", { taskId });
  }
}

/** Undefined when the task changed after it was read. */
async function tryToPause(ports: PausePorts, request: PauseRequest): Promise<PauseOutcome | undefined> {
  const { taskId } = request;
  const task = await findTask(ports.tasks, taskId);
  if (task === undefined) {
    return { kind: "MISSING", message: `There is no task ${taskId}.` };
  }
  if (isFinal(task.status)) {
    const message = `Task ${taskId} is ${task.status} already; there is nothing left to pause.`;
    return { kind: "SETTLED", message, task };
  }
  if (task.status === "WAITING") {
    const message = `Task ${taskId} waits in line and holds nothing; it can be paused once it has its records.`;
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
  // Without the message, the worker notices at its next chunk or heartbeat.
  await ports.bus.publish(PAUSE_TOPIC, { taskId }).catch((error: unknown) => {
    ports.logger.warn({ ...errorFields(error), taskId }, "a request to pause could not be announced");
  });
  return true;
}
