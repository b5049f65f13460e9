import type { Counts, Progress } from "../../core/tasks/progress.ts";
import type { TaskError } from "../../core/tasks/task-error.ts";
import { canTransition } from "../../core/tasks/task-status.ts";
import type {
  CreateResult,
  NewTask,
  Settlement,
  StrandedTask,
  TaskStore,
  WaitingTask,
} from "../../core/tasks/task-store.ts";
import type { Task } from "../../core/tasks/task.ts";
import type { Transaction } from "../../core/transactions/transaction.ts";
import { requiredMemory } from "./memory-transaction.ts";
import { createMemoryTaskRows } from "./memory-task-rows.ts";
import type { MemoryTaskRows } from "./memory-task-rows.ts";
import { countDone, matchesQuery, readTask, storeTask } from "./stored-task.ts";
import type { StoredTask } from "./stored-task.ts";

/** A task store in memory, with the hand that a bulk writer in memory needs. */
export interface MemoryTaskStore extends TaskStore {
  /** Marks a chunk DONE, once; chunks are numbered from 1. False when it was DONE before, or there is none. */
  finishChunk(transaction: Transaction, taskId: string, number: number, counts: Counts): Promise<boolean>;
}

/** An attempt's lease; outside the task's row, so that a heartbeat waits for nobody. */
interface Lease {
  readonly heartbeatAt: Date;
  readonly progress: Progress | null;
}

/** What the parts of the store share. */
interface Shelf {
  readonly rows: MemoryTaskRows;
  readonly leases: Map<string, Lease>;
  readonly enqueued: Map<string, Date>;
  /** When tasks were asked to stop. */
  readonly cancellations: Map<string, Date>;
  readonly nextErrorPosition: () => number;
}

/**
 * Tasks of one process.
 * @param options.maxTasks how many are kept; beyond it the oldest cleaned ones are forgotten. Default 10,000
 */
export function createMemoryTaskStore(options: { readonly maxTasks?: number } = {}): MemoryTaskStore {
  let errorPosition = 0;
  const turns = new Map<string, Date>();
  const shelf: Shelf = {
    rows: createMemoryTaskRows(options.maxTasks ?? 10_000),
    leases: new Map(),
    enqueued: new Map(),
    cancellations: new Map(),
    nextErrorPosition: () => (errorPosition += 1),
  };
  return {
    ...createReads(shelf),
    ...createStrandedReads(shelf),
    ...createAttemptWrites(shelf),
    ...createWaits(shelf),
    create: (transaction, task) => createTask(shelf, transaction, task),
    async takeTurn(chore, at, intervalMs) {
      const last = turns.get(chore);
      if (last !== undefined && last.getTime() > at.getTime() - intervalMs) {
        return false;
      }
      turns.set(chore, at);
      return true;
    },
    async markEnqueued(taskIds, at) {
      const pending = taskIds.filter((id) => shelf.rows.get(id)?.task.status === "PENDING");
      pending.forEach((id) => shelf.enqueued.set(id, at));
    },
    async settle(transaction, taskId, attempt, settlement) {
      const row = await shelf.rows.lock(transaction, taskId);
      if (row?.task.attempt !== attempt || !canTransition(row.task.status, settlement.status)) {
        return false;
      }
      shelf.rows.put(transaction, settled(row, settlement, shelf.nextErrorPosition));
      requiredMemory(transaction).atCommit.push(() => {
        shelf.leases.delete(leaseKey(row));
        shelf.enqueued.delete(taskId);
      });
      return true;
    },
    async markCleaned(transaction, taskId) {
      const row = await shelf.rows.lock(transaction, taskId);
      if (row?.task.finishedAt == null || row.cleanedAt !== null) {
        return false;
      }
      shelf.rows.put(transaction, { ...row, cleanedAt: new Date() });
      return true;
    },
    async finishChunk(transaction, taskId, number, counts) {
      const row = await shelf.rows.lock(transaction, taskId);
      const chunk = row?.chunks[number - 1];
      if (row === undefined || chunk === undefined || chunk.isDone) {
        return false;
      }
      const chunks = row.chunks.with(number - 1, { ...chunk, ...counts, isDone: true });
      shelf.rows.put(transaction, { ...row, chunks });
      return true;
    },
  };
}

