import { errorFields } from "../../../kernel/logger.ts";
import { recordEvent } from "../../events/record-event.ts";
import type {
  MissingRefusal,
  NotPausedRefusal,
  SettledRefusal,
  UnavailableRefusal,
} from "../../refusals/refusals.ts";
import { unavailableRefusal } from "../../refusals/unavailable-refusal.ts";
import { enqueuePostponed } from "../settle/enqueue-postponed.ts";
import type { StrandedTask } from "../stranded-tasks.ts";
import { findTask } from "../task-reads.ts";
import { isFinal } from "../task-status.ts";
import type { Task } from "../task.ts";
import type { PausePorts } from "../settle/pause-attempt.ts";

/** The outcome of a request to resume. */
export type ResumeOutcome =
  /** PENDING and enqueued; still RUNNING where the attempt had not stopped yet. */
  | { readonly kind: "RESUMED"; readonly task: Task }
  | MissingRefusal
  | SettledRefusal
  | NotPausedRefusal
  | UnavailableRefusal;

/** How often a task is read again that changed meanwhile. */
const MAX_TRIES = 5;

/**
 * Lets a paused task go on: it is PENDING again, and its next attempt goes on with the chunks that are not DONE. A task that
 * was asked to pause and still runs goes on running.
 */
export async function resumeTask(
  ports: PausePorts,
  { taskId }: { readonly taskId: string },
): Promise<ResumeOutcome> {
  try {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const outcome = await tryToResume(ports, taskId);
      if (outcome !== undefined) {
        return outcome;
      }
    }
    return { kind: "UNAVAILABLE", message: "The task changes too fast to be resumed. Try again." };
  } catch (error) {
    return unavailableRefusal(ports.logger, error, "a task could not be resumed", { taskId });
  }
}

/** Undefined when the task changed after it was read. */
async function tryToResume(ports: PausePorts, taskId: string): Promise<ResumeOutcome | undefined> {
  const task = await findTask(ports.tasks, taskId);
  if (task === undefined) {
    return { kind: "MISSING", message: `There is no task ${taskId}.` };
  }
  if (isFinal(task.status)) {
    const message = `Task ${taskId} is ${task.status} already; there is nothing left to resume.`;
    return { kind: "SETTLED", message, task };
  }
  if (task.status !== "PAUSED" && task.pauseRequestedAt === null) {
    return { kind: "NOT_PAUSED", message: `Task ${taskId} is ${task.status}, not paused.`, task };
  }
  const isDone =
    task.status === "PAUSED" ? await resumePaused(ports, task) : await ports.tasks.withdrawPause(taskId);
  return isDone ? { kind: "RESUMED", task: (await findTask(ports.tasks, taskId)) ?? task } : undefined;
}

async function resumePaused(ports: PausePorts, { id: taskId, progress }: Task): Promise<boolean> {
  const resumed = await ports.unitOfWork.run(async (transaction) => {
    const delivery = await ports.tasks.resume(transaction, taskId);
    if (delivery !== undefined) {
      await recordEvent(ports, transaction, { taskId, type: "RESUME", progress });
    }
    return delivery;
  });
  if (resumed === undefined) {
    return false;
  }
  await enqueue(ports, resumed).catch((error: unknown) => {
    ports.logger.warn(
      { ...errorFields(error), taskId },
      "a resumed task was left for the sweeper to enqueue",
    );
  });
  return true;
}

/** One that was postponed when it was paused still waits for its time. */
async function enqueue(ports: PausePorts, resumed: StrandedTask): Promise<void> {
  const { id, attempt, postponedUntil } = resumed;
  if (postponedUntil != null && postponedUntil > ports.clock.now().getTime()) {
    await enqueuePostponed(ports, { id, attempt, until: new Date(postponedUntil) });
    return;
  }
  await ports.queue.enqueue([resumed]);
  await ports.tasks.markEnqueued([resumed.id], ports.clock.now());
}
