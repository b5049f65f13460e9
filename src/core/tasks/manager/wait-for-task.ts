import { AppError } from "../../../kernel/app-error.ts";
import type { Clock } from "../../../kernel/clock.ts";
import type { TaskFeed } from "../../events/task-feed.ts";
import { isFinal } from "../task-status.ts";
import type { Task } from "../task.ts";

/** How long to wait. */
export interface WaitOptions {
  /** Ends the wait with the signal's reason. The task goes on. */
  readonly signal?: AbortSignal;
  /** Ends the wait after so many ms with a DOMException named `TimeoutError`. The task goes on. Default: no limit. */
  readonly timeoutMs?: number;
}

/** Timers cannot be set for longer. */
const MAX_TIMEOUT_MS = 2_147_483_647;

/** See TaskManager.wait. */
export async function waitForTask(
  { feed, clock }: { readonly feed: TaskFeed; readonly clock: Clock },
  taskId: string,
  { signal, timeoutMs = MAX_TIMEOUT_MS }: WaitOptions = {},
): Promise<Task> {
  checkTimeout(timeoutMs);
  signal?.throwIfAborted();
  const ending = new AbortController();
  const end = (): void => ending.abort();
  signal?.addEventListener("abort", end, { once: true });
  const stopTimer = clock.after(timeoutMs, end);
  let task: Task | undefined;
  try {
    for await (task of feed.watch(taskId, { signal: ending.signal })) {
      // The last state counts.
    }
  } finally {
    stopTimer();
    signal?.removeEventListener("abort", end);
  }
  if (task !== undefined && isFinal(task.status)) {
    return task;
  }
  signal?.throwIfAborted();
  throw timeOut(taskId, task, timeoutMs);
}

function checkTimeout(timeoutMs: number): void {
  if (!(timeoutMs >= 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    const message = `timeoutMs: needs a number from 0 to ${MAX_TIMEOUT_MS}, not ${timeoutMs}.`;
    throw new AppError("VALIDATION_FAILED", message);
  }
}

/** @param task its last state; undefined where it was not read in time */
function timeOut(taskId: string, task: Task | undefined, timeoutMs: number): DOMException {
  const state = task === undefined ? "not read yet" : `still ${task.status}`;
  return new DOMException(`Task ${taskId} is ${state} after ${timeoutMs} ms.`, "TimeoutError");
}
