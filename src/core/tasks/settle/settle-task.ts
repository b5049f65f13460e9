import { errorFields } from "../../../kernel/logger.ts";
import { toStorableText } from "../../../kernel/json.ts";
import { announce, recordEvent } from "../../events/record-event.ts";
import { announceNotifications } from "../../notifications/announcement.ts";
import type { Transaction } from "../../transactions/transaction.ts";
import { progressOf } from "../progress.ts";
import type { PostponedTasks } from "../postponed-tasks.ts";
import type { Settlement, TaskAttempts } from "../task-attempts.ts";
import { storableError } from "../task-error.ts";
import type { HookCalls } from "../hook-calls.ts";
import type { FinalStep } from "../task-hooks.ts";
import { FINAL_STEPS } from "../task-hooks.ts";
import type { TaskResults } from "../task-results.ts";
import type { TaskReads } from "../task-reads.ts";
import { findTask } from "../task-reads.ts";
import type { FinalStatus } from "../task-status.ts";
import type { Task } from "../task.ts";
import type { WaitingLine } from "../waiting-line.ts";
import type { Ending, SettleBy } from "./ending.ts";
import { passSlotOn } from "./enqueue-postponed.ts";
import { makeHookCall, makeKeptHookCall, stepsWithListeners } from "./final-hooks.ts";
import { promoteWaiting } from "./promote-waiting.ts";
import type { TaskPorts } from "./task-ports.ts";

/** The event of each final status. */
const EVENT_OF: Readonly<Record<FinalStatus, "COMPLETE" | "FAIL" | "CANCEL">> = {
  SUCCEEDED: "COMPLETE",
  PARTIAL: "COMPLETE",
  FAILED: "FAIL",
  CANCELLED: "CANCEL",
};

const HOOK_OF = { COMPLETE: "complete", FAIL: "fail", CANCEL: "cancel" } as const;

/** What settling needs. */
export type SettlePorts = TaskPorts<
  TaskReads &
    TaskAttempts &
    WaitingLine &
    HookCalls &
    Pick<TaskResults, "ownClaims"> &
    Pick<PostponedTasks, "giveSlots">
>;

type CleanPorts = Omit<
  TaskPorts<Pick<TaskReads, "find"> & TaskAttempts & Pick<PostponedTasks, "giveSlots">>,
  "hooks"
>;

/** A settlement about to be recorded. */
interface SettleRequest {
  readonly taskId: string;
  readonly kind: string;
  /** The attempt that settles; 0 when none has begun. */
  readonly attempt: number;
  readonly total: number | null;
  readonly settle: SettleBy;
  /** See Settlement. */
  readonly byAttempt?: boolean;
}

/** How a task was settled. */
export interface SettledTask {
  /** What was written, if the task is cleaned, too. */
  readonly cleaned?: Settlement;
}

/**
 * Records how a task ended, in one transaction with its event and the release of its locks: a reader of the event
 * finds the records free. Then cleans up, and promotes the tasks that waited for this one.
 * @returns undefined, with nothing written, if the task is settled already, or has begun a later attempt
 */
export async function settleTask(
  ports: SettlePorts,
  request: SettleRequest,
): Promise<SettledTask | undefined> {
  const { taskId, kind } = request;
  const quick = await settleQuickly(ports, request);
  if (quick !== undefined) {
    ports.onSettled?.(kind, quick.settlement.status);
  }
  if (quick?.hadLocks === true) {
    await promoteWaiting(ports, taskId).catch(leaveToSweeper(ports, taskId, UNPROMOTED));
  }
  if (quick !== undefined) {
    return { cleaned: quick.settlement };
  }
  const settlement = await ports.unitOfWork.run((transaction) =>
    writeSettlement(ports, transaction, request),
  );
  if (settlement === undefined) {
    return undefined;
  }
  ports.onSettled?.(kind, settlement.status);
  await callHooksAndClean(ports, taskId, settlement.hooks ?? []);
  await promoteWaiting(ports, taskId).catch(leaveToSweeper(ports, taskId, UNPROMOTED));
  return {};
}

/** The hook `cleanup` is called after the others, and after the task is cleaned, by this process or by the sweeper. */
async function callHooksAndClean(
  ports: SettlePorts,
  taskId: string,
  hooks: readonly FinalStep[],
): Promise<void> {
  for (const step of hooks.filter((each) => each !== "cleanup")) {
    await makeHookCall(ports, { taskId, step });
  }
  try {
    await cleanTask(ports, taskId);
  } catch (error) {
    leaveToSweeper(ports, taskId, "a settled task was left for the sweeper to clean")(error);
    return;
  }
  if (hooks.includes("cleanup")) {
    await makeKeptHookCall(ports, { taskId, step: "cleanup" });
  }
}

const UNPROMOTED = "the tasks that waited for a task were left for the sweeper";

function leaveToSweeper({ logger }: Pick<SettlePorts, "logger">, taskId: string, message: string) {
  return (error: unknown): void => logger.warn({ ...errorFields(error), taskId }, message);
}

