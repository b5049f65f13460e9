import type { ErrorCode } from "../../kernel/error-codes.ts";
import type { ListWindow } from "../../kernel/list-window.ts";
import type { RecordBatch } from "./record-batch.ts";
import type { TaskClaim } from "./task-claim.ts";
import type { TaskError, TaskErrorOutcome } from "./task-error.ts";

/** What became of a task's record; in a dry run, what would have. UNPROCESSED: not reached, or taken back. */
export type RecordOutcome = "SUCCEEDED" | TaskErrorOutcome | "UNPROCESSED";

/** The place of a record among a task's records. */
export interface RecordPlace {
  /** From 1; 0 for records that the launch left out. */
  readonly chunk: number;
  /** In the chunk, from 1. */
  readonly number: number;
}

/** The place before the first record of a task. */
export const BEFORE_RECORDS: RecordPlace = Object.freeze({ chunk: 0, number: 0 });

/** One of a task's records, and what became of it. */
export interface TaskRecord {
  readonly id: string;
  readonly outcome: RecordOutcome;
  /** Why it FAILED or was SKIPPED; of several errors the first. */
  readonly code?: ErrorCode;
  readonly message?: string;
  readonly place: RecordPlace;
}

/** Which of a task's records. */
export interface RecordQuery extends ListWindow<RecordPlace> {
  /** Default: all. */
  readonly outcome?: RecordOutcome;
  /** Only the record with this canonical id. */
  readonly recordId?: string;
}

/** Which records of a task are tried again: failed ones, ones that it did not reach, or both. */
export const RETRY_RECORDS = ["FAILED", "UNPROCESSED", "FAILED_AND_UNPROCESSED"] as const;

export type RetryRecords = (typeof RETRY_RECORDS)[number];

/** What became of tasks' records, and what a retry takes over. */
export interface TaskResults {
  /** A task's errors after a position (0: from the start), in order. */
  errors(taskId: string, after: number, limit: number): Promise<readonly TaskError[]>;
  /** Number of a task's errors. */
  countErrors(taskId: string): Promise<number>;
  /**
   * The same part of the errors of each task, in one look-up; places are positions. Tasks that have no errors there are
   * left out.
   */
  errorPages(
    taskIds: readonly string[],
    window: ListWindow<number>,
  ): Promise<ReadonlyMap<string, readonly TaskError[]>>;
  /** Number of errors of each task, in one look-up; tasks without errors are left out. */
  errorCounts(taskIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /**
   * The same part of the records of each task, in the order of its chunks, and what became of each as of now, in one
   * look-up. Records that the launch left out come first. Tasks that have none there are left out, as are those without
   * chunks.
   */
  recordPages(
    taskIds: readonly string[],
    query: RecordQuery,
  ): Promise<ReadonlyMap<string, readonly TaskRecord[]>>;
  /** Number of records of each task, in one look-up; tasks without chunks are left out. @param outcome default: any */
  recordCounts(taskIds: readonly string[], outcome?: RecordOutcome): Promise<ReadonlyMap<string, number>>;
  /**
   * Records of a settled task, in the order of its chunks: failed ones, ones of chunks that were not written and did
   * not fail, or both. One batch for each set of fields, without the columns.
   */
  recordsToRetry(taskId: string, records: RetryRecords): Promise<readonly RecordBatch[]>;
  /** What the task claims, without the claims on dependent records. */
  ownClaims(taskId: string): Promise<readonly TaskClaim[]>;
}
