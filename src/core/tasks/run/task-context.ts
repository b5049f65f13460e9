import { AsyncLocalStorage } from "node:async_hooks";
import { AppError } from "../../../kernel/app-error.ts";
import type { Claim, ClaimOf, RecordIds } from "../../locks/claim.ts";
import { withoutEmptyClaims } from "../../locks/claim.ts";
import { describeHeld } from "../../locks/lock-refusal.ts";
import type { LockRefusal, LockStore } from "../../locks/lock-store.ts";
import type { LaunchInside } from "../../locks/open-write.ts";
import { currentWrite, outsideWrite } from "../../locks/open-write.ts";
import type { UnitOfWork } from "../../transactions/transaction.ts";
import type { Counts } from "../progress.ts";
import type { TaskAttempts } from "../task-attempts.ts";
import type { Task } from "../task.ts";

/** A running attempt, or a helper of one, as the code sees it that runs inside. */
export interface TaskRun {
  readonly task: Task;
  readonly attempt: number;
  readonly signal: AbortSignal;
  /** Adds to the task's counts, unless these are the engine's own, and shows the message beside them. */
  report(counts: Partial<Counts>, message?: string): void;
  /** Claims records for the task, in a transaction of its own. @throws AppError RECORD_LOCKED, by the task's `onConflict` */
  claim(claims: readonly Claim[]): Promise<void>;
  readonly claimOf: ClaimOf;
  readonly launch: LaunchInside;
  /** Adds to the task's total, if it has one of its own. */
  addTotal(count: number): void;
  /** How often this attempt has launched the operation with this hash, now included. */
  countLaunch(hash: string): number;
  /** Waits until another task has settled, and lends it this one's place. @returns it; undefined if it is deleted */
  untilSettled(taskId: string): Promise<Task | undefined>;
}

/** What a {@link TaskRun} is made with. */
export interface TaskRunOptions extends Pick<
  TaskRun,
  "task" | "attempt" | "signal" | "report" | "addTotal" | "untilSettled"
> {
  readonly ports: {
    readonly unitOfWork: UnitOfWork;
    readonly tasks: Pick<TaskAttempts, "fence">;
    readonly locks: Pick<LockStore, "acquireRunning">;
    readonly claimOf: ClaimOf;
    readonly launch: LaunchInside;
  };
  untilFree(refusal: LockRefusal): Promise<void>;
}

/** The run, and whether it has ended: promises that the code did not await may outlive it. */
interface EnteredRun {
  readonly run: TaskRun;
  isOver: boolean;
}

const storage = new AsyncLocalStorage<EnteredRun | undefined>();

/** Runs the handler inside the task: everything that it calls and awaits knows the task. */
export async function runInTask<T>(options: TaskRunOptions, handler: () => Promise<T>): Promise<T> {
  const entered: EnteredRun = { run: createTaskRun(options), isOver: false };
  try {
    return await outsideWrite(() => storage.run(entered, handler));
  } finally {
    entered.isOver = true;
  }
}

/** Runs code that belongs to no task and no write, though the caller may: another task's attempt, or the app's task hooks. */
export function outsideTask<T>(work: () => T): T {
  return storage.run(undefined, () => outsideWrite(work));
}

/** The task run that the caller is inside; undefined outside. @throws AppError OUTSIDE_TASK after it has ended */
export function currentRun(): TaskRun | undefined {
  const entered = storage.getStore();
  if (entered?.isOver === true) {
    const { id, kind } = entered.run.task;
    throw new AppError(
      "OUTSIDE_TASK",
      `The attempt of task ${id} (${kind}) that this code was called in has ended. Await everything that it starts.`,
    );
  }
  return entered?.run;
}

/** The task that the caller runs inside, or did before its attempt ended: for log lines. */
export function taskOfCaller(): Task | undefined {
  return storage.getStore()?.run.task;
}

/** Whether the caller runs inside a task, in a worker or in the request. False in the hooks of single writes. */
export function isInsideTask(): boolean {
  return storage.getStore()?.isOver === false;
}

/**
 * The task that the caller runs inside, as it was when the attempt began; undefined outside and in the hooks of single
 * writes.
 * @throws AppError OUTSIDE_TASK in code that has outlived its attempt, because nobody awaited it
 */
export function currentTask(): Task | undefined {
  return currentRun()?.task;
}

/**
 * Locks other records that the task is about to change, such as the children of its own. The task holds them until it
 * settles; the same record may be registered again. In a hook they are claimed in the transaction of the write, and
 * others see it from the commit on. In the hook of a single write, which has no task, they are kept from all tasks until
 * the commit.
 *
 * If another task holds one: under `onConflict: REJECT` (and in single writes) this throws, and the written record, or a
 * custom task, fails. Under SKIP the written record is skipped. Under WAIT the write is rolled back, and tried again once
 * the other task has settled; a custom task waits here. In a hook the write fails even if the error is caught.
 * @param model its name in the Prisma schema
 * @param ids of its records, or "all" for the whole model
 * @throws AppError RECORD_LOCKED, naming the holder; CONFLICT if the holder waits for this task; UNKNOWN_MODEL;
 *   VALIDATION_FAILED for an id that is none of the model; OUTSIDE_TASK
 */
export async function registerDescendants(model: string, ids: RecordIds): Promise<void> {
  const run = currentRun();
  const write = currentWrite();
  if (write !== undefined) {
    await write.hold([write.claimOf(model, ids)], run?.task.id);
  } else if (run !== undefined) {
    await run.claim([run.claimOf(model, ids, run.task.viewer)]);
  } else {
    throw new AppError(
      "OUTSIDE_TASK",
      "registerDescendants works inside a task, and in the hooks of a model. There is neither here.",
    );
  }
}

/**
 * Shows how far nested work has come, beside the task's progress, and adds counts to it. The counts of a bulk operation
 * are those of its records: there only the message is shown. Outside a task this does nothing, so that hooks can call it
 * in single writes, too.
 * @param counts a number adds to `succeeded`
 * @throws TypeError for counts that are not whole numbers from 0 on; AppError OUTSIDE_TASK after the attempt has ended
 */
export function reportProgress(counts: number | Partial<Counts>, message?: string): void;
export function reportProgress(message: string): void;
export function reportProgress(what: string | number | Partial<Counts>, message?: string): void {
  const run = currentRun();
  if (typeof what === "string") {
    run?.report({}, what);
  } else {
    run?.report(typeof what === "number" ? { succeeded: what } : what, message);
  }
}

function createTaskRun({ ports, untilFree, ...own }: TaskRunOptions): TaskRun {
  const { task, attempt } = own;
  const launches = new Map<string, number>();
  return {
    ...own,
    claimOf: ports.claimOf,
    launch: ports.launch,
    countLaunch(hash) {
      const count = (launches.get(hash) ?? 0) + 1;
      launches.set(hash, count);
      return count;
    },
    async claim(claims) {
      const named = withoutEmptyClaims(claims);
      while (named.length > 0) {
        const result = await ports.unitOfWork.run(async (transaction) => {
          if (!(await ports.tasks.fence(transaction, task.id, attempt))) {
            throw new AppError("ATTEMPT_FENCED", "Another attempt has taken the task over.");
          }
          return ports.locks.acquireRunning(transaction, task.id, named);
        });
        if (result.kind === "GRANTED") {
          return;
        }
        if (task.onConflict !== "WAIT") {
          throw new AppError("RECORD_LOCKED", describeHeld(result), {
            details: { conflicts: result.conflicts },
          });
        }
        await untilFree(result);
      }
    },
  };
}
