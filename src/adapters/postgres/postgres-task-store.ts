import { isUuid } from "../../kernel/ids.ts";
import type { SqlSession } from "../../kernel/sql-session.ts";
import { mergeBatches } from "../../core/tasks/record-batch.ts";
import type { RecordBatch } from "../../core/tasks/record-batch.ts";
import { toDependents } from "../../core/tasks/task-claim.ts";
import type { TaskClaim } from "../../core/tasks/task-claim.ts";
import { statusesBefore } from "../../core/tasks/task-status.ts";
import { MAX_LISTED_RETRIES } from "../../core/tasks/task-reads.ts";
import type { Task } from "../../core/tasks/task.ts";
import type { StrandedTask } from "../../core/tasks/stranded-tasks.ts";
import type { TaskQuery } from "../../core/tasks/task-reads.ts";
import type { TaskStore } from "../../core/tasks/task-store.ts";
import type { WaitingTask } from "../../core/tasks/waiting-line.ts";
import { requiredSession } from "../../core/transactions/required-session.ts";
import { createTask, findByIdempotencyKey, findDuplicate, lockDuplicate } from "./create-task.ts";
import { createResultReads } from "./result-reads.ts";
import { lockDone, settleAttempt } from "./settle-attempt.ts";
import { BEGIN_ATTEMPT, HEARTBEAT, REQUEST_CANCEL } from "./sql/attempt-statements.ts";
import { LIST_RETRIES, COUNT_TASKS, FIND_TASKS, LIST_TASKS } from "./sql/select-tasks.ts";
import { OWN_CLAIMS, RECORDS_TO_RETRY } from "./sql/retry-statements.ts";
import { PRUNE_TASKS } from "./sql/prune-tasks.ts";
import {
  END_WAITING,
  FIND_ORPHANS,
  FIND_UNCLEANED,
  FIND_UNBEGUN,
  FIND_UNENQUEUED,
  FIND_WAITING_FOR,
  FIND_WAITING_FOR_NOBODY,
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
  | "findByIdempotencyKey"
  | "findDuplicate"
  | "find"
  | "list"
  | "count"
  | "retries"
  | "recordsToRetry"
  | "ownClaims"
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
    ...createResultReads(session),
    ...createStrandedReads(session),
    ...createWaits(session),
    create: (transaction, task) => createTask(requiredSession(transaction), task),
    lockDuplicate: (transaction, viewer, key) => lockDuplicate(requiredSession(transaction), viewer.id, key),
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
      return running.length > 0;
    },
    async prune(finishedBefore, limit) {
      const pruned = await session.query<{ id: string }>(PRUNE_TASKS, [finishedBefore, limit]);
      return pruned.map(({ id }) => id);
    },
    async takeTurn(chore, at, intervalMs) {
      const before = new Date(at.getTime() - intervalMs);
      return (await session.query(TAKE_TURN, [chore, at, before])).length > 0;
    },
    lockDone: (transaction, taskId, attempt) => lockDone(requiredSession(transaction), taskId, attempt),
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
    findDuplicate: (viewer, key) => findDuplicate(session, viewer.id, key),
    ...createRetryReads(session),
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
  };
}

function createRetryReads(session: SqlSession): Pick<TaskStore, "retries" | "recordsToRetry" | "ownClaims"> {
  return {
    async retries(taskIds) {
      const rows = await session.query<TaskRow>(LIST_RETRIES, [taskIds.filter(isUuid), MAX_LISTED_RETRIES]);
      const byFirst = new Map<string, Task[]>();
      for (const task of rows.map(toTask)) {
        const first = task.retryOf ?? "";
        byFirst.set(first, [...(byFirst.get(first) ?? []), task]);
      }
      return byFirst;
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
