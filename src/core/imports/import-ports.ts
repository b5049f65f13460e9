import type { Viewer } from "../access/viewer.ts";
import type { BulkPorts } from "../bulk/launch-bulk.ts";
import type { Refusal } from "../refusals/refusals.ts";
import type { LaunchOptions } from "../tasks/launch-options.ts";
import type { Task } from "../tasks/task.ts";
import type { FileLimits, ReadFileRows } from "./file-rows.ts";
import type { ImportForm } from "./import-form.ts";
import type { ImportStore } from "./import-store.ts";

/** What imports need besides what bulk launches do. */
export interface ImportPorts extends BulkPorts {
  readonly imports: ImportStore;
  readonly readFile: ReadFileRows;
  readonly limits: ImportLimits;
  /** How long a receiver may be silent. */
  readonly leaseMs: number;
}

/** How much one import may hold. */
export interface ImportLimits extends FileLimits {
  readonly maxRows: number;
  /** How long a task waits for its upload to begin, in ms. */
  readonly waitMs: number;
}

/** An import before its file. */
export interface ImportRequest {
  readonly viewer: Viewer;
  readonly form: ImportForm;
  readonly fileName?: string | undefined;
  readonly options: LaunchOptions;
}

/** A file on its way. */
export interface Upload {
  readonly taskId: string;
  readonly viewer: Viewer;
  /** The file's bytes, unpacked. Throws where the client leaves, or sends more than it may. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** How many bytes have come, as they were sent. */
  readonly countReceived: () => number;
  /** Makes `bytes` throw, since nobody needs more of them. */
  readonly stop: () => void;
}

/** Why a file was not taken. */
export type ImportRefusal = Exclude<Refusal, { readonly kind: "STALE" }> & {
  /** The task as it is now. */
  readonly importTask?: Task | undefined;
  /** The line of the file at fault. */
  readonly line?: number | undefined;
};

/** What became of an upload. LAUNCHED: all of it was read, and the task says how it goes on. */
export type ReceiveOutcome =
  | { readonly kind: "LAUNCHED"; readonly task: Task; readonly isDuplicate: boolean }
  | ImportRefusal;
