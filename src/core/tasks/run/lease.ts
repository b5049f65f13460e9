import { AppError } from "../../../kernel/app-error.ts";
import { createFailureLog } from "../../../kernel/logger.ts";
import type { Progress } from "../progress.ts";
import type { TaskPorts } from "../settle/task-ports.ts";
import type { TaskAttempts } from "../task-attempts.ts";
import type { ProgressOutlet } from "./progress-reporter.ts";
import type { StopAttempt } from "./running-attempts.ts";
import { cancelled, paused } from "./running-attempts.ts";

/** The least time between two writes of progress besides the renewals, in ms. */
const STORE_INTERVAL_MS = 1000;

/** What keeping a lease needs. */
type LeasePorts = Pick<TaskPorts<Pick<TaskAttempts, "heartbeat">>, "tasks" | "clock" | "logger">;

/** What an attempt does at its heartbeats. */
export interface LeaseListener {
  /** Another attempt has the task, or it is to be cancelled or paused. */
  readonly stop: StopAttempt;
  /** Progress that has moved since it was last stored is in the store now. */
  stored(progress: Progress): void;
}

/** A lease that is being renewed. */
export interface Lease {
  /**
   * Stores progress that has moved, at most once a second. Other transactions cannot see the progress of a task in one
   * transaction in any other way.
   */
  readonly outlet: ProgressOutlet;
  /** Ends the heartbeats. Resolves once the one under way has ended. */
  end(): Promise<void>;
}

/**
 * Renews the lease after every third of it, and stores the progress with it. A beat that does not reach the store is
 * tried again at the next one. Should the lease run out meanwhile, the fence in every chunk's transaction keeps a worker
 * that has lost its task from writing.
 */
export function keepLease(
  ports: LeasePorts,
  attempt: { readonly taskId: string; readonly number: number; readonly leaseMs: number },
  progress: () => Progress,
  listener: LeaseListener,
): Lease {
  const { taskId, number, leaseMs } = attempt;
  const failures = createFailureLog(ports.logger, "a heartbeat");
  let stored: Progress | undefined;
  let latestBeat: Promise<boolean> = Promise.resolve(true);
  const beat = async (now: Progress): Promise<boolean> => {
    try {
      const { isCurrent, isCancelRequested, isPauseRequested } = await ports.tasks.heartbeat({
        taskId,
        attempt: number,
        at: ports.clock.now(),
        progress: now,
      });
      const isNews = stored === undefined || hasMoved(stored, now);
      stored = now;
      failures.worked();
      if (isNews) {
        listener.stored(now);
      }
      if (!isCurrent) {
        listener.stop(new AppError("ATTEMPT_FENCED", "Another attempt has taken the task over."));
      } else if (isCancelRequested) {
        listener.stop(cancelled());
      } else if (isPauseRequested) {
        listener.stop(paused());
      }
      return true;
    } catch (error) {
      failures.failed(error, { taskId });
      return false;
    }
  };
  const endBeats = ports.clock.every(Math.ceil(leaseMs / 3), () => {
    latestBeat = beat(progress());
  });
  return {
    outlet: {
      intervalMs: STORE_INTERVAL_MS,
      isPatient: true,
      async send() {
        // A store that takes long is not asked for more.
        await latestBeat;
        const now = progress();
        if (stored !== undefined && !hasMoved(stored, now)) {
          return true;
        }
        latestBeat = beat(now);
        return latestBeat;
      },
    },
    async end() {
      endBeats();
      await latestBeat;
    },
  };
}

/** Counts only grow. Pace and time left change all the time, and follow from them. */
function hasMoved(before: Progress, now: Progress): boolean {
  return now.processed !== before.processed || now.total !== before.total || now.message !== before.message;
}
