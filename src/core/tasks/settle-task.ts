import { errorFields } from "../../kernel/error-fields.ts";
import { toStorableText } from "../../kernel/storable-text.ts";
import { cleanTask } from "./clean-task.ts";
import type { Counts } from "./progress.ts";
import { progressOf } from "./progress.ts";
import { promoteWaiting } from "./promote-waiting.ts";
import { recordEvent } from "./record-event.ts";
import { storableError } from "./task-error.ts";
import { callHook } from "./task-hooks.ts";
import type { TaskPorts } from "./task-ports.ts";
import type { FinalStatus } from "./task-status.ts";
import type { Settlement } from "./task-store.ts";
import type { Transaction } from "../transactions/transaction.ts";

/** The event that tells of each final status. */
const EVENT_OF: Readonly<Record<FinalStatus, "COMPLETE" | "FAIL" | "CANCEL">> = {
  SUCCEEDED: "COMPLETE",
  PARTIAL: "COMPLETE",
  FAILED: "FAIL",
  CANCELLED: "CANCEL",
};

const HOOK_OF = { COMPLETE: "complete", FAIL: "fail", CANCEL: "cancel" } as const;

/** How a task ends, without when. */
export type Ending = Omit<Settlement, "finishedAt" | "total">;

/** How a task ends: known, or to be told from what its chunks certainly did (null for a task without chunks). */
export type SettleBy = Ending | ((done: Counts | null) => Ending);

/** A settlement about to be recorded. */
export interface SettleRequest {
  readonly taskId: string;
  /** The attempt that settles; 0 when none has begun. */
  readonly attempt: number;
  readonly total: number | null;
  readonly settle: SettleBy;
}

/**
 * Records how a task ended, in one transaction with its event and the release of its locks: whoever sees the event
 * finds the records free. Then cleans up, and lets those go on who waited for it.
 * @returns false, with nothing written, when the task is settled already or a later attempt has it
 */
export async function settleTask(ports: TaskPorts, request: SettleRequest): Promise<boolean> {
  const { taskId } = request;
  const status = await ports.unitOfWork.run(async (transaction) => {
    const settlement = await settlementOf(ports, transaction, request);
    if (settlement === undefined) {
      return undefined;
    }
    if (!(await ports.tasks.settle(transaction, taskId, request.attempt, settlement))) {
      return undefined;
    }
    await ports.locks.release(transaction, taskId);
    await recordEvent(ports, transaction, {
      taskId,
      type: EVENT_OF[settlement.status],
      progress: progressOf(request.total, settlement.counts),
      message: settlement.message,
    });
    return settlement.status;
  });
  if (status !== undefined) {
    await callHook(ports, HOOK_OF[EVENT_OF[status]], taskId);
    // The sweeper makes up for it should this fail.
    await cleanTask(ports, taskId).catch((error: unknown) => {
      ports.logger.warn(
        { ...errorFields(error), taskId },
        "a settled task was left for the sweeper to clean",
      );
    });
    await promoteWaiting(ports, taskId).catch((error: unknown) => {
      ports.logger.warn(
        { ...errorFields(error), taskId },
        "those who waited for a task were left for the sweeper",
      );
    });
  }
  return status !== undefined;
}

/** Undefined where there is nothing to settle for this attempt. */
async function settlementOf(
  { tasks, clock }: TaskPorts,
  transaction: Transaction,
  { taskId, attempt, total, settle }: SettleRequest,
): Promise<Settlement | undefined> {
  const common = { total, finishedAt: clock.now() };
  if (typeof settle !== "function") {
    return { ...storable(settle), ...common };
  }
  const done = await tasks.lockDone(transaction, taskId, attempt);
  return done && { ...storable(settle(done.counts)), ...common };
}

/** With texts that every store can keep. */
function storable(ending: Ending): Ending {
  const { message, errors } = ending;
  return {
    ...ending,
    message: message === null ? null : toStorableText(message),
    ...(errors === undefined ? {} : { errors: errors.map(storableError) }),
  };
}

/** The final status that the counts tell: a task all of whose tried records failed is FAILED. */
export function statusOfCounts(counts: Counts): FinalStatus {
  if (counts.failed === 0) {
    return "SUCCEEDED";
  }
  return counts.succeeded > 0 ? "PARTIAL" : "FAILED";
}
