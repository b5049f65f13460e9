import { AppError, isAppError } from "../../../kernel/app-error.ts";
import type { RenewedViewer, RenewViewer } from "../../access/renew-viewer.ts";
import type { ClaimOf } from "../../locks/claim.ts";
import type { LaunchInside } from "../../locks/open-write.ts";
import { createFailureLog } from "../../../kernel/logger.ts";
import { announce, recordEvent } from "../../events/record-event.ts";
import { encodeAnnouncement, TASK_TOPIC } from "../../events/task-announcement.ts";
import { putBackEarly } from "../settle/enqueue-postponed.ts";
import type { SettlePorts } from "../settle/settle-task.ts";
import { isPlainEnd } from "../settle/settle-task.ts";
import type { TaskPorts } from "../settle/task-ports.ts";
import type { Progress } from "../progress.ts";
import type { Attempt } from "../task-attempts.ts";
import type { TaskDefinition, TaskDefinitions } from "../task-definition.ts";
import { callHook } from "../task-hooks.ts";
import type { TaskPauses } from "../task-pauses.ts";
import type { QueuedTask } from "../task-queue.ts";
import type { PostponedTasks } from "../postponed-tasks.ts";
import type { AttemptEnd } from "./attempt-end.ts";
import { endOfError, endOfResult, endOfViewer } from "./attempt-end.ts";
import type { AwaitKindPorts } from "./await-kind.ts";
import { awaitKind } from "./await-kind.ts";
import type { AttemptOutcome } from "./conclude-attempt.ts";
import { concludeAttempt, giveUp } from "./conclude-attempt.ts";
import type { Lease } from "./lease.ts";
import { keepLease } from "./lease.ts";
import type { ProgressReporter } from "./progress-reporter.ts";
import { createProgressReporter } from "./progress-reporter.ts";
import { retryDelayOf } from "./retry-attempt.ts";
import type { RunningAttempts } from "./running-attempts.ts";
import { cancelled, paused } from "./running-attempts.ts";
import type { TaskRunOptions } from "./task-context.ts";
import { outsideTask, runInTask } from "./task-context.ts";
import { withTimeLimit } from "./time-limit.ts";
import type { Task } from "../task.ts";
import type { Waiter } from "./waiting-attempt.ts";
import { untilFree, untilSettled } from "./waiting-attempt.ts";

type AttemptStore = SettlePorts["tasks"] & TaskPauses & PostponedTasks;

/** What running an attempt needs. */
export interface AttemptPorts extends TaskPorts<AttemptStore>, AwaitKindPorts {
  readonly tasks: AttemptStore;
  /** Checks what code inside a task registers. */
  readonly claimOf: ClaimOf;
  /** Launches tasks for code inside a task. */
  readonly launch: LaunchInside;
  readonly definitions: TaskDefinitions;
  readonly runningAttempts: Pick<RunningAttempts, "add">;
  /** Says how a task's viewer is now. Default: as when the task was launched. */
  readonly renewViewer?: RenewViewer | undefined;
  /** See AttemptContext. */
  readonly isWithinLaunch?: boolean;
  /** The worker's name in the attempt's row: host, process, and a random part. */
  readonly workerId: string;
  /** How long an attempt may be silent before it counts as orphaned. */
  readonly leaseMs: number;
  /** After this many attempts a task is not begun again. */
  readonly maxAttempts: number;
  /** The least time between two publications of progress. */
  readonly progressIntervalMs: number;
}

/**
 * Runs the next attempt of a task, whole: begin, handle, settle. A task that has had {@link AttemptPorts.maxAttempts} is
 * only settled.
 * @param freeSlot called once only the engine's own work is left, so that the caller may run the next one beside it
 */
export function executeAttempt(
  ports: AttemptPorts,
  delivery: QueuedTask,
  freeSlot?: () => void,
): Promise<AttemptOutcome> {
  // The caller may be inside another task, which waits for this one or launched it.
  return outsideTask(() => runDelivery(ports, delivery, freeSlot));
}

/**
 * Runs an attempt that has begun, with its START announced: handle, settle. Its viewer has launched it just now, so nothing is
 * asked about it again.
 */
export function executeBegun(ports: AttemptPorts, attempt: Attempt): Promise<AttemptOutcome> {
  return outsideTask(() => runAttempt({ ...ports, renewViewer: undefined, isWithinLaunch: true }, attempt));
}

