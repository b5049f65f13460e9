import type { EventBus } from "../../src/core/events/event-bus.ts";
import type { EventLog } from "../../src/core/events/event-log.ts";
import type { Counts } from "../../src/core/tasks/progress.ts";
import type { TaskQueue } from "../../src/core/tasks/task-queue.ts";
import type { TaskStore } from "../../src/core/tasks/task-store.ts";
import type { Transaction, UnitOfWork } from "../../src/core/transactions/transaction.ts";

/** Queue and bus of one backend. */
export interface Transports {
  readonly bus: EventBus;
  readonly queue: TaskQueue;
  close(): Promise<void>;
}

/** One implementation of the ports that share transactions, with what tests need to disturb it. */
export interface World extends Transports {
  readonly unitOfWork: UnitOfWork;
  readonly tasks: TaskStore;
  readonly log: EventLog;
  /** Marks a chunk DONE, as the chunk writer does with its data. */
  finishChunk(transaction: Transaction, taskId: string, number: number, counts: Counts): Promise<void>;
  /** Resolves once that many transactions wait for another one. */
  untilWaiting(count?: number): Promise<void>;
}
