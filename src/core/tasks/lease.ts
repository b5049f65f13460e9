import { AppError } from "../../kernel/app-error.ts";
import { createFailureLog } from "../../kernel/failure-log.ts";
import type { Progress } from "./progress.ts";
import type { StopAttempt } from "./running-attempts.ts";
import { cancelled } from "./running-attempts.ts";
import type { TaskPorts } from "./task-ports.ts";
import type { TaskStore } from "./task-store.ts";

/** The least time between two writes of progress beside the lease's own beats, in ms. */
const PROGRESS_INTERVAL_MS = 1000;

/** What keeping a lease works with. */
interface LeasePorts extends Pick<TaskPorts, "clock" | "logger"> {
  readonly tasks: Pick<TaskStore, "heartbeat">;
}

/**
 * Renews the lease every third of it, and stores the progress with it. In between it beats once a second while the
 * progress moves: of one transaction over all records nobody else can see how far it is. A beat that cannot reach the
 * store is tried again at the next: should the lease run out meanwhile, the fence in every chunk's transaction keeps a
 * worker that has lost its task from writing.
 * @param stop called when another attempt has the task, or when it is to be cancelled
 * @returns ends the heartbeats
 */
export function keepLease(
  ports: LeasePorts,
  attempt: { readonly taskId: string; readonly number: number },
  leaseMs: number,
  progress: () => Progress,
  stop: StopAttempt,
): () => void {
  let stored = progress();
  let beating = 0;
  const failures = createFailureLog(ports.logger, "a heartbeat");
  const beat = async (now: Progress): Promise<void> => {
    const { isCurrent, isCancelRequested } = await ports.tasks.heartbeat({
      taskId: attempt.taskId,
      attempt: attempt.number,
      at: ports.clock.now(),
      progress: now,
    });
    stored = now;
    if (!isCurrent) {
      stop(new AppError("ATTEMPT_FENCED", "Another attempt has taken the task over."));
    } else if (isCancelRequested) {
      stop(cancelled());
    }
  };
  const beatOnce = (): void => {
    beating += 1;
    beat(progress())
      .then(failures.worked)
      .catch((error: unknown) => failures.failed(error, { taskId: attempt.taskId }))
      .finally(() => (beating -= 1));
  };
  const stopRenewing = ports.clock.every(Math.ceil(leaseMs / 3), beatOnce);
  const stopStoring = ports.clock.every(PROGRESS_INTERVAL_MS, () => {
    // A store that takes longer than the interval is not asked for more.
    if (beating === 0 && hasMoved(stored, progress())) {
      beatOnce();
    }
  });
  return () => {
    stopRenewing();
    stopStoring();
  };
}

/** Counts only grow; pace and time left change all the time, and follow from them. */
function hasMoved(before: Progress, now: Progress): boolean {
  return now.processed !== before.processed || now.total !== before.total || now.message !== before.message;
}
