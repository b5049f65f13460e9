import type { ErrorCode } from "../../kernel/error-codes.ts";
import type { TaskErrorOutcome } from "./task-error.ts";

/**
 * What became of one of a task's records; of a dry run, what would have. UNPROCESSED: the task did not come to it, or took
 * it back.
 */
export type RecordOutcome = "SUCCEEDED" | TaskErrorOutcome | "UNPROCESSED";

/** Where a record stands among a task's records. */
export interface RecordPlace {
  /** From 1; 0 is what the launch left out. */
  readonly chunk: number;
  /** In the chunk, from 1. */
  readonly number: number;
}

/** In front of the first record of a task. */
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
