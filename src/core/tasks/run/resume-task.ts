import { errorFields } from "../../../kernel/logger.ts";
import { recordEvent } from "../../events/record-event.ts";
import type { NotPausedRefusal } from "../../refusals/refusals.ts";
import { enqueuePostponed } from "../settle/enqueue-postponed.ts";
import type { PausePorts } from "../settle/pause-attempt.ts";
import type { StrandedTask } from "../stranded-tasks.ts";
import { findTask } from "../task-reads.ts";
import type { Task } from "../task.ts";
import type { ChangeRefusal, TaskRequest } from "./change-task.ts";
import { changeTask } from "./change-task.ts";

/** The outcome of a request to resume. */
export type ResumeOutcome =
  /** PENDING and enqueued; still RUNNING where the attempt had not stopped yet. */
  { readonly kind: "RESUMED"; readonly task: Task } | NotPausedRefusal | ChangeRefusal;

/**
 * Lets a paused task go on: it is PENDING again, and its next attempt goes on with the chunks that are not DONE. A task that
 * was asked to pause and still runs goes on running.
 */
export function resumeTask(
  ports: PausePorts,
  { taskId }: Pick<TaskRequest, "taskId">,
): Promise<ResumeOutcome> {
  return changeTask<ResumeOutcome>(ports, taskId, {
    verb: "resume",
    participle: "resumed",
    failure: "a task could not be resumed",
    change: (task) => tryToResume(ports, task),
  });
}

async function tryToResume(ports: PausePorts, task: Task): Promise<ResumeOutcome | undefined> {
  const { id: taskId } = task;
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
