import { takeWindow } from "../../../src/kernel/list-window.ts";
import type { Counts } from "../../../src/core/tasks/progress.ts";
import type { TaskError } from "../../../src/core/tasks/task-error.ts";
import type { NewTasks } from "../../../src/core/tasks/new-tasks.ts";
import type { TaskAttempts } from "../../../src/core/tasks/task-attempts.ts";
import type { TaskReads } from "../../../src/core/tasks/task-reads.ts";
import type { WaitingLine } from "../../../src/core/tasks/waiting-line.ts";
import { isWithin } from "../../../src/core/tasks/task-sight.ts";
import { canTransition, isFinal } from "../../../src/core/tasks/task-status.ts";
import { MAX_LISTED_CHILDREN, MAX_LISTED_RETRIES } from "../../../src/core/tasks/task-reads.ts";
import type { CreateResult, IdempotentTask, NewTask } from "../../../src/core/tasks/new-tasks.ts";
import type { Settlement } from "../../../src/core/tasks/task-attempts.ts";
import type { TaskStore } from "../../../src/core/tasks/task-store.ts";
import type { WaitingTask } from "../../../src/core/tasks/waiting-line.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import type { Transaction } from "../../../src/core/transactions/transaction.ts";
import { createMemoryHookCalls, putHookCalls } from "./memory-hook-calls.ts";
import { createMemoryPostponedTasks, hasSlot } from "./memory-postponed-tasks.ts";
import { createMemoryPauses } from "./memory-pauses.ts";
import { createMemoryResultReads } from "./memory-result-reads.ts";
import { requiredMemory } from "./memory-transaction.ts";
import { createMemoryTaskRows } from "./memory-task-rows.ts";
import { createStrandedReads } from "./stranded-tasks.ts";
import { leaseKey } from "./task-shelf.ts";
import type { TaskShelf } from "./task-shelf.ts";
import type { TaskStatus } from "../../../src/core/tasks/task-status.ts";
import { countDone, matchesQuery, readTask, storeTask } from "./stored-task.ts";
import type { StoredTask } from "./stored-task.ts";

/** A task store in memory, with what tests need in the place of a chunk writer. */
export interface MemoryTaskStore extends TaskStore {
  /** Marks a chunk DONE. Chunks are numbered from 1. @returns false when it was DONE before, or does not exist */
  finishChunk(transaction: Transaction, taskId: string, number: number, counts: Counts): Promise<boolean>;
}

/**
 * A task store within one process.
 * @param options.maxTasks the most tasks; above it the oldest cleaned ones are forgotten. Default 10,000
 */
