import { mergeBatches } from "../../../src/core/tasks/record-batch.ts";
import type { RecordBatch } from "../../../src/core/tasks/record-batch.ts";
import type { RetryRecords } from "../../../src/core/tasks/retry-records.ts";
import type { StoredTask } from "./stored-task.ts";

/** The records of a stored task that are to be tried again; see TaskStore. */
export function recordsToRetry(
  { chunks, errors }: StoredTask,
  records: RetryRecords,
): readonly RecordBatch[] {
  const failed = new Set(errors.filter(({ outcome }) => outcome === "FAILED").map((error) => error.recordId));
  return mergeBatches(
    chunks.map(({ ids, fields, isDone }) => ({
      ids: ids.filter((id) => (failed.has(id) ? records !== "UNPROCESSED" : records !== "FAILED" && !isDone)),
      fields,
      columns: [],
    })),
  );
}
