import type { AppError } from "../../kernel/app-error.ts";
import { isAppError } from "../../kernel/app-error.ts";
import { errorFields } from "../../kernel/error-fields.ts";
import { createFailureLog } from "../../kernel/failure-log.ts";
import { encodeAnnouncement, TASK_TOPIC } from "../events/task-announcement.ts";
import type { AttemptEnd } from "./attempt-end.ts";
import { endOfError, endOfResult, endOfUnsettled } from "./attempt-end.ts";
import { giveUp } from "./give-up.ts";
import { keepLease } from "./lease.ts";
import type { Progress } from "./progress.ts";
import { createProgressReporter } from "./progress-reporter.ts";
import type { ProgressReporter } from "./progress-reporter.ts";
import { recordEvent } from "./record-event.ts";
import type { RunningAttempts } from "./running-attempts.ts";
import { cancelled } from "./running-attempts.ts";
import type { SettleBy } from "./settle-task.ts";
import { settleTask } from "./settle-task.ts";
import type { TaskDefinitions } from "./task-definition.ts";
import { callHook, tellProgress } from "./task-hooks.ts";
import type { TaskPorts } from "./task-ports.ts";
import type { QueuedTask } from "./task-queue.ts";
import type { Attempt } from "./task-store.ts";

/** Everything that running an attempt needs. */
export interface AttemptPorts extends TaskPorts {
  readonly definitions: TaskDefinitions;
  readonly runningAttempts: Pick<RunningAttempts, "add">;
  /** Who runs it, for the record: host, process, and a random part. */
  readonly workerId: string;
  /** How long an attempt may be silent before it counts as orphaned. */
  readonly leaseMs: number;
  /** A task that was begun so often is not begun again. */
  readonly maxAttempts: number;
  /** The least time between two publications of progress. */
  readonly progressIntervalMs: number;
}

/**
 * What became of a delivery: the task was settled; another delivery has it or it is settled already; another
 * attempt took it over; it went back to the queue because this process stops; or the store went away, and the
 * sweeper will have the task tried again.
 */
export type AttemptOutcome = "SETTLED" | "NOT_BEGUN" | "FENCED" | "HANDED_OVER" | "ABANDONED";

/** Runs the next attempt of a task, whole: begin, handle, settle. One that has had enough of them is only settled. */
export async function executeAttempt(ports: AttemptPorts, delivery: QueuedTask): Promise<AttemptOutcome> {
  if (await giveUp(ports, delivery, ports.maxAttempts)) {
    return "SETTLED";
  }
  const attempt = await beginAttempt(ports, delivery);
  if (attempt === undefined) {
    return "NOT_BEGUN";
  }
  const { id: taskId, cancelRequestedAt } = attempt.task;
  const controller = new AbortController();
  const stop = (reason: AppError): void => controller.abort(reason);
  const reporter = createReporter(ports, attempt);
  const leave = ports.runningAttempts.add(taskId, {
    stop,
    onHelp: (help) => help.attempt === attempt.number && reporter.report(help.counts),
  });
  const endLease = keepLease(
    ports,
    { taskId, number: attempt.number },
    ports.leaseMs,
    reporter.current,
    stop,
  );
  if (cancelRequestedAt !== null) {
    stop(cancelled());
  }
  try {
    await callHook(ports, "start", taskId);
    const end = await handle(ports, attempt, reporter, controller.signal);
    return await conclude(ports, attempt, reporter, end);
  } finally {
    endLease();
    leave();
    reporter.stop();
  }
}

function beginAttempt(ports: AttemptPorts, delivery: QueuedTask): Promise<Attempt | undefined> {
  return ports.unitOfWork.run(async (transaction) => {
    const attempt = await ports.tasks.beginAttempt(transaction, {
      taskId: delivery.id,
      expectedAttempt: delivery.attempt,
      workerId: ports.workerId,
      at: ports.clock.now(),
    });
    if (attempt !== undefined) {
      await recordEvent(ports, transaction, {
        taskId: delivery.id,
        type: "START",
        progress: attempt.task.progress,
        message: attempt.number === 1 ? null : `attempt ${attempt.number}`,
      });
    }
    return attempt;
  });
}