async function createTask(
  { rows, nextErrorPosition }: Shelf,
  transaction: Transaction,
  task: NewTask,
): Promise<CreateResult> {
  const key = task.idempotencyKey;
  const existing = key === null ? undefined : await rows.lockKey(transaction, task.viewer.id, key);
  if (existing !== undefined) {
    return { isCreated: false, existing: { id: existing.id, inputHash: existing.inputHash } };
  }
  await rows.lock(transaction, task.id);
  rows.put(transaction, storeTask(task, nextErrorPosition));
  return { isCreated: true };
}

function settled(row: StoredTask, settlement: Settlement, nextPosition: () => number): StoredTask {
  const { status, message, result, finishedAt, errors = [] } = structuredClone(settlement);
  const added: readonly TaskError[] = errors.map((error) => ({ ...error, position: nextPosition() }));
  return {
    ...row,
    task: { ...row.task, status, message, result, finishedAt, blockedBy: null },
    counts: settlement.counts ?? countDone(row),
    total: settlement.total ?? row.total,
    errors: [...row.errors, ...added],
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

function createWaits({ rows }: Shelf): Waits {
  const find = (isWanted: (blocker: string) => boolean, limit: number): WaitingTask[] =>
    [...rows.all()]
      .filter(({ task }) => task.status === "WAITING" && isWanted(task.blockedBy ?? ""))
      .map(({ id, task, hasDependents }) => ({ id, attempt: task.attempt, hasDependents }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit);
  return {
    async setDependents(transaction, taskId, claims) {
      const row = await rows.lock(transaction, taskId);
      if (row !== undefined) {
        rows.put(transaction, { ...row, hasDependents: claims.length > 0 });
      }
    },
    recordIds: async (taskId) => rows.get(taskId)?.chunks.flatMap(({ ids }) => ids) ?? [],
    async startWaiting(transaction, taskId, blockedBy) {
      const row = await rows.lock(transaction, taskId);
      if (row?.task.status !== "PENDING" && row?.task.status !== "WAITING") {
        return false;
      }
      rows.put(transaction, { ...row, task: { ...row.task, status: "WAITING", blockedBy } });
      return true;
    },
    async lockWaiting(transaction, taskId) {
      return (await rows.lock(transaction, taskId))?.task.status === "WAITING";
    },
    async endWaiting(transaction, taskId) {
      const row = await rows.lock(transaction, taskId);
      if (row?.task.status !== "WAITING") {
        return false;
      }
      rows.put(transaction, { ...row, task: { ...row.task, status: "PENDING", blockedBy: null } });
      return true;
    },
    findWaitingFor: async (blockedBy, limit) => find((blocker) => blocker === blockedBy, limit),
    findWaitingForNobody: async (limit) =>
      find((blocker) => rows.get(blocker)?.task.finishedAt !== null, limit),
  };
}

type AttemptWrites = Pick<TaskStore, "beginAttempt" | "heartbeat" | "requestCancel">;

function createAttemptWrites({ rows, leases, cancellations }: Shelf): AttemptWrites {
  return {
    async requestCancel({ taskId, at }) {
      if (rows.get(taskId)?.task.status !== "RUNNING") {
        return "NOT_RUNNING";
      }
      cancellations.set(taskId, cancellations.get(taskId) ?? at);
      return "REQUESTED";
    },
    async beginAttempt(transaction, { taskId, expectedAttempt, at }) {
      const row = await rows.lock(transaction, taskId);
      if (row?.task.attempt !== expectedAttempt || !canTransition(row.task.status, "RUNNING")) {
        return undefined;
      }
      const number = expectedAttempt + 1;
      const task = {
        ...row.task,
        status: "RUNNING",
        attempt: number,
        startedAt: row.task.startedAt ?? at,
      } as const;
      const begun: StoredTask = { ...row, task };
      rows.put(transaction, begun);
      leases.set(leaseKey(begun), { heartbeatAt: at, progress: null });
      requiredMemory(transaction).atCommit.push(() => void leases.delete(leaseKey(row)));
      const cancelRequestedAt = cancellations.get(taskId) ?? null;
      return { task: readTask(begun, { reported: null, cancelRequestedAt }), number };
    },
    async heartbeat({ taskId, attempt, at, progress }) {
      const row = rows.get(taskId);
      if (row?.task.status !== "RUNNING" || row.task.attempt !== attempt) {
        return { isCurrent: false, isCancelRequested: cancellations.has(taskId) };
      }
      const before = leases.get(leaseKey(row))?.progress ?? null;
      leases.set(leaseKey(row), {
        heartbeatAt: at,
        progress: progress === undefined ? before : { ...progress },
      });
      return { isCurrent: true, isCancelRequested: cancellations.has(taskId) };
    },
  };
}

type TaskReads = Pick<
  TaskStore,
  "findByIdempotencyKey" | "find" | "list" | "count" | "errors" | "countErrors"
>;

function createReads({ rows, leases, cancellations }: Shelf): TaskReads {
  const read = (row: StoredTask): Task =>
    readTask(row, {
      reported: leases.get(leaseKey(row))?.progress ?? null,
      cancelRequestedAt: cancellations.get(row.id) ?? null,
    });
  return {
    async findByIdempotencyKey(viewer, key) {
      const row = [...rows.all()].find(
        (one) => one.idempotencyKey === key && one.task.viewer.id === viewer.id,
      );
      return row === undefined ? undefined : { id: row.id, inputHash: row.inputHash };
    },
    async find(ids) {
      const found = ids.flatMap((id) => rows.get(id) ?? []);
      return new Map(found.map((row) => [row.id, read(row)]));
    },
    async list(query) {
      const matching = [...rows.all()].filter((row) => matchesQuery(row, query));
      const before = matching.filter(({ id }) => query.after === undefined || id < query.after);
      return before
        .toSorted((a, b) => (a.id < b.id ? 1 : -1))
        .slice(0, query.limit)
        .map(read);
    },
    async count(query) {
      return [...rows.all()].filter((row) => matchesQuery(row, query)).length;
    },
    async errors(taskId, after, limit) {
      const errors = rows.get(taskId)?.errors ?? [];
      return errors.filter(({ position }) => position > after).slice(0, limit);
    },
    async countErrors(taskId) {
      return rows.get(taskId)?.errors.length ?? 0;
    },
  };
}

function createStrandedReads({
  rows,
  leases,
  enqueued,
}: Shelf): Pick<TaskStore, "findUnenqueued" | "findUnbegun" | "findOrphans" | "findUncleaned"> {
  /** `since` says how long a row has been stranded; undefined where it is not. */
  const find = (
    since: (row: StoredTask) => Date | null | undefined,
    before: Date,
    limit: number,
  ): StrandedTask[] =>
    [...rows.all()]
      .flatMap((row) => {
        const moment = since(row);
        return moment != null && moment < before ? [{ id: row.id, attempt: row.task.attempt, moment }] : [];
      })
      .toSorted((a, b) => a.moment.getTime() - b.moment.getTime() || (a.id < b.id ? -1 : 1))
      .slice(0, limit)
      .map(({ id, attempt }) => ({ id, attempt }));
  const isUnenqueued = ({ id, task }: StoredTask): boolean => task.status === "PENDING" && !enqueued.has(id);
  return {
    findUnenqueued: async (before, limit) =>
      find((row) => (isUnenqueued(row) ? row.task.createdAt : null), before, limit),
    findUnbegun: async (before, limit) =>
      find(({ id, task }) => (task.status === "PENDING" ? enqueued.get(id) : null), before, limit),
    findOrphans: async (before, limit) =>
      find(
        (row) => (row.task.status === "RUNNING" ? leases.get(leaseKey(row))?.heartbeatAt : null),
        before,
        limit,
      ),
    findUncleaned: async (before, limit) =>
      find((row) => (row.cleanedAt === null ? row.task.finishedAt : null), before, limit),
  };
}

function leaseKey({ id, task }: StoredTask): string {
  return `${id}:${task.attempt}`;
}
