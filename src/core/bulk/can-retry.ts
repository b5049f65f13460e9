import { isFinal } from "../tasks/task-status.ts";
import type { Task } from "../tasks/task.ts";
import { bulkOperationOf } from "./bulk-kinds.ts";

/**
 * Whether a retry of the task would find something to do: of a bulk task records that failed or were not come to, of any
 * other that it FAILED or was CANCELLED. A dry run did nothing that could be done again.
 */
export function canRetry(task: Task): boolean {
  return isFinal(task.status) && !task.isDryRun && isUnfinished(task);
}

function isUnfinished({ kind, status, progress }: Task): boolean {
  if (bulkOperationOf(kind) === undefined) {
    return status === "FAILED" || status === "CANCELLED";
  }
  return progress.failed > 0 || (progress.total !== null && progress.processed < progress.total);
}
