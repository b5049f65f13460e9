import { withDeadline } from "../support/deadline.ts";
import type { QueuedTask } from "../../src/core/tasks/task-queue.ts";

/** Work that runs until the test ends it. */
export interface ManualWork {
  work(task: QueuedTask): Promise<void>;
  /** The tasks that were begun, in order. */
  readonly started: readonly QueuedTask[];
  /** The most tasks that ran at a time. */
  maxRunning(): number;
  /** Resolves once that many were begun. */
  untilStarted(count: number): Promise<readonly QueuedTask[]>;
  /** Ends the oldest running one. */
  endOne(): void;
  /** Ends all running ones, and later ones as soon as they begin. */
  endAll(): void;
}

export function createManualWork(): ManualWork {
  const started: QueuedTask[] = [];
  const ends: (() => void)[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  let running = 0;
  let maxRunning = 0;
  let isFree = false;
  const check = (): void =>
    waiting.filter(({ count }) => started.length >= count).forEach(({ resolve }) => resolve());
  return {
    started,
    maxRunning: () => maxRunning,
    async work(task) {
      started.push(task);
      running += 1;
      maxRunning = Math.max(maxRunning, running);
      check();
      if (!isFree) {
        await new Promise<void>((resolve) => ends.push(resolve));
      }
      running -= 1;
    },
    async untilStarted(count) {
      await withDeadline(
        new Promise<void>((resolve) => {
          waiting.push({ count, resolve });
          check();
        }),
        20_000,
        `the begin of ${count} tasks`,
      );
      return started;
    },
    endOne: () => ends.shift()?.(),
    endAll() {
      isFree = true;
      ends.splice(0).forEach((end) => end());
    },
  };
}