function createReporter(ports: AttemptPorts, attempt: Attempt): ProgressReporter {
  const { id: taskId, progress } = attempt.task;
  const failures = createFailureLog(ports.logger, "publishing progress");
  return createProgressReporter({
    clock: ports.clock,
    total: progress.total,
    start: progress,
    intervalMs: ports.progressIntervalMs,
    publish(now) {
      tellProgress(ports, { taskId, attempt: attempt.number, progress: now });
      const at = ports.clock.now().toISOString();
      const message = encodeAnnouncement({
        kind: "PROGRESS",
        taskId,
        attempt: attempt.number,
        at,
        progress: now,
      });
      ports.bus
        .publish(TASK_TOPIC, message)
        .then(failures.worked)
        .catch((error: unknown) => failures.failed(error, { taskId }));
    },
  });
}

async function handle(
  ports: AttemptPorts,
  { task, number }: Attempt,
  reporter: ProgressReporter,
  signal: AbortSignal,
): Promise<AttemptEnd> {
  try {
    signal.throwIfAborted();
    const result = await ports.definitions.get(task.kind).handle({
      task,
      attempt: number,
      signal,
      reportProgress: reporter.report,
      setTotal: reporter.setTotal,
      askForHelp: (count) => askForHelp(ports, { id: task.id, attempt: number }, count),
    });
    return endOfResult(result, reporter.current());
  } catch (error) {
    // Whatever a handler throws once it was told to stop, that is why.
    return endOfError(signal.aborted ? signal.reason : error, reporter.current());
  }
}

/** Helpers come when a worker has a slot for them, or not at all: the attempt does what is left of the work. */
async function askForHelp(ports: AttemptPorts, attempt: QueuedTask, count: number): Promise<void> {
  const helpers = Array.from({ length: count }, (_, at) => ({ ...attempt, helper: at + 1 }));
  await ports.queue.enqueue(helpers).catch((error: unknown) => {
    ports.logger.warn({ err: error, taskId: attempt.id }, "a task could not be shared with other workers");
  });
}

async function conclude(
  ports: AttemptPorts,
  { task, number }: Attempt,
  reporter: ProgressReporter,
  end: AttemptEnd,
): Promise<AttemptOutcome> {
  const { id: taskId } = task;
  switch (end.kind) {
    case "FENCED":
      ports.logger.warn({ taskId, attempt: number }, "the attempt was fenced and stopped");
      return "FENCED";
    case "ABANDONED":
      ports.logger.warn(
        { ...errorFields(end.cause), taskId },
        "the attempt was abandoned: a store is out of reach",
      );
      return "ABANDONED";
    case "HANDED_OVER":
      return handOver(ports, { id: taskId, attempt: number });
    case "ENDED": {
      if (end.cause !== undefined && !isAppError(end.cause, "CANCELLED")) {
        ports.logger.error({ err: end.cause, taskId }, "a task's handler threw");
      }
      const isSettled = await settle(ports, { taskId, attempt: number }, reporter.current(), end.settle);
      return isSettled ? "SETTLED" : "FENCED";
    }
  }
}

/**
 * Whatever the store has against how the attempt ended, the task is settled: another attempt would come to the same end,
 * and hold the locks meanwhile. Only a store that is out of reach leaves it to one.
 */
async function settle(
  ports: AttemptPorts,
  attempt: { readonly taskId: string; readonly attempt: number },
  progress: Progress,
  by: SettleBy,
): Promise<boolean> {
  const request = { ...attempt, total: progress.total, settle: by };
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
    // It may have lost a race, such as a deadlock: nothing of it was done then.
    return await settleTask(ports, request);
  } catch (error) {
    unlessUnavailable(error);
    ports.logger.error({ err: error, taskId: attempt.taskId }, "how a task ended could not be recorded");
    return settleTask(ports, { ...request, settle: endOfUnsettled(progress) });
  }
}

/** The next attempt may begin at once. Should the queue be out of reach, the sweeper brings it about later. */
async function handOver(ports: AttemptPorts, ended: QueuedTask): Promise<AttemptOutcome> {
  ports.logger.info({ taskId: ended.id, attempt: ended.attempt }, "the task is handed over");
  await ports.queue.enqueue([ended]).catch((error: unknown) => {
    ports.logger.warn({ ...errorFields(error), taskId: ended.id }, "a task could not be handed over");
  });
  return "HANDED_OVER";
}
