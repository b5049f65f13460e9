import type { Claim } from "../locks/claim.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { StrandedTask } from "./stranded-tasks.ts";
import type { Task } from "./task.ts";

/** A task that waits in line. */
export interface WaitingTask extends StrandedTask {
  /** Whether it may change records besides its own. They are read again when its turn comes. */
  readonly hasDependents: boolean;
}

/** A task in line that waits for nobody any more. */
export interface UnblockedTask extends WaitingTask {
  /** When the task that it waited for was settled; null where that is deleted. */
  readonly unblockedAt: Date | null;
}

/** A task that waits no more. It has waited since it was launched. */
export type EndedWaiting = Pick<Task, "kind" | "createdAt">;

/** The tasks that are WAITING, and the tasks that they wait for. */
export interface WaitingLine {
  /** Replaces the task's claims on dependent records. */
  setDependents(transaction: Transaction, taskId: string, claims: readonly Claim[]): Promise<void>;
  /**
   * Makes the task WAITING for another one; for a WAITING task, changes which one. False unless it is PENDING or
   * WAITING.
   */
  startWaiting(transaction: Transaction, taskId: string, blockedBy: string): Promise<boolean>;
  /** Keeps others from changing the task until the transaction ends. False unless it is WAITING. */
  lockWaiting(transaction: Transaction, taskId: string): Promise<boolean>;
  /** From WAITING to PENDING, to be enqueued. Undefined unless it is WAITING. */
  endWaiting(transaction: Transaction, taskId: string): Promise<EndedWaiting | undefined>;
  /** WAITING for the task, oldest first. */
  findWaitingFor(blockedBy: string, limit: number): Promise<readonly WaitingTask[]>;
  /** WAITING for a task that is settled or not there, oldest first. */
  findUnblocked(limit: number): Promise<readonly UnblockedTask[]>;
}
