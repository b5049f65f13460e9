import type { EventBus } from "../../src/core/events/event-bus.ts";
import type { EventLog } from "../../src/core/events/event-log.ts";
import type { LockStore } from "../../src/core/locks/lock-store.ts";
import type { Counts } from "../../src/core/tasks/progress.ts";
import type { TaskQueue } from "../../src/core/tasks/task-queue.ts";
import type { TaskStore } from "../../src/core/tasks/task-store.ts";
import type { Transaction, UnitOfWork } from "../../src/core/transactions/transaction.ts";

/** One implementation of every port, wired together, with what tests need to disturb it. */
export interface World {
  readonly unitOfWork: UnitOfWork;
  readonly tasks: TaskStore;
  readonly log: EventLog;
  readonly locks: LockStore;
  readonly bus: EventBus;
  readonly queue: TaskQueue;
  /** Marks a chunk DONE, as the writer of chunks does with its data. */
  finishChunk(transaction: Transaction, taskId: string, number: number, counts: Counts): Promise<void>;
  /** Resolves once as many transactions as given wait for another one. */
  untilWaiting(count?: number): Promise<void>;
  close(): Promise<void>;
}
