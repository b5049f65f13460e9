import type { PostponedTasks } from "../../../src/core/tasks/postponed-tasks.ts";
import type { StrandedTask } from "../../../src/core/tasks/stranded-tasks.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import type { Transaction } from "../../../src/core/transactions/transaction.ts";
import { requiredMemory } from "./memory-transaction.ts";
import { createMemoryUnitOfWork } from "./memory-unit-of-work.ts";
import type { StoredTask } from "./stored-task.ts";
import { strandedTask } from "./stranded-tasks.ts";
import type { TaskShelf } from "./task-shelf.ts";

/** Whether a slot of the task's key is free, the key locked until the transaction ends; true without a key. */
export async function hasSlot({ rows }: TaskShelf, transaction: Transaction, id: string): Promise<boolean> {
  const { concurrency, slot } = rows.get(id) ?? {};
  if (concurrency == null || slot === "GIVEN") {
    return true;
  }
  const all = await rows.lockSlots(transaction, concurrency.key);
  return countTaken(all) < concurrency.max && !all.some((row) => isTurnedAway(row) && row.id < id);
}

function countTaken(rows: readonly StoredTask[]): number {
  return rows.filter(
    ({ task: { status }, slot }) => status === "RUNNING" || (status === "PENDING" && slot === "GIVEN"),
  ).length;
}

function isTurnedAway({ task, slot }: StoredTask): boolean {
  return slot === "AWAITED" && task.status === "PENDING";
}

/** The postponed tasks of a memory task store. */
export function createMemoryPostponedTasks(shelf: TaskShelf): PostponedTasks {
  const { rows, enqueued, cancellations } = shelf;
  const unitOfWork = createMemoryUnitOfWork({ logger: createSilentLogger() });
  const wait = (transaction: Transaction, row: StoredTask, until: Date): void => {
    rows.put(transaction, {
      ...row,
      slot: null,
      task: { ...row.task, status: "PENDING", postponedUntil: until },
    });
    requiredMemory(transaction).atCommit.push(() => void enqueued.delete(row.id));
  };
  return {
    async postpone(transaction, { taskId, attempt, until }) {
      const row = await rows.lock(transaction, taskId);
      if (cancellations.has(taskId)) {
        return { kind: "CANCELLED" };
      }
      if (row?.task.status !== "RUNNING" || row.task.attempt !== attempt) {
        return { kind: "FENCED" };
      }
      wait(transaction, { ...row, task: { ...row.task, failures: row.task.failures + 1 } }, until);
      return { kind: "POSTPONED" };
    },
    async awaitKind(transaction, { taskId, attempt, at, minDelayMs, maxDelayMs, maxWaitMs }) {
      const row = await rows.lock(transaction, taskId);
      const { status, postponedUntil } = row?.task ?? {};
      const dueInMs = (postponedUntil ?? at).getTime() - at.getTime();
      const isDue = status === "PENDING" && (dueInMs <= 0 || dueInMs > maxDelayMs);
      if (row?.task.attempt !== attempt || !(isDue || status === "RUNNING")) {
        return undefined;
      }
      const since = row.unknownSince ?? at;
      const delayMs = Math.min(maxDelayMs, Math.max(minDelayMs, at.getTime() - since.getTime()));
      const until = new Date(Math.min(at.getTime() + delayMs, since.getTime() + maxWaitMs));
      wait(transaction, { ...row, unknownSince: since }, until);
      return { since, until };
    },
    findAwaitingKinds: async (kinds, limit) =>
      [...rows.all()]
        .filter(
          ({ task, unknownSince }) =>
            unknownSince !== null && task.status === "PENDING" && kinds.includes(task.kind),
        )
        .toSorted(byId)
        .slice(0, limit)
        .map(({ id, task }) => ({ id, attempt: task.attempt })),
    async giveSlots(taskId) {
      const keys = [...rows.all()].flatMap((row) => {
        const isAsked = taskId === undefined ? isTurnedAway(row) : row.id === taskId;
        return isAsked && row.concurrency !== null ? [row.concurrency.key] : [];
      });
      const given: StrandedTask[] = [];
      for (const key of new Set(keys)) {
        given.push(...(await unitOfWork.run((transaction) => give(shelf, transaction, key))));
      }
      return given;
    },
  };
}

async function give(
  { rows, enqueued }: TaskShelf,
  transaction: Transaction,
  key: string,
): Promise<readonly StrandedTask[]> {
  const all = await rows.lockSlots(transaction, key);
  const taken = countTaken(all);
  const next = all
    .filter(isTurnedAway)
    .toSorted(byId)
    .filter(({ concurrency }, at) => at < (concurrency?.max ?? 0) - taken);
  for (const row of next) {
    rows.put(transaction, { ...row, slot: "GIVEN" });
    requiredMemory(transaction).atCommit.push(() => void enqueued.delete(row.id));
  }
  return next.map(strandedTask);
}

function byId(a: StoredTask, b: StoredTask): number {
  return a.id < b.id ? -1 : 1;
}