export function createMemoryTaskStore(options: { readonly maxTasks?: number } = {}): MemoryTaskStore {
  let errorPosition = 0;
  const shelf: TaskShelf = {
    rows: createMemoryTaskRows(options.maxTasks ?? 10_000),
    leases: new Map(),
    enqueued: new Map(),
    cancellations: new Map(),
    pauses: new Map(),
    hookCalls: new Map(),
    nextErrorPosition: () => (errorPosition += 1),
  };
  return {
    ...createReads(shelf),
    ...createStrandedReads(shelf),
    ...createAttempts(shelf),
    ...createMemoryPostponedTasks(shelf),
    ...createMemoryPauses(shelf),
    ...createMemoryHookCalls(shelf),
    ...createWaitingLine(shelf),
    ...createNewTasks(shelf),
    ...createMemoryResultReads(shelf.rows),
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

type Settling = Pick<TaskAttempts, "markEnqueued" | "lockDone" | "settle" | "markCleaned">;

function createSettling(shelf: TaskShelf): Settling {
  return {
    async markEnqueued(taskIds, at) {
      const pending = taskIds.filter((id) => shelf.rows.get(id)?.task.status === "PENDING");
      pending.forEach((id) => shelf.enqueued.set(id, at));
    },
    async lockDone(transaction, taskId, attempt) {
      const row = await shelf.rows.lock(transaction, taskId);
      if (row?.task.attempt !== attempt || isFinal(row.task.status)) {
        return undefined;
      }
      const hasChunks = row.chunks.length + row.skippedAtLaunch > 0;
      return { counts: hasChunks ? countDone(row) : null };
    },
    async settle(transaction, taskId, attempt, settlement) {
      const row = await shelf.rows.lock(transaction, taskId);
      if (row?.task.attempt !== attempt || !canTransition(row.task.status, settlement.status)) {
        return undefined;
      }
      if (settlement.byAttempt === true && row.task.status !== "RUNNING") {
        return undefined;
      }
      shelf.rows.put(transaction, settled(row, settlement, shelf.nextErrorPosition));
      requiredMemory(transaction).atCommit.push(() => {
        shelf.leases.delete(leaseKey(row));
        shelf.enqueued.delete(taskId);
        putHookCalls(shelf, taskId, settlement);
      });
      return { notified: [] };
    },
    async markCleaned(transaction, taskId) {
      const row = await shelf.rows.lock(transaction, taskId);
      if (row?.task.finishedAt == null || row.cleanedAt !== null) {
        return false;
      }
      shelf.rows.put(transaction, { ...row, cleanedAt: new Date() });
      return true;
    },
  };
}

function createNewTasks(shelf: TaskShelf): NewTasks {
  const { rows } = shelf;
  return {
    create: (transaction, task) => createTask(shelf, transaction, task),
    async findByIdempotencyKey(viewer, key) {
      const row = [...rows.all()].find(
        (one) => one.idempotencyKey === key && one.task.viewer.id === viewer.id,
      );
      return row && idempotent(row);
    },
    async findDuplicate(viewer, key) {
      const row = [...rows.all()].find((one) => one.duplicateKey === key && one.task.viewer.id === viewer.id);
      return row && idempotent(row);
    },
    async lockDuplicate(transaction, viewer, key) {
      const row = await shelf.rows.lockDuplicate(transaction, viewer.id, key);
      return row && idempotent(row);
    },
  };
}

async function createTask(
  { rows, nextErrorPosition }: TaskShelf,
  transaction: Transaction,
  task: NewTask,
): Promise<CreateResult> {
  const { idempotencyKey, duplicateKey, viewer } = task;
  const existing =
    (idempotencyKey === null ? undefined : await rows.lockKey(transaction, viewer.id, idempotencyKey)) ??
    (duplicateKey === null ? undefined : await rows.lockDuplicate(transaction, viewer.id, duplicateKey));
  if (existing !== undefined) {
    return { kind: "EXISTING", existing: idempotent(existing) };
  }
  if (task.retryOf !== null && (await rows.lock(transaction, task.retryOf)) === undefined) {
    return { kind: "RETRIED_TASK_GONE" };
  }
  await rows.lock(transaction, task.id);
  rows.put(transaction, storeTask(task, nextErrorPosition));
  return { kind: "CREATED" };
}

function settled(row: StoredTask, settlement: Settlement, nextPosition: () => number): StoredTask {
  const { status, message, result, finishedAt, errors = [] } = structuredClone(settlement);
  const added: readonly TaskError[] = errors.map((error) => ({ ...error, position: nextPosition() }));
  return {
    ...row,
    task: { ...row.task, status, message, result, finishedAt, blockedBy: null },
    duplicateKey: null,
    counts: settlement.counts,
    total: settlement.total ?? row.total,
    errors: [...row.errors, ...added],
  };
}

function createWaitingLine({ rows }: TaskShelf): WaitingLine {
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
        return undefined;
      }
      rows.put(transaction, { ...row, task: { ...row.task, status: "PENDING", blockedBy: null } });
      return row.task;
    },
    findWaitingFor: async (blockedBy, limit) => find((blocker) => blocker === blockedBy, limit),
    findUnblocked: async (limit) =>
      find((blocker) => rows.get(blocker)?.task.finishedAt !== null, limit).map((task) => ({
        ...task,
        unblockedAt: rows.get(rows.get(task.id)?.task.blockedBy ?? "")?.task.finishedAt ?? null,
      })),
  };
}

