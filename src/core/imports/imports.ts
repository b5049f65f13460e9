import { createHash } from "node:crypto";
import { unavailableRefusal } from "../refusals/unavailable-refusal.ts";
import type { LaunchOutcome } from "../tasks/launch/launch-outcome.ts";
import { readTask } from "../tasks/task-reads.ts";
import type { ColumnQuestion, ColumnUses } from "./column-uses.ts";
import { findColumnUses } from "./column-uses.ts";
import { refusalOf } from "./import-fault.ts";
import type { ImportPorts, ImportRequest, ReceiveOutcome, Upload } from "./import-ports.ts";
import type { FailedRow, ImportState } from "./import-store.ts";
import { openImport } from "./open-import.ts";
import { receiveImport } from "./receive-import.ts";

/** Imports: tasks whose rows come from a file. */
export interface Imports {
  /** What an import would do with the columns of a file. */
  columnUses(question: ColumnQuestion): ColumnUses;
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
    columnUses: (question) => findColumnUses(ports, question),
    open: (request) => openImport(ports, request),
    receive: (upload) => receiveImport(ports, upload),
    repeat: (upload) => repeatImport(ports, upload),
    find: (taskIds) => ports.imports.find(taskIds),
    origin: (taskId) => ports.imports.origin(taskId),
    failedRows: (taskId, origin, after, limit) => ports.imports.failedRows(taskId, origin, after, limit),
  };
}

/**
 * Answers a file that is sent again under its idempotency key with the first task. Reads the file, for another one under the
 * same key is a mistake.
 */
async function repeatImport(ports: ImportPorts, upload: Upload): Promise<ReceiveOutcome> {
  const { taskId, bytes } = upload;
  try {
    const state = (await ports.imports.find([taskId])).get(taskId);
    const hash = createHash("sha256");
    let size = 0;
    for await (const chunk of bytes) {
      size += chunk.length;
      hash.update(chunk);
      if (size > ports.limits.maxBytes) {
        break;
      }
    }
    const task = await readTask(ports.tasks, taskId);
    // While the first one is still coming, nothing is known of it.
    if (state?.contentHash == null || state.contentHash === hash.digest("hex")) {
      return { kind: "LAUNCHED", task, isDuplicate: true };
    }
    const message = "This idempotency key was used with another file. Use a new key for a new import.";
    return { kind: "IDEMPOTENCY_MISMATCH", message, task };
  } catch (error) {
    return (
      refusalOf(error, upload.countReceived()) ??
      unavailableRefusal(ports.logger, error, "an import was refused")
    );
  }
}
