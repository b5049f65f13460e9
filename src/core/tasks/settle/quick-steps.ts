import type { NewLifecycleEvent } from "../../events/event-log.ts";
import type { Claim } from "../../locks/claim.ts";
import type { NewTask } from "../new-tasks.ts";
import type { Attempt, Settlement } from "../task-attempts.ts";

/** A settlement as a quick step takes it. */
export interface QuickEnding {
  readonly taskId: string;
  /** The attempt that settles. */
  readonly attempt: number;
  /** Without errors of records. */
  readonly settlement: Settlement;
  /** The event of the end. */
  readonly event: NewLifecycleEvent;
}

/**
 * Whole steps in the life of a task, each atomic by itself and in one round trip, together with the steps of other tasks
 * that come at the same time. They write what the ordinary way writes in a transaction of several statements.
 *
 * A quick step does only the ordinary. Where a task needs more, where its row is taken, or where a statement fails, it
 * does nothing and returns undefined: then the ordinary way decides, and says why.
 *
 * Every method throws AppError UNAVAILABLE when the database cannot be reached.
 */
export interface QuickSteps {
  /**
   * Writes a task with its chunks, locks and CREATE event. Only for a task that retries none, skips no records, and writes
   * the same to all of its records. Undefined where a key of the launch or a record is taken, too.
   * @param claims the task's claims, with the ids of its records
   * @param workerId who begins its first attempt in the same step, with its lease and START event; for a task without a limit
   *   of concurrency. Default: nobody
   */
  launch(
    task: NewTask,
    event: NewLifecycleEvent,
    claims: readonly Claim[],
    workerId?: string,
  ): Promise<true | undefined>;
  /**
   * Begins a task's first attempt: RUNNING, its lease, its START event. Undefined for a task that does not wait to be begun,
   * for one of another kind, and for one with a limit of concurrency, a time to wait for, or a request to stop or to pause.
   */
  begin(begin: {
    readonly taskId: string;
    readonly workerId: string;
    readonly at: Date;
    /** The kinds that the worker knows. Default: any. */
    readonly kinds?: readonly string[];
  }): Promise<Attempt | undefined>;
  /**
   * Settles a RUNNING task and cleans up after it: its final status, its locks released, the event of its end and CLEANUP.
   * Undefined where the attempt is not the current one, and for a task with recipients or a limit of concurrency.
   */
  settle(ending: QuickEnding): Promise<{ readonly hadLocks: boolean } | undefined>;
}
