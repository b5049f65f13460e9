import type { ErrorCode } from "../../kernel/error-codes.ts";
import { isUuid } from "../../kernel/ids.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";
import type { TaskError, TaskErrorOutcome } from "../../core/tasks/task-error.ts";
import { toDependents } from "../../core/tasks/task-claim.ts";
import { statusesBefore } from "../../core/tasks/task-status.ts";
import type { StrandedTask, TaskQuery, TaskStore, WaitingTask } from "../../core/tasks/task-store.ts";
import { requiredSession } from "../../core/transactions/required-session.ts";
import { createTask, findByIdempotencyKey } from "./create-task.ts";
import { settleAttempt } from "./settle-attempt.ts";
import { BEGIN_ATTEMPT, HEARTBEAT, REQUEST_CANCEL } from "./sql/attempt-statements.ts";
import { COUNT_TASKS, FIND_TASKS, LIST_TASKS } from "./sql/select-tasks.ts";
import {
  COUNT_TASK_ERRORS,
  END_WAITING,
  FIND_ORPHANS,
  FIND_UNCLEANED,
  FIND_UNBEGUN,
  FIND_UNENQUEUED,
  FIND_WAITING_FOR,
  FIND_WAITING_FOR_NOBODY,
  LIST_TASK_ERRORS,
  LOCK_WAITING,
  MARK_CLEANED,
  MARK_ENQUEUED,
  READ_CHUNK_IDS,
  SET_DEPENDENTS,
  START_WAITING,
  TAKE_TURN,
} from "./sql/task-statements.ts";
import { toTask } from "./task-row.ts";
import type { TaskRow } from "./task-row.ts";

type TaskReads = Pick<
  TaskStore,
  "findByIdempotencyKey" | "find" | "list" | "count" | "errors" | "countErrors"
>;
type StrandedReads = Pick<TaskStore, "findUnenqueued" | "findUnbegun" | "findOrphans" | "findUncleaned">;

/**
 * Tasks, chunks, attempts and errors as rows of the schema `powercrud`.
 * @param options.session for what happens outside a caller's transaction
 */
export function createPostgresTaskStore(options: { readonly session: SqlSession }): TaskStore {
  const { session } = options;
  return {
    ...createReads(session),
    ...createStrandedReads(session),
    ...createWaits(session),
    create: (transaction, task) => createTask(requiredSession(transaction), task),
    async markEnqueued(taskIds, at) {
      await session.query(MARK_ENQUEUED, [taskIds, at]);
    },
    async beginAttempt(transaction, { taskId, expectedAttempt, workerId, at }) {
      const values = [taskId, expectedAttempt, workerId, at, statusesBefore("RUNNING")];
      const [row] = await requiredSession(transaction).query<TaskRow>(BEGIN_ATTEMPT, values);
      return row === undefined ? undefined : { task: toTask(row), number: row.attempt };
    },
    async heartbeat({ taskId, attempt, at, progress }) {
      const stored = progress === undefined ? null : JSON.stringify(progress);
      const values = [taskId, attempt, at, stored];
      const [beaten] = await session.query<{ is_cancel_requested: boolean }>(HEARTBEAT, values);
      return { isCurrent: beaten !== undefined, isCancelRequested: beaten?.is_cancel_requested ?? false };
    },
    async requestCancel({ taskId, at, by }) {
      const running = await session.query(REQUEST_CANCEL, [taskId, at, by]);
      return running.length > 0 ? "REQUESTED" : "NOT_RUNNING";
    },
    async takeTurn(chore, at, intervalMs) {
      const before = new Date(at.getTime() - intervalMs);
      return (await session.query(TAKE_TURN, [chore, at, before])).length > 0;
    },
    settle: (transaction, taskId, attempt, settlement) =>
      settleAttempt(requiredSession(transaction), taskId, attempt, settlement),
    async markCleaned(transaction, taskId) {
      const marked = await requiredSession(transaction).query(MARK_CLEANED, [taskId]);
      return marked.length > 0;
    },
  };
}

