import type { BulkWork } from "../../core/bulk/bulk-writer.ts";
import { namedFieldsOf } from "../../core/bulk/row-field.ts";
import type { WriteOperation } from "../../core/records/write-hooks.ts";
import type { RecordBatch } from "../../core/tasks/record-batch.ts";
import type { NewTaskError } from "../../core/tasks/task-error.ts";
import type { ChunkPorts } from "./chunk-ports.ts";

/**
 * Of the written records those that lead out of the viewer's scope: by what they are now, or by what they refer to.
 * @param written the ids, by what was done to them
 */
export async function recordsOutOfScope(
  { records, transaction }: ChunkPorts,
  work: BulkWork,
  batch: RecordBatch,
  written: ReadonlyMap<WriteOperation, readonly string[]>,
): Promise<readonly NewTaskError[]> {
  const errors = new Map<string, NewTaskError>();
  for (const [operation, ids] of written) {
    for (const { within, problem } of work.scopeChecks?.(writtenFields(work, batch, operation)) ?? []) {
      const found = new Set(await records.existingIds(transaction, work.model.name, ids, within));
      for (const recordId of ids) {
        if (!found.has(recordId) && !errors.has(recordId)) {
          errors.set(recordId, { ...problem, recordId, outcome: "FAILED" });
        }
      }
    }
  }
  return [...errors.values()];
}

function writtenFields(work: BulkWork, batch: RecordBatch, operation: WriteOperation): readonly string[] {
  return work.operation === "UPDATE"
    ? Object.keys(work.change)
    : namedFieldsOf(batch.fields, operation === "CREATE" ? "create" : "update");
}
