import type { JsonObject } from "../../kernel/json.ts";
import type { RecordBatch } from "../tasks/record-batch.ts";
import type { StrandedImports } from "../tasks/stranded-imports.ts";
import type { TaskClaim } from "../tasks/task-claim.ts";
import type { NewTaskError } from "../tasks/task-error.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { FileHead } from "./file-rows.ts";
import type { ImportForm } from "./import-form.ts";

/** How much of a file has come. */
export interface Received {
  /** As they were sent, so compressed ones where they were. */
  readonly bytes: number;
  readonly rows: number;
  /** How many of the rows cannot be written. */
  readonly rejected: number;
}

/** What is known of an import beside its task. */
export interface ImportState extends Received {
  readonly taskId: string;
  readonly form: ImportForm;
  readonly fileName: string | null;
  /** Undefined for a file without one, or before it has come. */
  readonly head: Omit<FileHead, "names"> | undefined;
  /** Null until an upload has begun. */
  readonly receiver: string | null;
  /** SHA-256 of the file in hex; null until all of it has come. */
  readonly contentHash: string | null;
  /** Headers of its columns that nobody can write, such as computed ones; empty until all of it has come. */
  readonly readOnlyColumns: readonly string[];
  readonly receivedAt: Date | null;
}

/** A row of the file as it came, with the first problem that was found with it. */
export interface FailedRow {
  readonly index: number;
  readonly line: number;
  readonly text: string;
  readonly field: string | null;
  readonly message: string;
}

/** Rows that have come, and what became of them. */
export interface StagedPage {
  /** The index of the first row, from 0. */
  readonly firstRow: number;
  /** The rows as they came. */
  readonly rows: readonly { readonly line: number; readonly text: string }[];
  /** The values to write. Each batch becomes a chunk. */
  readonly batches: readonly RecordBatch[];
  /** The number of chunks before. */
  readonly chunksBefore: number;
  readonly errors: readonly NewTaskError[];
}

/** One upload, as its receiver says it. */
export interface Receiver {
  readonly taskId: string;
  readonly receiver: string;
  /** The end of its lease. */
  readonly aliveUntil: Date;
}

/** A file that has come. */
export interface WholeFile extends Pick<ImportState, "readOnlyColumns"> {
  readonly taskId: string;
  readonly received: Received;
  readonly contentHash: string;
}

/** What a task that has received its file goes on with. */
export interface ReceivedLaunch extends WholeFile {
  readonly claims: readonly TaskClaim[];
  readonly input: JsonObject;
  /** Records that are left out, since others hold them. */
  readonly skipped: readonly NewTaskError[];
}

/** The rows of imports, from their first byte on. Methods with a transaction write within it. */
export interface ImportStore extends StrandedImports {
  /** Makes a task that was just created RECEIVING. */
  open(
    transaction: Transaction,
    task: {
      readonly taskId: string;
      readonly form: ImportForm;
      readonly fileName: string | null;
      readonly aliveUntil: Date;
    },
  ): Promise<void>;
  /** Takes the task for one upload. False, with nothing written, unless it is RECEIVING and nobody has taken it. */
  take(receiver: Receiver): Promise<boolean>;
  /** Renews the lease, and notes how much has come. False once the task is not RECEIVING any more. */
  renew(receiver: Receiver, received: Received): Promise<boolean>;
  /** Notes the head of the file. */
  noteHead(receiver: Receiver, head: FileHead): Promise<void>;
  /** Keeps rows. False, with nothing written, once the task is not RECEIVING any more. */
  stage(receiver: Receiver, page: StagedPage, received: Received): Promise<boolean>;
  /** Makes a RECEIVING task PENDING, with its claims. False, with nothing written, for any other task. */
  begin(transaction: Transaction, launch: ReceivedLaunch): Promise<boolean>;
  /** Notes that all of the file has come, though the task does not go on. */
  noteReceived(file: WholeFile): Promise<void>;
  /** The imports among these tasks. */
  find(taskIds: readonly string[]): Promise<ReadonlyMap<string, ImportState>>;
  /** The import whose rows the task writes: its own, or that of the task that it retries. */
  origin(taskId: string): Promise<ImportState | undefined>;
  /** Rows of the origin's file that the task could not write, in their order. @param after the index of the last one before */
  failedRows(taskId: string, origin: string, after: number, limit: number): Promise<readonly FailedRow[]>;
}