function createReads(session: SqlSession): TaskReads {
  return {
    findByIdempotencyKey: (viewer, key) => findByIdempotencyKey(session, viewer.id, key),
    async find(ids) {
      const rows = await session.query<TaskRow>(FIND_TASKS, [ids.filter(isUuid)]);
      return new Map(rows.map((row) => [row.id, toTask(row)]));
    },
    async list(query) {
      const rows = await session.query<TaskRow>(LIST_TASKS, [
        ...filterValues(query),
        query.after ?? null,
        query.limit,
      ]);
      return rows.map(toTask);
    },
    async count(query) {
      const [row] = await session.query<{ count: number }>(COUNT_TASKS, filterValues(query));
      return row?.count ?? 0;
    },
    async errors(taskId, after, limit) {
      const rows = await session.query<TaskErrorRow>(LIST_TASK_ERRORS, [taskId, after, limit]);
      return rows.map(toTaskError);
    },
    async countErrors(taskId) {
      const [row] = await session.query<{ count: number }>(COUNT_TASK_ERRORS, [taskId]);
      return row?.count ?? 0;
    },
  };
}

type Waits = Pick<
  TaskStore,
  | "setDependents"
  | "recordIds"
  | "startWaiting"
  | "lockWaiting"
  | "endWaiting"
  | "findWaitingFor"
  | "findWaitingForNobody"
>;

function createWaits(session: SqlSession): Waits {
  return {
    async setDependents(transaction, taskId, claims) {
      const kept = JSON.stringify(toDependents(claims));
      await requiredSession(transaction).query(SET_DEPENDENTS, [taskId, kept]);
    },
    async recordIds(taskId) {
      const chunks = await session.query<{ ids: readonly string[] }>(READ_CHUNK_IDS, [taskId]);
      return chunks.flatMap(({ ids }) => ids);
    },
    async startWaiting(transaction, taskId, blockedBy) {
      const waiting = await requiredSession(transaction).query(START_WAITING, [taskId, blockedBy]);
      return waiting.length > 0;
    },
    async lockWaiting(transaction, taskId) {
      return (await requiredSession(transaction).query(LOCK_WAITING, [taskId])).length > 0;
    },
    async endWaiting(transaction, taskId) {
      return (await requiredSession(transaction).query(END_WAITING, [taskId])).length > 0;
    },
    findWaitingFor: (blockedBy, limit) => session.query<WaitingTask>(FIND_WAITING_FOR, [blockedBy, limit]),
    findWaitingForNobody: (limit) => session.query<WaitingTask>(FIND_WAITING_FOR_NOBODY, [limit]),
  };
}

function createStrandedReads(session: SqlSession): StrandedReads {
  const finder = (text: string) => (moment: Date, limit: number) =>
    session.query<StrandedTask>(text, [moment, limit]);
  return {
    findUnenqueued: finder(FIND_UNENQUEUED),
    findUnbegun: finder(FIND_UNBEGUN),
    findOrphans: finder(FIND_ORPHANS),
    findUncleaned: finder(FIND_UNCLEANED),
  };
}

/** Ids that are no UUIDs are no task's. */
function filterValues(query: Omit<TaskQuery, "after" | "limit">): readonly unknown[] {
  return [
    query.statuses ?? null,
    query.kinds ?? null,
    query.models ?? null,
    query.ids?.filter(isUuid) ?? null,
    query.createdBy ?? null,
  ];
}

interface TaskErrorRow {
  /** bigint comes as text. */
  readonly position: string;
  readonly record_id: string | null;
  readonly outcome: TaskErrorOutcome;
  readonly code: ErrorCode;
  readonly message: string;
  readonly field: string | null;
}

function toTaskError({ position, record_id: recordId, field, ...rest }: TaskErrorRow): TaskError {
  return { ...rest, recordId, position: Number(position), ...(field === null ? {} : { field }) };
}
