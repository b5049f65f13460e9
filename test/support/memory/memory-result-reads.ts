import { MAX_TRIAL_ERRORS } from "../../../src/core/bulk/chunk-writer.ts";
import { takeWindow } from "../../../src/kernel/list-window.ts";
import { processedOf } from "../../../src/core/tasks/progress.ts";
import type {
  RecordOutcome,
  RecordPlace,
  RetryRecords,
  TaskRecord,
  TaskResults,
} from "../../../src/core/tasks/task-results.ts";
import type { RecordBatch } from "../../../src/core/tasks/record-batch.ts";
import { mergeBatches } from "../../../src/core/tasks/record-batch.ts";
import type { MemoryTaskRows } from "./memory-task-rows.ts";
import type { StoredTask } from "./stored-task.ts";

/** Reads the results of tasks' records. */
export function createMemoryResultReads(rows: Pick<MemoryTaskRows, "get">): TaskResults {
  const errorsOf = (taskId: string): StoredTask["errors"] => rows.get(taskId)?.errors ?? [];
  const withErrors = <Value>(
    taskIds: readonly string[],
    read: (errors: StoredTask["errors"]) => Value,
  ): Map<string, Value> =>
    new Map(
      taskIds.flatMap((taskId) => {
        const errors = errorsOf(taskId);
        return errors.length === 0 ? [] : [[taskId, read(errors)] as const];
      }),
    );
  /** The records of tasks with chunks. */
  const ofTasks = (
    taskIds: readonly string[],
    outcome: RecordOutcome | undefined,
    recordId?: string,
  ): (readonly [string, readonly TaskRecord[]])[] =>
    taskIds.flatMap((taskId) => {
      const row = rows.get(taskId);
      const all = row === undefined ? [] : recordsOf(row);
      const some = all.filter(
        (record) =>
          (outcome === undefined || record.outcome === outcome) &&
          (recordId === undefined || record.id === recordId),
      );
      return all.length === 0 ? [] : [[taskId, some] as const];
    });
  return {
    errors: async (taskId, after, limit) =>
      takeWindow(errorsOf(taskId), { after, limit }, ({ position }, place) => position - place),
    async errorPages(taskIds, window) {
      const parts = withErrors(taskIds, (errors) =>
        takeWindow(errors, window, ({ position }, place) => position - place),
      );
      return new Map([...parts].filter(([, errors]) => errors.length > 0));
    },
    countErrors: async (taskId) => errorsOf(taskId).length,
    errorCounts: async (taskIds) => withErrors(taskIds, (errors) => errors.length),
    async recordsToRetry(taskId, records) {
      const row = rows.get(taskId);
      return row === undefined ? [] : recordsToRetry(row, records);
    },
    async ownClaims(taskId) {
      return rows.get(taskId)?.claims.filter(({ isDependent }) => isDependent !== true) ?? [];
    },
    async recordPages(taskIds, { outcome, recordId, ...window }) {
      const pages = ofTasks(taskIds, outcome, recordId).map(
        ([taskId, records]) => [taskId, takeWindow(records, window, comparePlaces)] as const,
      );
      return new Map(pages.filter(([, records]) => records.length > 0));
    },
    async recordCounts(taskIds, outcome) {
      return new Map(ofTasks(taskIds, outcome).map(([taskId, records]) => [taskId, records.length]));
    },
  };
}

function comparePlaces({ place }: TaskRecord, other: RecordPlace): number {
  return place.chunk - other.chunk || place.number - other.number;
}

function recordsOf(row: StoredTask): readonly TaskRecord[] {
  const leftOut = row.errors.slice(0, row.skippedAtLaunch).flatMap(({ recordId }) => recordId ?? []);
  const firstErrors = new Map(row.errors.toReversed().map((error) => [error.recordId, error]));
  const isTried = isWholeTrial(row);
  const chunks = [{ ids: leftOut, isDone: true }, ...row.chunks];
  return chunks.flatMap(({ ids, isDone }, chunk) =>
    ids.map((id, at): TaskRecord => {
      const place = { chunk, number: at + 1 };
      const error = firstErrors.get(id);
      if (error === undefined) {
        return { id, outcome: isDone || isTried ? "SUCCEEDED" : "UNPROCESSED", place };
      }
      const { outcome, code, message } = error;
      return { id, outcome, code, message, place };
    }),
  );
}

/** A dry run that tried all records and kept all errors: records without an error would have been written. */
function isWholeTrial({ task, counts, total }: StoredTask): boolean {
  return (
    task.isDryRun &&
    task.finishedAt !== null &&
    processedOf(counts) === total &&
    counts.failed + counts.skipped <= MAX_TRIAL_ERRORS
  );
}

/** The records of a stored task that a retry takes; see TaskStore. */
function recordsToRetry({ chunks, errors }: StoredTask, records: RetryRecords): readonly RecordBatch[] {
  const failed = new Set(errors.filter(({ outcome }) => outcome === "FAILED").map((error) => error.recordId));
  return mergeBatches(
    chunks.map(({ ids, fields, isDone }) => ({
      ids: ids.filter((id) => (failed.has(id) ? records !== "UNPROCESSED" : records !== "FAILED" && !isDone)),
      fields,
      columns: [],
    })),
  );
}
