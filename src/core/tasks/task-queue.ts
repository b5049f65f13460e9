import type { Service } from "../../kernel/service.ts";
import type { StrandedTask } from "./stranded-tasks.ts";

/** A delivery: a task, and the number of its latest attempt when it was enqueued. */
export interface QueuedTask extends StrandedTask {
  /** Number of the helper of that attempt, from 1; left out for the task's next attempt. */
  readonly helper?: number;
  /** It is delivered after this time, in ms. Default: at once. */
  readonly delayMs?: number;
  /**
   * Why it is enqueued although an earlier delivery after the same attempt may still be there: it is due and was not begun, it
   * was given a slot after it had been turned away, or it was delivered too early. Default: none may be there.
   */
  readonly occasion?: "DUE" | "SLOT" | "EARLY";
}

/** Delivers tasks to workers, at least once. What a task must do is in the task store, not in the queue. */
export interface TaskQueue {
  /**
   * Enqueues. A task that is in the queue after the same attempt, on the same occasion, and was postponed until the same time,
   * is not doubled, nor is a helper.
   * @throws AppError UNAVAILABLE at once when the queue cannot be reached
   */
  enqueue(tasks: readonly QueuedTask[]): Promise<void>;
  /** Number of deliveries that wait, or are not due yet. @throws AppError UNAVAILABLE when the queue cannot be reached */
  count(): Promise<number>;
  /**
   * A consumer that calls `work` for each task taken from the queue, at most `concurrency` at a time. Its stop
   * takes nothing new and waits for what runs.
   */
  consume(options: {
    readonly concurrency: number;
    readonly work: (task: QueuedTask) => Promise<void>;
  }): Service;
  /** Closes the queue's connections. */
  close(): Promise<void>;
}
