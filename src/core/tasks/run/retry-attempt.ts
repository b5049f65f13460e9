import { isAppError } from "../../../kernel/app-error.ts";
import { toStorableText } from "../../../kernel/json.ts";
import { errorFields } from "../../../kernel/logger.ts";
import { recordEvent } from "../../events/record-event.ts";
import type { TaskRetries } from "../define-task.ts";
import type { PostponedTasks, PostponeResult } from "../postponed-tasks.ts";
import type { Progress } from "../progress.ts";
import { stoppedEnd } from "../settle/ending.ts";
import { enqueuePostponed, passSlotOn } from "../settle/enqueue-postponed.ts";
import type { SettlePorts } from "../settle/settle-task.ts";
import { settleUnattended } from "../settle/settle-task.ts";
import type { Attempt } from "../task-attempts.ts";
import { findTask } from "../task-reads.ts";

const DEFAULT_DELAY_MS = 1000;
const DEFAULT_MAX_DELAY_MS = 3_600_000;

/** The delay before the next attempt, in ms; undefined where there is none. @param failures of earlier attempts */
export function retryDelayOf(retries: TaskRetries | undefined, failures: number): number | undefined {
  if (retries === undefined || failures >= retries.max) {
    return undefined;
  }
  const { backoff = "exponential", delayMs = DEFAULT_DELAY_MS, maxDelayMs = DEFAULT_MAX_DELAY_MS } = retries;
  return Math.min(maxDelayMs, backoff === "fixed" ? delayMs : delayMs * 2 ** failures);
}

/** An attempt that failed, and is followed by another one. */
interface FailedAttempt {
  readonly attempt: Attempt;
  readonly progress: Progress;
  readonly delayMs: number;
  /** Why it failed. */
  readonly message: string;
}

/** What a failed attempt needs. */
export type RetryPorts = SettlePorts & { readonly tasks: PostponedTasks };

/**
 * Puts a task whose attempt failed back to PENDING, with its locks, and enqueues its next attempt with the delay. Where it
 * was asked to stop meanwhile, it is CANCELLED instead.
 */
export async function postponeAttempt(ports: RetryPorts, failed: FailedAttempt): Promise<PostponeResult> {
  const { id: taskId } = failed.attempt.task;
  const until = new Date(ports.clock.now().getTime() + failed.delayMs);
  const result = await write(ports, failed, until).catch((error: unknown) => {
    if (isAppError(error, "UNAVAILABLE")) {
      throw error;
    }
    // It may have lost a race, such as a deadlock, and was rolled back.
    return write(ports, failed, until);
  });
  if (result.kind !== "POSTPONED") {
    return result;
  }
  const leaveToSweeper = (error: unknown): void =>
    ports.logger.warn({ ...errorFields(error), taskId }, "a postponed task was left for the sweeper");
  const { number: attempt } = failed.attempt;
  await enqueuePostponed(ports, { id: taskId, attempt, until }).catch(leaveToSweeper);
  await passSlotOn(ports, failed.attempt.task).catch(leaveToSweeper);
  await stopIfAsked(ports, taskId).catch(leaveToSweeper);
  return result;
}

function write(
  ports: RetryPorts,
  { attempt: { task, number }, progress, message }: FailedAttempt,
  until: Date,
): Promise<PostponeResult> {
  return ports.unitOfWork.run(async (transaction) => {
    const request = { taskId: task.id, attempt: number, until };
    const result = await ports.tasks.postpone(transaction, request);
    if (result.kind === "POSTPONED") {
      await recordEvent(ports, transaction, {
        taskId: task.id,
        type: "POSTPONE",
        progress,
        message: toStorableText(message),
      });
    }
    return result;
  });
}

/** A request to stop that came while the task was being postponed found it RUNNING, and no attempt hears of it. */
async function stopIfAsked(ports: RetryPorts, taskId: string): Promise<void> {
  const task = await findTask(ports.tasks, taskId);
  if (task?.status === "PENDING" && task.cancelRequestedAt !== null) {
    await settleUnattended(ports, task, (done) => stoppedEnd(task.progress, done));
  }
}
