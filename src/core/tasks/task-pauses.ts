import type { Transaction } from "../transactions/transaction.ts";
import type { Progress } from "./progress.ts";
import type { StrandedTask } from "./stranded-tasks.ts";

/** Who asks for a pause, and when. */
export interface PauseRequest {
  readonly taskId: string;
  readonly at: Date;
  /** Id of the viewer; null for an anonymous one. */
  readonly by: string | null;
}

/** What became of an attempt that was to end for a pause. */
export type PauseResult =
  | { readonly kind: "PAUSED" }
  /** The request was taken back. The task is still RUNNING, and its next attempt may begin. */
  | { readonly kind: "WITHDRAWN" }
  /** The task is to be cancelled, which comes first. It is still RUNNING. */
  | { readonly kind: "CANCELLED" }
  /** The attempt is not the current one, or does not run any more. */
  | { readonly kind: "FENCED" };

/** The tasks that are PAUSED, or are to be. Their locks stay as they are. */
export interface TaskPauses {
  /** From PENDING to PAUSED. False unless it is PENDING. */
  pausePending(transaction: Transaction, request: PauseRequest): Promise<boolean>;
  /**
   * Notes that a RUNNING task is to pause; asking again changes nothing. Waits for no writer.
   * @returns false where the task is not RUNNING
   */
  requestPause(request: PauseRequest): Promise<boolean>;
  /**
   * From RUNNING to PAUSED, as was asked for: the attempt is over, and fenced. In a transaction that has locked the task
   * (see TaskAttempts.lockDone), so that no chunk is being committed. A request to cancel, or to resume, comes either
   * before this or after it.
   * @param end.progress shown while the task is PAUSED
   */
  pauseRunning(
    transaction: Transaction,
    end: {
      readonly taskId: string;
      readonly attempt: number;
      readonly at: Date;
      readonly progress: Progress;
    },
  ): Promise<PauseResult>;
  /** Takes the request back. False where there is none, or the task is PAUSED already. */
  withdrawPause(taskId: string): Promise<boolean>;
  /** From PAUSED to PENDING, to be enqueued. Undefined unless it is PAUSED. */
  resume(transaction: Transaction, taskId: string): Promise<StrandedTask | undefined>;
}
