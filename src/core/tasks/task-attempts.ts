import type { Json } from "../../kernel/json.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { NotificationChannel } from "./notify.ts";
import type { Counts, Progress } from "./progress.ts";
import type { NewTaskError } from "./task-error.ts";
import type { FinalStep } from "./task-hooks.ts";
import type { QueuedTask } from "./task-queue.ts";
import type { FinalStatus } from "./task-status.ts";
import type { Task } from "./task.ts";

/** One run of a task that has begun. */
export interface Attempt {
  readonly task: Task;
  /** The fencing token. */
  readonly number: number;
}

/** What a heartbeat learns. */
export interface HeartbeatResult {
  /** False once another attempt has begun or the task is settled: write nothing more. */
  readonly isCurrent: boolean;
  /** A viewer asked the task to stop. */
  readonly isCancelRequested: boolean;
  /** A viewer asked the task to pause. */
  readonly isPauseRequested: boolean;
}

/** What the chunks of an unsettled task say. */
export interface DoneWork {
  /** Null for a task without chunks: only its handler knows what it did. */
  readonly counts: Counts | null;
}

/** How a task ended, and when. */
export interface Settlement {
  readonly status: FinalStatus;
  readonly message: string | null;
  readonly result: Json;
  readonly finishedAt: Date;
  readonly counts: Counts;
  /** Number of records, if the handler learned it only while it ran. Null or left out: as stored with the task. */
  readonly total?: number | null;
  /** Recorded with the settlement: what made an ALL_OR_NOTHING task fail. */
  readonly errors?: readonly NewTaskError[];
  /** True: the attempt itself settles, so the task must be RUNNING; its worker may not know that it was paused. */
  readonly byAttempt?: boolean;
  /** The hooks that this process calls then. Written with the settlement; see HookCalls. Default: none. */
  readonly hooks?: readonly FinalStep[];
}

/** What a settlement wrote. */
export interface Settled {
  /** The channel of each notification that it wrote; see NewTask.notify. */
  readonly notified: readonly NotificationChannel[];
}

/** The run of a task, from the queue to the settlement. */
export interface TaskAttempts {
  /** Notes that the queue has the tasks, so that the sweeper leaves them alone. */
  markEnqueued(taskIds: readonly string[], at: Date): Promise<void>;
  /**
   * Begins the next attempt: RUNNING, attempt + 1, a lease that starts now. Undefined, and nothing written, unless the
   * task may run, its kind is known, and its latest attempt is `expectedAttempt`. So one of two deliveries begins.
   * Undefined also where as many tasks with the same concurrency key run as may; it is noted with the task.
   */
  beginAttempt(
    transaction: Transaction,
    begin: {
      readonly taskId: string;
      readonly expectedAttempt: number;
      readonly workerId: string;
      readonly at: Date;
      /** The kinds that the worker knows. Default: any. */
      readonly kinds?: readonly string[];
    },
  ): Promise<Attempt | undefined>;
  /** Notes that the attempt ends since its process stops; does nothing for one that is not the current one. */
  noteHandOver(taskId: string, attempt: number): Promise<void>;
  /** Renews the lease and stores the progress as of now, if given (shown while the task runs). */
  heartbeat(beat: {
    readonly taskId: string;
    readonly attempt: number;
    readonly at: Date;
    readonly progress?: Progress;
  }): Promise<HeartbeatResult>;
  /**
   * Notes that a RUNNING task is to stop; asking again changes nothing. Waits for no writer.
   * @returns false where the task is not RUNNING
   */
  requestCancel(request: {
    readonly taskId: string;
    readonly at: Date;
    /** Id of the viewer; null for an anonymous one. */
    readonly by: string | null;
  }): Promise<boolean>;
  /**
   * Keeps the task from being settled, and another attempt from beginning, until the transaction ends. False unless the
   * attempt is the current one and runs.
   */
  fence(transaction: Transaction, taskId: string, attempt: number): Promise<boolean>;
  /**
   * Notes that a running attempt waits until another task settles. Asking again changes nothing.
   * @returns the circle, from the task to itself, if the other waits for it, directly or over others; nothing is noted then
   */
  startWait(wait: {
    readonly taskId: string;
    readonly attempt: number;
    readonly blockedBy: string;
  }): Promise<readonly string[] | undefined>;
  endWait(wait: { readonly taskId: string; readonly blockedBy: string }): Promise<void>;
  /**
   * A task that could run at once if a worker had a place for it: the blocking one, one that it waits for, directly or over
   * others, or one that has a slot which it awaits. PENDING and due, or RUNNING and silent since the moment.
   */
  findPlaceless(wait: {
    readonly blockedBy: string;
    readonly at: Date;
    readonly silentSince: Date;
    /** Others are left out. */
    readonly kinds: readonly string[];
  }): Promise<QueuedTask | undefined>;
  /**
   * Sums of the task's DONE chunks, read after the chunks that are being committed. Locks the task until the
   * transaction ends. Undefined unless the attempt is the current one and the task is not settled.
   */
  lockDone(transaction: Transaction, taskId: string, attempt: number): Promise<DoneWork | undefined>;
  /**
   * Writes the final status, and the notifications that the task asks for. Undefined, and nothing written, unless the attempt
   * is the current one and the table of transitions allows it. The duplicate key of every settled task is free again; so is the idempotency key of a task that FAILED before its first
   * attempt, for its launch was withdrawn.
   */
  settle(
    transaction: Transaction,
    taskId: string,
    attempt: number,
    settlement: Settlement,
  ): Promise<Settled | undefined>;
  /** Notes that locks are gone and CLEANUP is written. False when it was noted before. */
  markCleaned(transaction: Transaction, taskId: string): Promise<boolean>;
}
