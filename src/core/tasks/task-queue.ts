import type { Service } from "../../kernel/service.ts";
import type { StrandedTask } from "./stranded-tasks.ts";

/** What travels through the queue: which task, and which attempt was its latest when it was enqueued. */
export interface QueuedTask extends StrandedTask {
  /** Which helper of that attempt is wanted, from 1 on; left out for the task's next attempt itself. */
  readonly helper?: number;
}

/** Hands tasks to workers, at least once. The rows in the task store, not the queue, say what is to be done. */
export interface TaskQueue {
  /**
   * Enqueues; a task already in the queue after the same attempt is not doubled, nor is a helper.
   * @throws AppError UNAVAILABLE at once when the queue cannot be reached
   */
  enqueue(tasks: readonly QueuedTask[]): Promise<void>;
  /** How many tasks wait in it. @throws AppError UNAVAILABLE when the queue cannot be reached */
  count(): Promise<number>;
  /**
   * A consumer that calls `work` for each task taken from the queue, at most `concurrency` at a time. Its stop
   * takes nothing new and waits for what runs.
   */
  consume(options: {
    readonly concurrency: number;
    readonly work: (task: QueuedTask) => Promise<void>;
  }): Service;
  /** Lets go of the queue's connections. */
  close(): Promise<void>;
}
