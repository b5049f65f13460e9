import { AppError } from "../../../src/kernel/app-error.ts";
import { createMemoryGate } from "./memory-gate.ts";
import { requiredMemory } from "./memory-transaction.ts";
import type { MemoryTransaction } from "./memory-transaction.ts";
import type { Transaction } from "../../../src/core/transactions/transaction.ts";
import type { StoredTask } from "./stored-task.ts";

/** The rows of a memory task store, with the locks and isolation that transactions need. */
export interface MemoryTaskRows {
  /** The committed rows. */
  get(id: string): StoredTask | undefined;
  all(): Iterable<StoredTask>;
  /** The row locked until the transaction ends, with the transaction's own changes. */
  lock(transaction: Transaction, id: string): Promise<StoredTask | undefined>;
  /** The task under an idempotency key, the key locked until the transaction ends. */
  lockKey(transaction: Transaction, creator: string | null, key: string): Promise<StoredTask | undefined>;
  /** The unsettled task with a duplicate key, the key locked until the transaction ends. */
  lockDuplicate(
    transaction: Transaction,
    creator: string | null,
    key: string,
  ): Promise<StoredTask | undefined>;
  /** The unsettled tasks with a concurrency key, the key locked until the transaction ends. */
  lockSlots(transaction: Transaction, key: string): Promise<readonly StoredTask[]>;
  /** Visible to others with the commit. */
  put(transaction: Transaction, row: StoredTask): void;
  /** Forgets the row at once, and clears its retries' reference to it. */
  remove(id: string): void;
}

/** @param maxTasks above it the oldest cleaned tasks are forgotten; if none is cleaned, new ones are refused */
export function createMemoryTaskRows(maxTasks: number): MemoryTaskRows {
  const rows = new Map<string, StoredTask>();
  const gate = createMemoryGate();
  const drafts = new WeakMap<MemoryTransaction, Map<string, StoredTask>>();

  const draftOf = (transaction: Transaction): Map<string, StoredTask> => {
    const memory = requiredMemory(transaction);
    const existing = drafts.get(memory);
    if (existing !== undefined) {
      return existing;
    }
    const draft = new Map<string, StoredTask>();
    drafts.set(memory, draft);
    memory.atCommit.push(() => draft.forEach((row) => rows.set(row.id, row)));
    return draft;
  };
  const makeRoom = (): void => {
    const cleaned = [...rows.values()].find((row) => row.cleanedAt !== null);
    if (cleaned === undefined) {
      throw new AppError("UNAVAILABLE", "The task store is full.");
    }
    forget(rows, cleaned.id);
  };
  const view = (transaction: Transaction): readonly StoredTask[] => {
    const draft = draftOf(transaction);
    return [...[...rows.values()].filter((row) => !draft.has(row.id)), ...draft.values()];
  };
  return {
    get: (id) => rows.get(id),
    remove: (id) => forget(rows, id),
    all: () => rows.values(),
    async lock(transaction, id) {
      await gate.enter(requiredMemory(transaction), `task ${id}`, "EXCLUSIVE");
      return draftOf(transaction).get(id) ?? rows.get(id);
    },
    async lockKey(transaction, creator, key) {
      await gate.enter(requiredMemory(transaction), `key ${JSON.stringify([creator, key])}`, "EXCLUSIVE");
      return view(transaction).find((row) => row.idempotencyKey === key && row.task.viewer.id === creator);
    },
    async lockDuplicate(transaction, creator, key) {
      await gate.enter(
        requiredMemory(transaction),
        `duplicate ${JSON.stringify([creator, key])}`,
        "EXCLUSIVE",
      );
      return view(transaction).find((row) => row.duplicateKey === key && row.task.viewer.id === creator);
    },
    async lockSlots(transaction, key) {
      await gate.enter(requiredMemory(transaction), `places ${key}`, "EXCLUSIVE");
      return view(transaction).filter((row) => row.concurrency?.key === key && row.task.finishedAt === null);
    },
    put(transaction, row) {
      if (!rows.has(row.id) && rows.size >= maxTasks) {
        makeRoom();
      }
      draftOf(transaction).set(row.id, row);
    },
  };
}

function forget(rows: Map<string, StoredTask>, id: string): void {
  rows.delete(id);
  for (const row of rows.values()) {
    if (row.task.retryOf === id) {
      rows.set(row.id, { ...row, task: { ...row.task, retryOf: null } });
    }
  }
}
