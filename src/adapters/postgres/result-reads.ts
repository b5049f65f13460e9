import type { ErrorCode } from "../../kernel/error-codes.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";
import type { TaskError } from "../../core/tasks/task-error.ts";
import type { RecordOutcome, TaskRecord } from "../../core/tasks/task-results.ts";
import type { TaskStore } from "../../core/tasks/task-store.ts";
import {
  COUNT_TASK_ERRORS,
  LIST_FIRST_ERRORS,
  LIST_RECORDS,
  LIST_TASK_ERRORS,
} from "./sql/result-statements.ts";
import { toTaskError } from "./task-error-row.ts";
import type { TaskErrorRow } from "./task-error-row.ts";

type ResultReads = Pick<TaskStore, "errors" | "countErrors" | "firstErrors" | "errorCounts" | "records">;

/** What became of tasks' records: the store's reads of chunks and errors. */
export function createResultReads(session: SqlSession): ResultReads {
  const errorCounts: ResultReads["errorCounts"] = async (taskIds) => {
    const rows = await session.query<{ task_id: string; count: number }>(COUNT_TASK_ERRORS, [taskIds]);
    return new Map(rows.map(({ task_id: taskId, count }) => [taskId, count]));
  };
  return {
    errorCounts,
    countErrors: async (taskId) => (await errorCounts([taskId])).get(taskId) ?? 0,
    async errors(taskId, after, limit) {
      const rows = await session.query<TaskErrorRow>(LIST_TASK_ERRORS, [taskId, after, limit]);
      return rows.map(toTaskError);
    },
    async firstErrors(taskIds, limit) {
      const rows = await session.query<TaskErrorRow & { readonly task_id: string }>(LIST_FIRST_ERRORS, [
        taskIds,
        limit,
      ]);
      const errors = new Map<string, TaskError[]>();
      for (const { task_id: taskId, ...row } of rows) {
        const ofTask = errors.get(taskId) ?? [];
        ofTask.push(toTaskError(row));
        errors.set(taskId, ofTask);
      }
      return errors;
    },
    async records(taskId, after, limit) {
      const values = [taskId, after.chunk, after.number, limit];
      return (await session.query<RecordRow>(LIST_RECORDS, values)).map(toTaskRecord);
    },
  };
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
