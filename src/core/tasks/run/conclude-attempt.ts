import { isAppError } from "../../../kernel/app-error.ts";
import { errorFields } from "../../../kernel/logger.ts";
import type { Progress } from "../progress.ts";
import type { SettleBy } from "../settle/ending.ts";
import { failedEnd, stoppedEnd } from "../settle/ending.ts";
import { passSlotOn } from "../settle/enqueue-postponed.ts";
import type { SettledTask, SettlePorts } from "../settle/settle-task.ts";
import { cleanedTaskOf, settleTask, settleUnattended } from "../settle/settle-task.ts";
import type { Task } from "../task.ts";
import type { Attempt } from "../task-attempts.ts";
import type { QueuedTask } from "../task-queue.ts";
import { findTask } from "../task-reads.ts";
import type { AttemptEnd } from "./attempt-end.ts";
import { endOfUnsettled } from "./attempt-end.ts";
import type { RetryPorts } from "./retry-attempt.ts";
import { postponeAttempt } from "./retry-attempt.ts";
import type { PausePorts } from "../settle/pause-attempt.ts";
import { pauseAttempt } from "../settle/pause-attempt.ts";

/** What became of a delivery. */
export type AttemptOutcome =
  /** @property task as it is now; left out where that has to be read */
  | { readonly kind: "SETTLED"; readonly task?: Task }
  /** Another delivery has the task, or it is settled already. */
  | { readonly kind: "NOT_BEGUN" }
  /** PENDING again: its next attempt is not due yet, or needs a worker that knows its kind. */
  | { readonly kind: "POSTPONED" }
  /** Another attempt took the task over. */
  | { readonly kind: "FENCED" }
  /** Its task is PAUSED. */
  | { readonly kind: "PAUSED" }
  /** Back in the queue, because this process stops. */
  | { readonly kind: "HANDED_OVER" }
  /** A store went away. The sweeper has the task tried again. */
  | { readonly kind: "ABANDONED" };

/** Settles the task, postpones it, hands it over, or leaves it, as the attempt's end asks for. */
export async function concludeAttempt(
  ports: RetryPorts & PausePorts,
  { task, number }: Attempt,
  progress: Progress,
  end: AttemptEnd,
): Promise<AttemptOutcome> {
  const { id: taskId } = task;
  switch (end.kind) {
    case "FENCED":
      ports.logger.warn({ taskId, attempt: number }, "the attempt was fenced and stopped");
      return { kind: "FENCED" };
    case "ABANDONED":
      ports.logger.warn(
        { ...errorFields(end.cause), taskId },
        "the attempt was abandoned: a store is out of reach",
      );
      return { kind: "ABANDONED" };
    case "FAILED":
      return tryAgainLater(ports, { task, number }, progress, end);
    case "HANDED_OVER":
      await ports.tasks.noteHandOver(taskId, number).catch((error: unknown) => {
        ports.logger.warn({ ...errorFields(error), taskId }, "a hand-over counts as an attempt");
      });
      return handOver(ports, { id: taskId, attempt: number });
    case "PAUSED":
      return concludePause(ports, { task, number }, progress);
    case "ENDED": {
      if (end.cause !== undefined && !isAppError(end.cause, "CANCELLED")) {
        ports.logger.error({ err: end.cause, taskId }, "a task's handler threw");
      }
      const settled = await settle(ports, { taskId, kind: task.kind, attempt: number }, progress, end.settle);
      return settled?.cleaned === undefined
        ? outcomeOf(settled)
        : { kind: "SETTLED", task: cleanedTaskOf(task, settled.cleaned) };
    }
  }
}

async function tryAgainLater(
  ports: RetryPorts,
  attempt: Attempt,
  progress: Progress,
  end: Extract<AttemptEnd, { kind: "FAILED" }>,
): Promise<AttemptOutcome> {
  const { delayMs, message, cause } = end;
  const { id: taskId, kind } = attempt.task;
  ports.logger.warn({ err: cause, taskId, delayMs }, "an attempt failed; another one follows");
  const result = await postponeAttempt(ports, { attempt, progress, delayMs, message });
  if (result.kind !== "CANCELLED") {
    return result;
  }
  const settleBy: SettleBy = (done) => stoppedEnd(progress, done);
  return outcomeOf(await settle(ports, { taskId, kind, attempt: attempt.number }, progress, settleBy));
}