/** Whether a task with this end may be settled and cleaned in one step: the end is known, and no code of the app's follows. */
export function isPlainEnd(
  ports: Pick<SettlePorts, "hooks">,
  kind: string,
  settle: SettleBy,
): settle is Ending {
  return (
    typeof settle !== "function" &&
    (settle.errors ?? []).length === 0 &&
    stepsWithListeners(ports, kind, FINAL_STEPS).length === 0
  );
}

/** @returns undefined, with nothing written, where the ordinary way has to decide */
async function settleQuickly(
  ports: SettlePorts,
  { taskId, kind, attempt, total, settle }: SettleRequest,
): Promise<{ readonly hadLocks: boolean; readonly settlement: Settlement } | undefined> {
  const { steps, clock } = ports;
  if (steps === undefined || !isPlainEnd(ports, kind, settle)) {
    return undefined;
  }
  const settlement = { ...storable(settle), total, finishedAt: clock.now() };
  const { counts, finishedAt: at, message, status } = settlement;
  const event = { taskId, type: EVENT_OF[status], at, progress: progressOf(total, counts), message };
  const quick = await steps.settle({ taskId, attempt, settlement, event });
  if (quick === undefined) {
    return undefined;
  }
  announce(ports, taskId);
  return { ...quick, settlement };
}

/**
 * Settles a task that no attempt runs, under its latest attempt.
 * @param task as it was read a moment ago
 * @returns false, with nothing written, when it was begun or settled meanwhile
 */
export async function settleUnattended(ports: SettlePorts, task: Task, settle: SettleBy): Promise<boolean> {
  const { id: taskId, kind, attempt, progress } = task;
  return (await settleTask(ports, { taskId, kind, attempt, total: progress.total, settle })) !== undefined;
}

/** A running task as a reader finds it after its settlement and its cleaning. */
export function cleanedTaskOf(task: Task, settlement: Settlement): Task {
  const { status, message, result, finishedAt, counts, total } = settlement;
  return {
    ...task,
    status,
    message,
    result,
    finishedAt,
    blockedBy: null,
    pauseRequestedAt: null,
    pauseRequestedBy: null,
    progress: progressOf(total ?? task.progress.total, counts),
    isCleaned: true,
  };
}

/**
 * Ends a settled task: locks that are left go, and CLEANUP is its last event.
 * @returns false when it was cleaned before, or is not settled
 */
export async function cleanTask(ports: CleanPorts, taskId: string): Promise<boolean> {
  const task = await findTask(ports.tasks, taskId);
  if (task === undefined) {
    return false;
  }
  const isCleaned = await ports.unitOfWork.run(async (transaction) => {
    const isFirst = await ports.tasks.markCleaned(transaction, taskId);
    if (isFirst) {
      await ports.locks.release(transaction, taskId);
      await recordEvent(ports, transaction, { taskId, type: "CLEANUP", progress: task.progress });
    }
    return isFirst;
  });
  if (isCleaned) {
    await passSlotOn(ports, task);
  }
  return isCleaned;
}

/** @returns how it was settled; undefined, with nothing written, where this attempt may not settle the task */
async function writeSettlement(
  ports: SettlePorts,
  transaction: Transaction,
  request: SettleRequest,
): Promise<Settlement | undefined> {
  const { taskId, attempt, total } = request;
  const settlement = await settlementOf(ports, transaction, request);
  const settled = settlement && (await ports.tasks.settle(transaction, taskId, attempt, settlement));
  if (settlement === undefined || settled === undefined) {
    return undefined;
  }
  announceNotifications(ports.bus, transaction, settled.notified);
  await ports.locks.release(transaction, taskId);
  await recordEvent(ports, transaction, {
    taskId,
    type: EVENT_OF[settlement.status],
    progress: progressOf(total, settlement.counts),
    message: settlement.message,
  });
  return settlement;
}

/** Undefined where the attempt is not the current one, or the task is settled. */
async function settlementOf(
  ports: SettlePorts,
  transaction: Transaction,
  { taskId, kind, attempt, total, settle, byAttempt = false }: SettleRequest,
): Promise<Settlement | undefined> {
  const complete = (ending: Ending): Settlement => ({
    ...storable(ending),
    total,
    finishedAt: ports.clock.now(),
    byAttempt,
    hooks: stepsWithListeners(ports, kind, [HOOK_OF[EVENT_OF[ending.status]], "cleanup"]),
  });
  if (typeof settle !== "function") {
    return complete(settle);
  }
  const done = await ports.tasks.lockDone(transaction, taskId, attempt);
  return done && complete(settle(done.counts));
}

/** The ending with texts that every store can keep. */
function storable(ending: Ending): Ending {
  const { message, errors } = ending;
  return {
    ...ending,
    message: message === null ? null : toStorableText(message),
    ...(errors === undefined ? {} : { errors: errors.map(storableError) }),
  };
}
