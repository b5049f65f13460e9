import type { ErrorCode } from "../../../kernel/error-codes.ts";
import type { SqlSession } from "../../../kernel/sql-session.ts";
import type { RecordOutcome, TaskRecord, TaskResults } from "../../../core/tasks/task-results.ts";
import type { RecordBatch } from "../../../core/tasks/record-batch.ts";
import { mergeBatches } from "../../../core/tasks/record-batch.ts";
import type { TaskClaim } from "../../../core/tasks/task-claim.ts";
import { RECORDS_TO_RETRY } from "../sql/chunks.ts";
import { windowValues } from "../sql/list-window.ts";
import { COUNT_TASK_ERRORS, LIST_TASK_ERRORS, listErrorPages } from "../sql/results.ts";
import { COUNT_RECORDS, listRecordPages } from "../sql/task-records.ts";
import { OWN_CLAIMS } from "../sql/tasks.ts";
import { toTaskError } from "./task-errors.ts";
import type { TaskErrorRow } from "./task-errors.ts";

/** Reads the outcomes of tasks' records, and the records and claims that a retry takes over. */
export function createTaskResults(session: SqlSession): TaskResults {
  const errorCounts: TaskResults["errorCounts"] = async (taskIds) => {
    return countsOf(await session.query<CountRow>(COUNT_TASK_ERRORS, [taskIds]));
  };
  return {
    errorCounts,
    countErrors: async (taskId) => (await errorCounts([taskId])).get(taskId) ?? 0,
    async errors(taskId, after, limit) {
      const rows = await session.query<TaskErrorRow>(LIST_TASK_ERRORS, [taskId, after, limit]);
      return rows.map(toTaskError);
    },
    async errorPages(taskIds, window) {
      const rows = await session.query<TaskErrorRow & { readonly task_id: string }>(
        listErrorPages(window.isBackward),
        [taskIds, ...windowValues(window)],
      );
      return groupRows(rows, toTaskError);
    },
    async recordPages(taskIds, { after, before, limit, isBackward, outcome, recordId }) {
      const places = [after?.chunk, after?.number, before?.chunk, before?.number];
      const rows = await session.query<RecordRow & { readonly task_id: string }>(
        listRecordPages(isBackward),
        [taskIds, ...places.map((place) => place ?? null), limit, outcome ?? null, recordId ?? null],
      );
      return groupRows(rows, toTaskRecord);
    },
    async recordCounts(taskIds, outcome) {
      const rows = await session.query<CountRow>(COUNT_RECORDS, [taskIds, outcome ?? null]);
      return countsOf(rows);
    },
    async recordsToRetry(taskId, records) {
      const values = [taskId, records !== "UNPROCESSED", records !== "FAILED"];
      const chunks = await session.query<Pick<RecordBatch, "ids" | "fields">>(RECORDS_TO_RETRY, values);
      return mergeBatches(chunks.map((chunk) => ({ ...chunk, columns: [] })));
    },
    async ownClaims(taskId) {
      const rows = await session.query<{ claim: TaskClaim }>(OWN_CLAIMS, [taskId]);
      return rows.map(({ claim }) => claim);
    },
  };
}

interface CountRow {
  readonly task_id: string;
  readonly count: number;
}

function countsOf(rows: readonly CountRow[]): ReadonlyMap<string, number> {
  return new Map(rows.map(({ task_id: taskId, count }) => [taskId, count]));
}

/** What the rows stand for, by task. */
function groupRows<Row extends { readonly task_id: string }, Item>(
  rows: readonly Row[],
  read: (row: Omit<Row, "task_id">) => Item,
): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const { task_id: taskId, ...row } of rows) {
    const group = groups.get(taskId) ?? [];
    group.push(read(row));
    groups.set(taskId, group);
  }
  return groups;
}

interface RecordRow {
  readonly chunk: number;
  readonly number: number;
  readonly id: string;
  readonly outcome: RecordOutcome;
  readonly code: ErrorCode | null;
  readonly message: string | null;
}

function toTaskRecord({ chunk, number, id, outcome, code, message }: RecordRow): TaskRecord {
  return {
    id,
    outcome,
    ...(code === null ? {} : { code }),
    ...(message === null ? {} : { message }),
    place: { chunk, number },
  };
}