function createAttempts(shelf: TaskShelf): TaskAttempts {
  const { rows, leases, cancellations, pauses } = shelf;
  return {
    ...createSettling(shelf),
    async fence(transaction, taskId, attempt) {
      const row = await rows.lock(transaction, taskId);
      return row?.task.status === "RUNNING" && row.task.attempt === attempt;
    },
    startWait: async () => {
      throw new TypeError("the memory store has no waits");
    },
    endWait: async () => undefined,
    findPlaceless: async () => undefined,
    async requestCancel({ taskId, at }) {
      if (rows.get(taskId)?.task.status !== "RUNNING") {
        return false;
      }
      cancellations.set(taskId, cancellations.get(taskId) ?? at);
      return true;
    },
    async beginAttempt(transaction, { taskId, expectedAttempt, at, kinds }) {
      // The key before the row, as in PostgreSQL.
      const isFree = await hasSlot(shelf, transaction, taskId);
      const row = await rows.lock(transaction, taskId);
      if (row?.task.attempt !== expectedAttempt || !canTransition(row.task.status, "RUNNING")) {
        return undefined;
      }
      if (kinds?.includes(row.task.kind) === false) {
        return undefined;
      }
      if (!isFree && row.task.status === "PENDING") {
        rows.put(transaction, { ...row, slot: "AWAITED" });
        return undefined;
      }
      const number = expectedAttempt + 1;
      const task = {
        ...row.task,
        status: "RUNNING",
        attempt: number,
        startedAt: row.task.startedAt ?? at,
      } as const;
      const begun: StoredTask = { ...row, task, unknownSince: null, slot: null };
      rows.put(transaction, begun);
      leases.set(leaseKey(begun), { heartbeatAt: at, progress: null });
      requiredMemory(transaction).atCommit.push(() => void leases.delete(leaseKey(row)));
      const cancelRequestedAt = cancellations.get(taskId) ?? null;
      return {
        task: readTask(begun, { reported: null, cancelRequestedAt, pause: pauses.get(taskId) }),
        number,
      };
    },
    async noteHandOver(taskId, attempt) {
      const row = rows.get(taskId);
      if (row?.task.status === "RUNNING" && row.task.attempt === attempt) {
        const atCommit: (() => void)[] = [];
        const transaction = {
          session: undefined,
          atCommit,
          atEnd: [],
          onCommit: () => undefined,
          onRollback: () => undefined,
        };
        rows.put(transaction, { ...row, task: { ...row.task, handOvers: (row.task.handOvers ?? 0) + 1 } });
        atCommit.forEach((commit) => commit());
      }
    },
    async heartbeat({ taskId, attempt, at, progress }) {
      const row = rows.get(taskId);
      const requests = { isCancelRequested: cancellations.has(taskId), isPauseRequested: pauses.has(taskId) };
      if (row?.task.status !== "RUNNING" || row.task.attempt !== attempt) {
        return { isCurrent: false, ...requests };
      }
      const before = leases.get(leaseKey(row))?.progress ?? null;
      leases.set(leaseKey(row), {
        heartbeatAt: at,
        progress: progress === undefined ? before : { ...progress },
      });
      return { isCurrent: true, ...requests };
    },
  };
}

function idempotent({ id, inputHash }: StoredTask): IdempotentTask {
  return { id, inputHash };
}

function createReads(shelf: TaskShelf): TaskReads {
  const { rows, leases, cancellations, pauses } = shelf;
  const read = (row: StoredTask): Task =>
    readTask(row, {
      reported: leases.get(leaseKey(row))?.progress ?? null,
      cancelRequestedAt: cancellations.get(row.id) ?? null,
      pause: pauses.get(row.id),
    });
  const referring = (
    taskIds: readonly string[],
    limit: number,
    keyOf: (row: StoredTask) => string | null,
  ): ReadonlyMap<string, readonly Task[]> => {
    const groups = new Map<string, Task[]>();
    for (const row of [...rows.all()].toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
      const key = keyOf(row);
      if (key !== null && taskIds.includes(key)) {
        groups.set(key, [...(groups.get(key) ?? []), read(row)].slice(0, limit));
      }
    }
    return groups;
  };
  return {
    async find(ids) {
      const found = ids.flatMap((id) => rows.get(id) ?? []);
      return new Map(found.map((row) => [row.id, read(row)]));
    },
    async list(query) {
      const matching = [...rows.all()].filter((row) => matchesQuery(row, query));
      const newestFirst = matching.toSorted((a, b) => (a.id < b.id ? 1 : -1));
      return takeWindow(newestFirst, query, ({ id }, place) => (id === place ? 0 : id < place ? 1 : -1)).map(
        read,
      );
    },
    retries: async (taskIds, seen) =>
      referring(taskIds, MAX_LISTED_RETRIES, ({ task }) => (isWithin(seen, task) ? task.retryOf : null)),
    children: async (taskIds, seen) =>
      referring(taskIds, MAX_LISTED_CHILDREN, ({ task }) => (isWithin(seen, task) ? task.parent : null)),
    async newestRetry(taskId) {
      const chain = new Set([taskId]);
      let newest: Task | undefined;
      for (const row of [...rows.all()].toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
        if (row.task.retryOf !== null && chain.has(row.task.retryOf)) {
          chain.add(row.id);
          newest = read(row);
        }
      }
      return newest;
    },
    async count(query) {
      return [...rows.all()].filter((row) => matchesQuery(row, query)).length;
    },
    async countByStatus({ statuses: _all, ...query }) {
      const counts = new Map<TaskStatus, number>();
      for (const { task } of [...rows.all()].filter((row) => matchesQuery(row, query))) {
        counts.set(task.status, (counts.get(task.status) ?? 0) + 1);
      }
      return counts;
    },
    recordIds: async (taskId) => rows.get(taskId)?.chunks.flatMap(({ ids }) => ids) ?? [],
  };
}