async function runDelivery(
  ports: AttemptPorts,
  delivery: QueuedTask,
  freeSlot?: () => void,
): Promise<AttemptOutcome> {
  if (await putBackEarly(ports, delivery)) {
    return { kind: "POSTPONED" };
  }
  if (await giveUp(ports, delivery, ports.maxAttempts)) {
    return { kind: "SETTLED" };
  }
  const attempt = (await beginQuickly(ports, delivery)) ?? (await beginAttempt(ports, delivery));
  if (attempt === undefined) {
    return { kind: (await awaitKind(ports, delivery)) ? "POSTPONED" : "NOT_BEGUN" };
  }
  return runAttempt(ports, attempt, freeSlot);
}

async function runAttempt(
  ports: AttemptPorts,
  attempt: Attempt,
  freeSlot?: () => void,
): Promise<AttemptOutcome> {
  const { id: taskId, cancelRequestedAt, pauseRequestedAt } = attempt.task;
  const controller = new AbortController();
  const stop = (reason: AppError): void => controller.abort(reason);
  const { reporter, lease } = startReporting(ports, attempt, stop);
  const leave = ports.runningAttempts.add(taskId, {
    stop,
    onHelp: (help) => help.attempt === attempt.number && reporter.report(help.counts, help.message),
  });
  if (cancelRequestedAt !== null) {
    stop(cancelled());
  } else if (pauseRequestedAt !== null) {
    stop(paused());
  }
  try {
    await callHook(ports, "start", attempt.task, { attempt: attempt.number });
    const end = await handle(ports, attempt, reporter, controller.signal);
    if (end.kind === "PAUSED") {
      // Nothing may store progress any more: what is shown of a paused task is what it has committed.
      reporter.stop();
      await lease.end();
    }
    if (end.kind === "ENDED" && isPlainEnd(ports, attempt.task.kind, end.settle)) {
      freeSlot?.();
    }
    return await concludeAttempt(ports, attempt, reporter.current(), end);
  } finally {
    void lease.end();
    leave();
    reporter.stop();
  }
}

/** @returns undefined, with nothing written, where the ordinary way has to decide */
async function beginQuickly(ports: AttemptPorts, { id, attempt }: QueuedTask): Promise<Attempt | undefined> {
  const { steps, workerId, clock, definitions } = ports;
  const begin = { taskId: id, workerId, at: clock.now(), kinds: definitions.kinds };
  const begun = attempt === 0 ? await steps?.begin(begin) : undefined;
  if (begun !== undefined) {
    announce(ports, id);
  }
  return begun;
}

