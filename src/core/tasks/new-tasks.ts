import type { Json } from "../../kernel/json.ts";
import type { Viewer } from "../access/viewer.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { RecordBatch } from "./record-batch.ts";
import type { Notify } from "./notify.ts";
import type { TaskClaim } from "./task-claim.ts";
import type { NewTaskError } from "./task-error.ts";
import { NO_COUNTS, progressOf } from "./progress.ts";
import type { ErrorPolicy, OnConflict, Task } from "./task.ts";

/** A task about to be written. */
export interface NewTask {
  readonly id: string;
  readonly kind: string;
  readonly model: string | null;
  readonly label: string | null;
  readonly viewer: Viewer;
  readonly errorPolicy: ErrorPolicy;
  readonly isDryRun: boolean;
  readonly onConflict: OnConflict;
  /**
   * The task that this one retries, if any. Chunks with fields then have no columns: their values are copied from the
   * chunks of that task.
   */
  readonly retryOf: string | null;
  /** The task whose handler launches it. */
  readonly parent: string | null;
  /** The name of the schedule that launches it. */
  readonly schedule: string | null;
  /** See Task. */
  readonly trace?: string | null;
  /** Whom to tell how it ended; null for nobody. */
  readonly notify: readonly Notify[] | null;
  /** At most `max` tasks with the same key run at a time; null without a limit. */
  readonly concurrency: { readonly key: string; readonly max: number } | null;
  readonly input: Json;
  readonly idempotencyKey: string | null;
  /** Equal for identical launches; null where the launch may run beside an identical one. */
  readonly duplicateKey: string | null;
  /** Hash of the request. A repeated launch has the same hash; a different launch under the same key has another. */
  readonly inputHash: string;
  readonly createdAt: Date;
  /** Number of records; null where the handler will say. */
  readonly total: number | null;
  /** The records, cut into chunks. Empty for tasks without chunks. */
  readonly chunks: readonly RecordBatch[];
  /** What it holds from the launch until it settles. */
  readonly claims: readonly TaskClaim[];
  /** Records left out at the launch: part of the total, counted as skipped from the start. */
  readonly skipped: readonly NewTaskError[];
}

/** The earlier task that answers a launch: one with the same idempotency key, or an identical one that is not settled. */
export interface IdempotentTask {
  readonly id: string;
  readonly inputHash: string;
}

/** Result of {@link NewTasks.create}. */
export type CreateResult =
  | { readonly kind: "CREATED" }
  /** The idempotency key, or the duplicate key, is taken; nothing was written. */
  | { readonly kind: "EXISTING"; readonly existing: IdempotentTask }
  /** The task that was to go on has ended meanwhile; nothing was written. */
  | { readonly kind: "ENDED" }
  /** The task to retry was deleted meanwhile. Nothing was written; the transaction must be rolled back. */
  | { readonly kind: "RETRIED_TASK_GONE" };

/** The task as a reader finds it after its launch. */
export function pendingTaskOf(task: NewTask): Task {
  return {
    id: task.id,
    kind: task.kind,
    model: task.model,
    label: task.label,
    errorPolicy: task.errorPolicy,
    isDryRun: task.isDryRun,
    onConflict: task.onConflict,
    retryOf: task.retryOf,
    parent: task.parent,
    schedule: task.schedule,
    trace: task.trace ?? null,
    handOvers: 0,
    viewer: task.viewer,
    createdAt: task.createdAt,
    input: task.input,
    hasStatusPage: task.notify?.some(({ channel }) => channel === "STATUS_PAGE") ?? false,
    status: "PENDING",
    startedAt: null,
    finishedAt: null,
    attempt: 0,
    blockedBy: null,
    cancelRequestedAt: null,
    pauseRequestedAt: null,
    pauseRequestedBy: null,
    pausedAt: null,
    pauses: 0,
    postponedUntil: null,
    failures: 0,
    result: null,
    message: null,
    progress: progressOf(task.total, { ...NO_COUNTS, skipped: task.skipped.length }),
    isCleaned: false,
  };
}

/** Writes tasks at their launch, and finds the earlier task that answers a repeated one. */
export interface NewTasks {
  /**
   * Writes task and chunks, PENDING, unless the viewer used the idempotency key before, or has an unsettled task with
   * the same duplicate key. Of several at once with the same key, one is written.
   */
  create(transaction: Transaction, task: NewTask): Promise<CreateResult>;
  /** The task that the viewer launched under the key. */
  findByIdempotencyKey(viewer: Viewer, key: string): Promise<IdempotentTask | undefined>;
  /** The viewer's unsettled task with the duplicate key. */
  findDuplicate(viewer: Viewer, key: string): Promise<IdempotentTask | undefined>;
  /** The same. Another transaction that asks for the same key waits until this one ends. */
  lockDuplicate(transaction: Transaction, viewer: Viewer, key: string): Promise<IdempotentTask | undefined>;
}
