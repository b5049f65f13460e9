import type { LaunchOutcome } from "../tasks/launch/launch-outcome.ts";
import type { ImportPorts, ImportRequest, ReceiveOutcome, Upload } from "./import-ports.ts";
import type { FailedRow, ImportState } from "./import-store.ts";
import { openImport } from "./open-import.ts";
import { receiveImport } from "./receive-import.ts";
import { repeatImport } from "./repeat-import.ts";

/** Imports: tasks whose rows come from a file. */
export interface Imports {
  /** Makes a task that waits for its file, RECEIVING. */
  open(request: ImportRequest): Promise<LaunchOutcome>;
  /** Receives the file of such a task, and launches the task. Never rejects for what callers may know. */
  receive(upload: Upload): Promise<ReceiveOutcome>;
  /**
   * Compares a file with that of an earlier launch under the same idempotency key, and answers with the earlier task, if it is the
   * same.
   */
  repeat(upload: Upload): Promise<ReceiveOutcome>;
  /** The imports among these tasks. */
  find(taskIds: readonly string[]): Promise<ReadonlyMap<string, ImportState>>;
  /** The import whose rows the task writes; undefined for a task that writes no file's. */
  origin(taskId: string): Promise<ImportState | undefined>;
  /** See ImportStore. */
  failedRows(taskId: string, origin: string, after: number, limit: number): Promise<readonly FailedRow[]>;
}

export function createImports(ports: ImportPorts): Imports {
  return {
    open: (request) => openImport(ports, request),
    receive: (upload) => receiveImport(ports, upload),
    repeat: (upload) => repeatImport(ports, upload),
    find: (taskIds) => ports.imports.find(taskIds),
    origin: (taskId) => ports.imports.origin(taskId),
    failedRows: (taskId, origin, after, limit) => ports.imports.failedRows(taskId, origin, after, limit),
  };
}
