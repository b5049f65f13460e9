import type { Json } from "../../kernel/json.ts";
import type { Viewer } from "../records/viewer.ts";
import type { Claim } from "../locks/claim.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { Counts, Progress } from "./progress.ts";
import type { RecordBatch } from "./record-batch.ts";
import type { RetryRecords } from "./retry-records.ts";
import type { TaskClaim } from "./task-claim.ts";
import type { NewTaskError, TaskError } from "./task-error.ts";
import type { RecordPlace, TaskRecord } from "./task-record.ts";
import type { FinalStatus, TaskStatus } from "./task-status.ts";
import type { ErrorPolicy, Task } from "./task.ts";

/** A task about to be written. */
export interface NewTask {
  readonly id: string;
  readonly kind: string;
  readonly model: string | null;
  readonly label: string | null;
  readonly viewer: Viewer;
  readonly errorPolicy: ErrorPolicy;
  readonly isDryRun: boolean;
  /**
   * The task that is retried, if one is. Chunks that have fields then come without columns: the values of their records
   * are copied from that task's chunks.
   */
  readonly retryOf: string | null;
  readonly input: Json;
  readonly idempotencyKey: string | null;
  /** Shared by launches that ask for the same; null for one that is a task of its own whatever runs. */
  readonly duplicateKey: string | null;
  /** Hash of what was asked; tells a repeated launch from another one under the same key. */
  readonly inputHash: string;
  readonly createdAt: Date;
  /** Records in all; null where the handler will tell. */
  readonly total: number | null;
  /** The records, cut into chunks. Empty for tasks that do not work by chunks. */
  readonly chunks: readonly RecordBatch[];
  /** What it holds from the launch until it settles. */
  readonly claims: readonly TaskClaim[];
  /** Records left out at the launch: part of the total, counted as skipped from the start. */
  readonly skipped: readonly NewTaskError[];
}

/** An earlier task that a launch is answered with: under its idempotency key, or unsettled and the same. */
export interface IdempotentTask {
  readonly id: string;
  readonly inputHash: string;
}

/** Result of {@link TaskStore.create}. */
export type CreateResult =
  | { readonly kind: "CREATED" }
  /** The idempotency key, or the duplicate key, is taken; nothing was written. */
  | { readonly kind: "EXISTING"; readonly existing: IdempotentTask };

/** More retries of a task than these are not listed with it. */
export const MAX_LISTED_RETRIES = 100;

/** A page request: newest first, or from a position on. */
export interface TaskQuery {
  readonly statuses?: readonly TaskStatus[];
  readonly kinds?: readonly string[];
  readonly models?: readonly string[];
  readonly ids?: readonly string[];
  readonly createdBy?: string;
  /** Only tasks older than the one with this id; ids sort by time. */
  readonly after?: string;
  readonly limit: number;
}

/** One run of a task that has begun. */
export interface Attempt {
  readonly task: Task;
  /** The fencing token. */
  readonly number: number;
}

/** What became of a request to cancel a running task. */
export type CancelRequestResult = "REQUESTED" | "NOT_RUNNING";

/** What a heartbeat learns. */
export interface HeartbeatResult {
  /** False once another attempt has begun or the task is settled: write nothing more. */
  readonly isCurrent: boolean;
  /** Somebody asked the task to stop. */
  readonly isCancelRequested: boolean;
}

/** What is certain of a task that is not settled. */
export interface DoneWork {
  /** Null for a task that has no chunks: only its handler knows what it did. */
  readonly counts: Counts | null;
}

/** How an attempt ended. */
export interface Settlement {
  readonly status: FinalStatus;
  readonly message: string | null;
  readonly result: Json;
  readonly finishedAt: Date;
  readonly counts: Counts;
  /** Records in all, where the handler learned it only while it ran; null or left out keeps what the task has. */
  readonly total?: number | null;
  /** Recorded with the settlement: what made an ALL_OR_NOTHING task fail. */
  readonly errors?: readonly NewTaskError[];
}