function beginAttempt(ports: AttemptPorts, delivery: QueuedTask): Promise<Attempt | undefined> {
  return ports.unitOfWork.run(async (transaction) => {
    const attempt = await ports.tasks.beginAttempt(transaction, {
      taskId: delivery.id,
      expectedAttempt: delivery.attempt,
      workerId: ports.workerId,
      at: ports.clock.now(),
      kinds: ports.definitions.kinds,
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

/** Renews the lease, and sends the progress to subscribers and, with the lease, to the store. */
function startReporting(
  ports: AttemptPorts,
  attempt: Attempt,
  stop: (reason: AppError) => void,
): { readonly reporter: ProgressReporter; readonly lease: Lease } {
  const { id: taskId, progress } = attempt.task;
  const { clock, leaseMs } = ports;
  const publish = createPublisher(ports, attempt);
  const lease = keepLease(ports, { taskId, number: attempt.number, leaseMs }, () => reporter.current(), {
    stop,
    // Who began to watch before the store had it has missed it, and may wait long for the next.
    stored: publish,
  });
  const reporter = createProgressReporter({
    clock,
    total: progress.total,
    start: progress,
    outlets: [
      {
        intervalMs: ports.progressIntervalMs,
        send(now) {
          void callHook(ports, "progress", attempt.task, { attempt: attempt.number, progress: now });
          publish(now);
        },
      },
      lease.outlet,
    ],
  });
  return { reporter, lease };
}

/** @returns sends progress to the subscribers; it waits for nothing */
function createPublisher(ports: AttemptPorts, { task, number }: Attempt): (progress: Progress) => void {
  const failures = createFailureLog(ports.logger, "publishing progress");
  const about = { taskId: task.id, attempt: number };
  return (progress) => {
    const at = ports.clock.now().toISOString();
    ports.bus
      .publish(TASK_TOPIC, encodeAnnouncement({ kind: "PROGRESS", ...about, at, progress }))
      .then(failures.worked)
      .catch((error: unknown) => failures.failed(error, { taskId: task.id }));
  };
}

async function handle(
  ports: AttemptPorts,
  { task, number }: Attempt,
  reporter: ProgressReporter,
  signal: AbortSignal,
): Promise<AttemptEnd> {
  const definition = ports.definitions.get(task.kind);
  try {
    signal.throwIfAborted();
    const renewed = await renewTask(ports, task, signal);
    if (renewed.kind === "ENDED") {
      return endOfViewer(renewed, reporter.current());
    }
    const { task: current } = renewed;
    const run = nestedRun(ports, { task: current, number }, definition, signal, {
      report: (counts, message) => outsideTask(() => reporter.report(counts, message)),
      total: reporter,
    });
    const result = await runInTask(run, () =>
      definition.handle({
        task: current,
        attempt: number,
        isWithinLaunch: ports.isWithinLaunch,
        signal,
        untilFree: run.untilFree,
        reportProgress: (counts, message) => outsideTask(() => reporter.report(counts, message)),
        setTotal: reporter.setTotal,
        askForHelp: (count) => askForHelp(ports, { id: task.id, attempt: number }, count),
      }),
    );
    return endOfResult(result, reporter.current());
  } catch (error) {
    // After a request to stop, every error counts as the stop.
    const reason: unknown = signal.aborted ? signal.reason : error;
    return endOfError(reason, reporter.current(), retryDelayOf(definition.own?.retries, task.failures));
  }
}

/** How long the app may take to say how a viewer is now, in ms. */
const RENEWAL_LIMIT_MS = 30_000;

/**
 * The task, with its viewer as it is now; or why that viewer may not act any more.
 * @throws AppError UNAVAILABLE where that cannot be found out now; the signal's reason
 */
export async function renewTask(
  { renewViewer, clock }: Pick<AttemptPorts, "renewViewer" | "clock">,
  task: Task,
  signal: AbortSignal,
): Promise<{ readonly kind: "RENEWED"; readonly task: Task } | Extract<RenewedViewer, { kind: "ENDED" }>> {
  const asked = renewViewer?.({ viewer: task.viewer, taskId: task.id });
  if (asked === undefined) {
    return { kind: "RENEWED", task };
  }
  const renewed = await withTimeLimit({ clock, signal, limitMs: RENEWAL_LIMIT_MS }, () => asked).catch(
    (error: unknown) => {
      throw isAppError(error, "TIMED_OUT")
        ? new AppError("UNAVAILABLE", "The viewer of the task is not known in time.", { cause: error })
        : error;
    },
  );
  return renewed.kind === "ENDED" ? renewed : { kind: "RENEWED", task: { ...task, viewer: renewed.viewer } };
}

/**
 * What code inside an attempt, or inside a helper of it, can do for the task.
 * @param outlets.report adds to the attempt's counts, and shows a message
 * @param outlets.total left out for helpers
 */
export function nestedRun(
  ports: AttemptPorts,
  { task, number: attempt }: Attempt,
  definition: TaskDefinition,
  signal: AbortSignal,
  {
    report,
    total,
  }: {
    readonly report: TaskRunOptions["report"];
    readonly total?: Pick<ProgressReporter, "current" | "setTotal">;
  },
): TaskRunOptions {
  const waiter: Waiter = {
    taskId: task.id,
    attempt,
    signal,
    say: (message) => report({}, message),
    run: async (delivery) => (await executeAttempt(ports, delivery)).kind === "SETTLED",
  };
  return {
    ports,
    task,
    attempt,
    signal,
    // The counts of the engine's own kinds are those of their records.
    report: (counts, message) => report(definition.own === undefined ? {} : counts, message),
    addTotal(count) {
      const known = total?.current().total ?? null;
      if (definition.own !== undefined && known !== null) {
        total?.setTotal(known + count);
      }
    },
    untilFree: (refusal) => untilFree(ports, waiter, refusal),
    untilSettled: (taskId) => untilSettled(ports, waiter, taskId),
  };
}

/** Helpers come when a worker has a slot for them, or not at all: the attempt does the rest of the work. */
async function askForHelp(ports: AttemptPorts, attempt: QueuedTask, count: number): Promise<void> {
  const helpers = Array.from({ length: count }, (_, at) => ({ ...attempt, helper: at + 1 }));
  await ports.queue.enqueue(helpers).catch((error: unknown) => {
    ports.logger.warn({ err: error, taskId: attempt.id }, "a task could not be shared with other workers");
  });
}
