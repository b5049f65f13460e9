import { AppError } from "../../kernel/app-error.ts";
import type { Progress } from "./progress.ts";
import type { StopAttempt } from "./running-attempts.ts";
import { cancelled } from "./running-attempts.ts";
import type { TaskPorts } from "./task-ports.ts";

/**
 * Renews the lease every third of it, and stores the progress with it. A beat that cannot reach the store is
 * tried again at the next: should the lease run out meanwhile, the fence in every chunk's transaction keeps a
 * worker that has lost its task from writing.
 * @param stop called when another attempt has the task, or when it is to be cancelled
 * @returns ends the heartbeats
 */
export function keepLease(
  ports: Pick<TaskPorts, "tasks" | "clock" | "logger">,
  attempt: { readonly taskId: string; readonly number: number },
  leaseMs: number,
  progress: () => Progress,
  stop: StopAttempt,
): () => void {
  const beat = async (): Promise<void> => {
    const { isCurrent, isCancelRequested } = await ports.tasks.heartbeat({
      taskId: attempt.taskId,
      attempt: attempt.number,
      at: ports.clock.now(),
      progress: progress(),
    });
    if (!isCurrent) {
      stop(new AppError("ATTEMPT_FENCED", "Another attempt has taken the task over."));
    } else if (isCancelRequested) {
      stop(cancelled());
    }
  };
  return ports.clock.every(Math.ceil(leaseMs / 3), () => {
    beat().catch((error: unknown) => {
      ports.logger.warn({ err: error, taskId: attempt.taskId }, "a heartbeat did not reach the task store");
    });
  });
}
