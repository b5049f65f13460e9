import type { Counts } from "../tasks/progress.ts";
import type { RetryRecords } from "../tasks/task-results.ts";
import type { NewTaskError } from "../tasks/task-error.ts";
import type { ErrorPolicy, OnConflict } from "../tasks/task.ts";
import type { LockRefusal } from "../locks/lock-store.ts";
import type { RecordWork } from "./record-writer.ts";

/** One attempt of a bulk task, as the chunk writer needs it. */
export type ChunkWork = RecordWork & {
  readonly taskId: string;
  /** The fencing token. */
  readonly attempt: number;
  /** What becomes of records whose hooks come to need records that another task holds. Default: REJECT. */
  readonly onConflict?: OnConflict;
};

/** With `onConflict: WAIT`: hooks need records that other tasks hold. Nothing was written; try again once they are free. */
export interface HeldWrite {
  readonly kind: "HELD";
  readonly refusal: LockRefusal;
}

/** What became of one chunk. */
export type ChunkResult =
  | { readonly kind: "WRITTEN"; readonly number: number; readonly counts: Counts }
  /** No chunk is left to take. Others may still be writing theirs. */
  | { readonly kind: "EXHAUSTED" }
  /** The attempt is not the current one any more; nothing was written. */
  | { readonly kind: "FENCED" }
  /** The task is to be cancelled; nothing was written. */
  | { readonly kind: "CANCELLED" }
  /** The task is to be paused; nothing was written. */
  | { readonly kind: "PAUSED" }
  | HeldWrite;

/** What became of all chunks together. */
export type WholeResult =
  /** `counts` of all chunks are left out where they have to be read. */
  | { readonly kind: "WRITTEN"; readonly counts?: Counts }
  /** Some records could not be written, so nothing was. Names the records of the first chunk that failed. */
  | { readonly kind: "REFUSED"; readonly errors: readonly NewTaskError[] }
  | { readonly kind: "FENCED" }
  | { readonly kind: "CANCELLED" }
  | { readonly kind: "PAUSED" }
  | HeldWrite;

/** More errors of a dry run than these are counted, not kept: they are held in memory until it settles. */
export const MAX_TRIAL_ERRORS = 100_000;

/** What became of a dry run. */
export type TrialResult =
  /** With SKIP_FAILED, also if records failed. */
  | {
      readonly kind: "TRIED";
      /** Of the whole task, with the records that the launch skipped. */
      readonly counts: Counts;
      /** The errors that would have been recorded, in order; at most {@link MAX_TRIAL_ERRORS}. */
      readonly errors: readonly NewTaskError[];
      /** How many there would have been. */
      readonly errorCount: number;
    }
  | Exclude<WholeResult, { readonly kind: "WRITTEN" }>;

/** The records to link over one relation, as stored in a task's chunks. */
export interface StoredLinks {
  /** The relation's name. */
  readonly field: string;
  /** Each once. */
  readonly ids: readonly string[];
}

/** How far a task's chunks have come. */
export interface WrittenChunks {
  readonly counts: Counts;
  readonly pendingChunks: number;
}

/** How a caller follows and stops the writing of all chunks together. */
export interface WholeRun {
  /** Called after each chunk, before the commit, with the sum so far. A try that is repeated begins anew. */
  onWritten(sum: Counts): void;
  /** Stops between chunks: its reason is thrown, and nothing is written. */
  readonly signal: AbortSignal;
  /** The task has no more than one record, so its chunk may be written in a transaction without others. Default: false. */
  readonly isOneRecord?: boolean;
}

/**
 * Writes chunks, each exactly once. The data, the errors, the chunk's DONE mark and its counts are one transaction
 * that holds the task's fence: it commits only if the attempt is still the current one. A record cannot be written
 * (RECORD_LOCKED) if it would refer to a record that another task holds, by a foreign key with a referential action.
 * Until the transaction ends, no task can claim a record that a written one refers to. All writing methods throw
 * AppError UNAVAILABLE when the database goes away; what was not committed is not done.
 */
export interface ChunkWriter {
  /**
   * SKIP_FAILED: writes the task's next chunk; records that cannot be written are recorded and left as they are.
   * May be called again before it returned: each call takes a chunk of its own.
   */
  writeNextChunk(work: ChunkWork): Promise<ChunkResult>;
  /** ALL_OR_NOTHING: writes all chunks in one transaction. */
  writeAllChunks(work: ChunkWork, run: WholeRun): Promise<WholeResult>;
  /**
   * Writes all chunks by the policy in one transaction that is rolled back. Meanwhile, tasks can claim the records
   * that these would refer to.
   */
  tryAllChunks(work: ChunkWork, errorPolicy: ErrorPolicy, run: WholeRun): Promise<TrialResult>;
  /** Resolves once the chunks that others are writing now are written, or given up. */
  untilWritten(taskId: string): Promise<void>;
  /** All fields that chunks of the task have values for. */
  listFields(taskId: string): Promise<readonly string[]>;
  /** The stored links of the records of a settled task that are tried again. */
  listLinks(taskId: string, records: RetryRecords): Promise<readonly StoredLinks[]>;
  /**
   * The records that were written, at most `limit` of them.
   * @param number of the chunk. Default: all chunks of the task
   */
  listWritten(
    taskId: string,
    options: { readonly limit: number; readonly number?: number },
  ): Promise<readonly string[]>;
  /** What the task's committed chunks add up to, and how many are still to be written. */
  countWritten(taskId: string): Promise<WrittenChunks>;
}