/** A task that the sweeper should look after. */
export interface StrandedTask {
  readonly id: string;
  /** Its latest attempt's number. */
  readonly attempt: number;
}

/** A task that stands in line. */
export interface WaitingTask extends StrandedTask {
  /** Whether it may change more than its records, which is to be read anew when its turn comes. */
  readonly hasDependents: boolean;
}

/**
 * The durable tasks, their chunks, attempts and errors. PostgreSQL holds the truth: what is not here did not
 * happen. Methods with a transaction write within it; the others read what is committed.
 */
export interface TaskStore {
  /**
   * Writes task and chunks, PENDING, unless the viewer used the idempotency key before, or has an unsettled task with
   * the same duplicate key. Of several at once with the same key, one is written.
   * @throws AppError NOT_FOUND where the task that it retries is not there any more
   */
  create(transaction: Transaction, task: NewTask): Promise<CreateResult>;
  /** The task that the viewer launched under the key. */
  findByIdempotencyKey(viewer: Viewer, key: string): Promise<IdempotentTask | undefined>;
  /** The viewer's unsettled task with the duplicate key. */
  findDuplicate(viewer: Viewer, key: string): Promise<IdempotentTask | undefined>;
  /** The same, and keeps others who ask in this way waiting until the transaction ends. */
  lockDuplicate(transaction: Transaction, viewer: Viewer, key: string): Promise<IdempotentTask | undefined>;
  /** The tasks with these ids; unknown ones are left out. Progress of running tasks is up to date. */
  find(ids: readonly string[]): Promise<ReadonlyMap<string, Task>>;
  /** Newest first. */
  list(query: TaskQuery): Promise<readonly Task[]>;
  /** How many tasks match, whatever the page. */
  count(query: Omit<TaskQuery, "after" | "limit">): Promise<number>;
  /** A task's errors after a position (0: from the start), in order. */
  errors(taskId: string, after: number, limit: number): Promise<readonly TaskError[]>;
  /** How many errors a task has. */
  countErrors(taskId: string): Promise<number>;
  /** The tasks that retry these, by the one they retry; of each the first {@link MAX_LISTED_RETRIES}, oldest first. */
  retries(taskIds: readonly string[]): Promise<ReadonlyMap<string, readonly Task[]>>;
  /**
   * Records of a settled task, in the order of its chunks: those that failed, those of chunks that were not written and
   * did not fail, or both. Those with the same fields together; columns are left out.
   */
  recordsToRetry(taskId: string, records: RetryRecords): Promise<readonly RecordBatch[]>;
  /** What the task claims, without what it claims because that hangs on its records. */
  ownClaims(taskId: string): Promise<readonly TaskClaim[]>;
  /** The first errors of each task, in order, in one look-up; tasks without errors are left out. */
  firstErrors(taskIds: readonly string[], limit: number): Promise<ReadonlyMap<string, readonly TaskError[]>>;
  /** How many errors each task has, in one look-up; tasks without errors are left out. */
  errorCounts(taskIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /**
   * A task's records after a place (BEFORE_RECORDS: from the start) in the order of its chunks, what the launch left
   * out first, and what became of each: for a task that runs, what is so now. None where a task has no chunks.
   */
  records(taskId: string, after: RecordPlace, limit: number): Promise<readonly TaskRecord[]>;

  /** What the task claims because it hangs on its records, in the place of what that was before. */
  setDependents(transaction: Transaction, taskId: string, claims: readonly Claim[]): Promise<void>;
  /** The records of all the task's chunks, as the launch left them. */
  recordIds(taskId: string): Promise<readonly string[]>;
  /** WAITING for another task; on a WAITING task, for which one now. False unless it is PENDING or WAITING. */
  startWaiting(transaction: Transaction, taskId: string, blockedBy: string): Promise<boolean>;
  /** Keeps others from changing the task until the transaction ends. False unless it is WAITING. */
  lockWaiting(transaction: Transaction, taskId: string): Promise<boolean>;
  /** From WAITING to PENDING, to be enqueued. False unless it is WAITING. */
  endWaiting(transaction: Transaction, taskId: string): Promise<boolean>;
  /** WAITING for the task, oldest first. */
  findWaitingFor(blockedBy: string, limit: number): Promise<readonly WaitingTask[]>;
  /** WAITING for a task that is settled or not there. Oldest first. */
  findWaitingForNobody(limit: number): Promise<readonly WaitingTask[]>;
  /** Notes that a RUNNING task is to stop; asking again changes nothing. Waits for nobody who writes. */
  requestCancel(request: {
    readonly taskId: string;
    readonly at: Date;
    /** Id of the viewer who asks. */
    readonly by: string | null;
  }): Promise<CancelRequestResult>;

  /** Notes that the queue has the tasks, so that the sweeper leaves them alone. */
  markEnqueued(taskIds: readonly string[], at: Date): Promise<void>;
  /**
   * Begins the next attempt: RUNNING, attempt + 1, a lease that starts now. Undefined, and nothing written,
   * unless the task may run and its latest attempt is `expectedAttempt`: so of two deliveries one begins.
   */
  beginAttempt(
    transaction: Transaction,
    begin: {
      readonly taskId: string;
      readonly expectedAttempt: number;
      readonly workerId: string;
      readonly at: Date;
    },
  ): Promise<Attempt | undefined>;
  /** Renews the lease and stores the progress as of now, if given (shown while the task runs). */
  heartbeat(beat: {
    readonly taskId: string;
    readonly attempt: number;
    readonly at: Date;
    readonly progress?: Progress;
  }): Promise<HeartbeatResult>;
  /**
   * What the task's DONE chunks add up to, once those that are being committed are; nobody changes the task until the
   * transaction ends. Undefined unless the attempt is still the current one and the task is not settled.
   */
  lockDone(transaction: Transaction, taskId: string, attempt: number): Promise<DoneWork | undefined>;
  /**
   * Final status, if the attempt is still the current one and the table of transitions allows it; else false.
   * A task that FAILED before its first attempt was withdrawn: its idempotency key is free again. The duplicate key
   * of every settled task is.
   */
  settle(transaction: Transaction, taskId: string, attempt: number, settlement: Settlement): Promise<boolean>;
  /** Notes that locks are gone and CLEANUP is written. False when it was noted before. */
  markCleaned(transaction: Transaction, taskId: string): Promise<boolean>;

  /** PENDING and never given to the queue, though created before the moment. Oldest first. */
  findUnenqueued(createdBefore: Date, limit: number): Promise<readonly StrandedTask[]>;
  /**
   * PENDING, given to the queue before the moment and not begun since: waiting its turn, or lost with its delivery.
   * Longest ago first.
   */
  findUnbegun(enqueuedBefore: Date, limit: number): Promise<readonly StrandedTask[]>;
  /** RUNNING, but its lease was last renewed before the moment. Oldest first. */
  findOrphans(silentSince: Date, limit: number): Promise<readonly StrandedTask[]>;
  /** Settled before the moment, and not cleaned. Oldest first. */
  findUncleaned(finishedBefore: Date, limit: number): Promise<readonly StrandedTask[]>;
  /**
   * Deletes tasks that settled before the moment, are cleaned and have no retry under way, the oldest first, with all that is theirs: records,
   * errors, attempts, and, where the log is in the same store, events. At most `limit` tasks, and fewer where they
   * had many records. While another call is at it, none.
   * @returns their ids
   */
  prune(finishedBefore: Date, limit: number): Promise<readonly string[]>;
  /**
   * Takes a turn at a chore that one process does for all: true for one caller, then for nobody until the interval
   * is over.
   */
  takeTurn(chore: string, at: Date, intervalMs: number): Promise<boolean>;
}