function outcomeOf(settled: SettledTask | undefined): AttemptOutcome {
  return { kind: settled === undefined ? "FENCED" : "SETTLED" };
}

/**
 * Settles a task that has had all its attempts. The next one would be cut short as well, and tasks that want its
 * records would wait for ever. A task that is to be cancelled or paused is left to its next attempt, which stops at once.
 * Attempts that were ended by a pause, or handed over, do not count; those that failed have a limit of their own.
 * @returns false, with nothing written, if the task may run again, or another process runs it
 */
export async function giveUp(
  ports: SettlePorts,
  { id, attempt }: QueuedTask,
  maxAttempts: number,
): Promise<boolean> {
  if (attempt < maxAttempts) {
    return false;
  }
  const task = await findTask(ports.tasks, id);
  if (task?.attempt !== attempt) {
    return false;
  }
  const count = attempt - task.pauses - task.failures - (task.handOvers ?? 0);
  if (count < maxAttempts) {
    return false;
  }
  if (task.cancelRequestedAt !== null || task.pauseRequestedAt !== null) {
    return false;
  }
  const message = `Gave up after ${count} attempts: each was cut short, as its worker died, or others kept it from what it needs. The unprocessed records can be retried.`;
  const isSettled = await settleUnattended(ports, task, (done) => failedEnd(message, task.progress, done));
  if (isSettled) {
    ports.logger.error({ taskId: id, attempt }, "a task was given up after many attempts");
  }
  return isSettled;
}

/**
 * Settles the task even where the store refuses its end: another attempt would end the same way, and hold the locks
 * meanwhile. Only a store that is out of reach leaves it to another attempt.
 */
async function settle(
  ports: SettlePorts,
  attempt: { readonly taskId: string; readonly kind: string; readonly attempt: number },
  progress: Progress,
  by: SettleBy,
): Promise<SettledTask | undefined> {
  const request = { ...attempt, total: progress.total, settle: by, byAttempt: true };
  const unlessUnavailable = (error: unknown): void => {
    if (isAppError(error, "UNAVAILABLE")) {
      throw error;
    }
  };
  try {
    return await settleTask(ports, request);
  } catch (error) {
    unlessUnavailable(error);
  }
  try {
    // The first try may have lost a race, such as a deadlock, and was rolled back.
    return await settleTask(ports, request);
  } catch (error) {
    unlessUnavailable(error);
    ports.logger.error({ err: error, taskId: attempt.taskId }, "how a task ended could not be recorded");
    return settleTask(ports, { ...request, settle: endOfUnsettled(progress) });
  }
}

/** Pauses the task, unless the request was taken back, or the task is to be cancelled. */
async function concludePause(
  ports: SettlePorts & PausePorts,
  { task, number }: Attempt,
  progress: Progress,
): Promise<AttemptOutcome> {
  const attempt = { taskId: task.id, kind: task.kind, attempt: number };
  switch ((await pauseAttempt(ports, attempt, progress)).kind) {
    case "PAUSED":
      await passSlotOn(ports, task).catch((error: unknown) => {
        ports.logger.warn({ ...errorFields(error), taskId: task.id }, "a free slot was left for the sweeper");
      });
      return { kind: "PAUSED" };
    case "WITHDRAWN":
      return handOver(ports, { id: task.id, attempt: number });
    case "CANCELLED":
      return outcomeOf(await settle(ports, attempt, progress, (done) => stoppedEnd(progress, done)));
    case "FENCED":
      return { kind: "FENCED" };
  }
}

/** The next attempt may begin at once. Where the queue is out of reach, the sweeper enqueues the task later. */
async function handOver(ports: SettlePorts, ended: QueuedTask): Promise<AttemptOutcome> {
  ports.logger.info({ taskId: ended.id, attempt: ended.attempt }, "the task is handed over");
  await ports.queue.enqueue([ended]).catch((error: unknown) => {
    ports.logger.warn({ ...errorFields(error), taskId: ended.id }, "a task could not be handed over");
  });
  return { kind: "HANDED_OVER" };
}
