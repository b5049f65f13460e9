import { AppError } from "../../kernel/app-error.ts";
import type { Progress } from "./progress.ts";
import type { TaskPorts } from "./task-ports.ts";

/** Keeps an attempt's lease alive. */
export interface Lease {
  /** Aborts with AppError ATTEMPT_FENCED once another attempt has the task. */
  readonly signal: AbortSignal;
  stop(): void;
}

/**
 * Renews the lease every third of it, and stores the progress with it. A beat that cannot reach the store is
 * tried again at the next: should the lease run out meanwhile, the fence in every chunk's transaction keeps a
 * worker that has lost its task from writing.
 */
export function keepLease(
  ports: Pick<TaskPorts, "tasks" | "clock" | "logger">,
  attempt: { readonly taskId: string; readonly number: number },
  leaseMs: number,
  progress: () => Progress,
): Lease {
  const controller = new AbortController();
  const beat = async (): Promise<void> => {
    const { isCurrent } = await ports.tasks.heartbeat({
      taskId: attempt.taskId,
      attempt: attempt.number,
      at: ports.clock.now(),
      progress: progress(),
    });
    if (!isCurrent) {
      controller.abort(new AppError("ATTEMPT_FENCED", "Another attempt has taken the task over."));
    }
  };
  const stop = ports.clock.every(Math.ceil(leaseMs / 3), () => {
    beat().catch((error: unknown) => {
      ports.logger.warn({ err: error, taskId: attempt.taskId }, "a heartbeat did not reach the task store");
    });
  });
  return { signal: controller.signal, stop };
}
