import { isAppError } from "../../kernel/app-error.ts";
import { encodeAnnouncement, TASK_TOPIC } from "../events/task-announcement.ts";
import { keepLease } from "./lease.ts";
import type { Counts } from "./progress.ts";
import { NO_COUNTS } from "./progress.ts";
import { createProgressReporter } from "./progress-reporter.ts";
import type { ProgressReporter } from "./progress-reporter.ts";
import { recordEvent } from "./record-event.ts";
import { settleTask, statusOfCounts } from "./settle-task.ts";
import type { HandlerResult, TaskDefinitions } from "./task-definition.ts";
import type { TaskPorts } from "./task-ports.ts";
import type { QueuedTask } from "./task-queue.ts";
import type { Attempt, Settlement } from "./task-store.ts";

/** Everything that running an attempt needs. */
export interface AttemptPorts extends Omit<TaskPorts, "queue"> {
  readonly definitions: TaskDefinitions;
  /** Who runs it, for the record: host, process, and a random part. */
  readonly workerId: string;
  /** How long an attempt may be silent before it counts as orphaned. */
  readonly leaseMs: number;
  /** The least time between two publications of progress. */
  readonly progressIntervalMs: number;
}

/**
 * What became of a delivery: the task was settled; another delivery has it or it is settled already; another
 * attempt took it over; or the store went away, and the sweeper will have the task tried again.
 */
export type AttemptOutcome = "SETTLED" | "NOT_BEGUN" | "FENCED" | "ABANDONED";

/** Runs the next attempt of a task, whole: begin, handle, settle. */
export async function executeAttempt(ports: AttemptPorts, delivery: QueuedTask): Promise<AttemptOutcome> {
  const attempt = await beginAttempt(ports, delivery);
  if (attempt === undefined) {
    return "NOT_BEGUN";
  }
  const reporter = createReporter(ports, attempt);
  const lease = keepLease(
    ports,
    { taskId: delivery.id, number: attempt.number },
    ports.leaseMs,
    reporter.current,
  );
  try {
    const settlement = await handle(ports, attempt, reporter, lease.signal);
    if (settlement === undefined) {
      return lease.signal.aborted ? "FENCED" : "ABANDONED";
    }
    const { total } = reporter.current();
    const isSettled = await settleTask(ports, {
      taskId: delivery.id,
      attempt: attempt.number,
      total,
      settlement,
    });
    return isSettled ? "SETTLED" : "FENCED";
  } finally {
    lease.stop();
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
  return createProgressReporter({
    clock: ports.clock,
    total: progress.total,
    start: progress,
    intervalMs: ports.progressIntervalMs,
    publish(now) {
      const at = ports.clock.now().toISOString();
      const message = encodeAnnouncement({
        kind: "PROGRESS",
        taskId,
        attempt: attempt.number,
        at,
        progress: now,
      });
      ports.bus.publish(TASK_TOPIC, message).catch((error: unknown) => {
        ports.logger.warn({ err: error, taskId }, "progress could not be published");
      });
    },
  });
}

/** The settlement, or undefined when this attempt must leave the task to another. */
async function handle(
  ports: AttemptPorts,
  attempt: Attempt,
  reporter: ProgressReporter,
  signal: AbortSignal,
): Promise<(Settlement & { counts: Counts }) | undefined> {
  const { task } = attempt;
  try {
    const result = await ports.definitions.get(task.kind).handle({
      task,
      attempt: attempt.number,
      signal,
      reportProgress: reporter.report,
      setTotal: reporter.setTotal,
    });
    return settlementOf(ports, result, result.counts ?? countsOf(reporter));
  } catch (error) {
    if (signal.aborted || isAppError(error, "ATTEMPT_FENCED")) {
      ports.logger.warn({ taskId: task.id, attempt: attempt.number }, "the attempt was fenced and stopped");
      return undefined;
    }
    if (isAppError(error, "UNAVAILABLE")) {
      ports.logger.warn(
        { err: error, taskId: task.id },
        "the attempt was abandoned: a store is out of reach",
      );
      return undefined;
    }
    const isRolledBack = isAppError(error) && error.details["isRolledBack"] === true;
    return failureOf(ports, error, task.id, isRolledBack ? NO_COUNTS : countsOf(reporter));
  }
}

function countsOf(reporter: ProgressReporter): Counts {
  const { succeeded, failed, skipped } = reporter.current();
  return { succeeded, failed, skipped };
}

function settlementOf(
  ports: AttemptPorts,
  result: HandlerResult,
  counts: Counts,
): Settlement & { counts: Counts } {
  return {
    status: result.failure === undefined ? statusOfCounts(counts) : "FAILED",
    message: result.message ?? null,
    result: result.result ?? null,
    finishedAt: ports.clock.now(),
    counts,
    ...(result.failure === undefined ? {} : { errors: result.failure.errors }),
  };
}

function failureOf(
  ports: AttemptPorts,
  error: unknown,
  taskId: string,
  counts: Counts,
): Settlement & { counts: Counts } {
  ports.logger.error({ err: error, taskId }, "a task's handler threw");
  return {
    status: "FAILED",
    message: error instanceof Error ? error.message : String(error),
    result: null,
    finishedAt: ports.clock.now(),
    counts,
  };
}
