import { AppError } from "../../../kernel/app-error.ts";
import { errorFields } from "../../../kernel/logger.ts";
import { decodeAnnouncement, TASK_TOPIC } from "../../events/task-announcement.ts";
import { describeHeld } from "../../locks/lock-refusal.ts";
import type { LockRefusal } from "../../locks/lock-store.ts";
import type { TaskPorts } from "../settle/task-ports.ts";
import type { StrandedTasks } from "../stranded-tasks.ts";
import type { TaskAttempts } from "../task-attempts.ts";
import type { TaskDefinitions } from "../task-definition.ts";
import type { QueuedTask } from "../task-queue.ts";
import type { TaskReads } from "../task-reads.ts";
import { findTask } from "../task-reads.ts";
import { isFinal } from "../task-status.ts";
import type { Task } from "../task.ts";
import { outsideTask } from "./task-context.ts";

/** What waiting needs. */
export type WaitPorts = Pick<
  TaskPorts<TaskReads & TaskAttempts & Pick<StrandedTasks, "findOrphans">>,
  "tasks" | "bus" | "clock" | "logger"
> & {
  readonly definitions: TaskDefinitions;
  readonly leaseMs: number;
};

/** A running attempt that waits for another task. */
export interface Waiter {
  readonly taskId: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
  /** Shows what it waits for. */
  say(message: string): void;
  /** Runs an attempt of the other task in this process, in the place of the one that waits. @returns whether it settled */
  run(delivery: QueuedTask): Promise<boolean>;
}

/** The other task is looked at this often even if the bus is silent, in ms: messages may be lost, and workers die. */
const LOOK_INTERVAL_MS = 2000;
/** The most orphans that are looked through. */
const MAX_ORPHANS = 1000;

/** Waits until the first of the tasks that hold the records has settled. @throws as {@link untilSettled} */
export async function untilFree(ports: WaitPorts, waiter: Waiter, refusal: LockRefusal): Promise<void> {
  const holder = refusal.conflicts[0]?.owner;
  if (holder !== undefined) {
    waiter.say(`It waits. ${describeHeld(refusal)}`);
    await untilSettled(ports, waiter, holder);
    waiter.say(`It goes on: task ${holder} has settled.`);
  }
}

/**
 * Waits, outside any transaction, until a task has settled. The one that waits keeps its place among the worker's tasks,
 * so it lends it: if the other one is queued, or its worker is dead, its attempt is run here. Otherwise all places could be
 * taken by tasks that wait for queued ones.
 * @returns the settled task; undefined if it is deleted
 * @throws the signal's reason; AppError CONFLICT if the other task waits for this one, directly or over others
 */
export async function untilSettled(
  ports: WaitPorts,
  waiter: Waiter,
  blockedBy: string,
): Promise<Task | undefined> {
  const { taskId, attempt, signal } = waiter;
  const changes = await listen(ports, blockedBy);
  try {
    for (;;) {
      signal.throwIfAborted();
      const change = changes.next();
      const circle = await ports.tasks.startWait({ taskId, attempt, blockedBy });
      if (circle !== undefined) {
        throw new AppError("CONFLICT", describeCircle(circle), { details: { tasks: circle } });
      }
      const task = await findTask(ports.tasks, blockedBy);
      if (task === undefined || isFinal(task.status)) {
        return task;
      }
      if (!(await lendPlace(ports, waiter, task))) {
        await unlessAborted(signal, change);
      }
    }
  } finally {
    await changes.end();
    await ports.tasks.endWait({ taskId, blockedBy }).catch((error: unknown) => {
      // The row says nothing any more once this attempt has ended.
      ports.logger.debug({ ...errorFields(error), taskId }, "the end of a wait could not be noted");
    });
  }
}

/** @returns whether the other task has settled by it */
async function lendPlace(ports: WaitPorts, waiter: Waiter, task: Task): Promise<boolean> {
  const { id, attempt, kind } = task;
  if (ports.definitions.find(kind) === undefined || !(await needsPlace(ports, task))) {
    return false;
  }
  const running = outsideTask(() => waiter.run({ id, attempt })).catch((error: unknown) => {
    ports.logger.warn({ ...errorFields(error), taskId: id }, "a task could not be run for one that waits");
    return false;
  });
  // If the waiting attempt is to stop, the other one goes on by itself.
  return (await unlessAborted(waiter.signal, running)) ?? false;
}

async function needsPlace({ tasks, clock, leaseMs }: WaitPorts, task: Task): Promise<boolean> {
  const now = clock.now().getTime();
  if (task.status === "PENDING") {
    return task.postponedUntil === null || task.postponedUntil.getTime() <= now;
  }
  if (task.status !== "RUNNING") {
    return false;
  }
  const orphans = await tasks.findOrphans(new Date(now - leaseMs), MAX_ORPHANS);
  return orphans.some(({ id }) => id === task.id);
}

/** Hears of changes of one task. */
interface Changes {
  /** Resolves with the next change, or after a while. */
  next(): Promise<void>;
  end(): Promise<void>;
}

async function listen({ bus, clock, logger }: WaitPorts, taskId: string): Promise<Changes> {
  let wake = (): void => undefined;
  let cancelTimer = (): void => undefined;
  const unsubscribe = await bus
    .subscribe(TASK_TOPIC, {
      onMessage(message) {
        const announced = decodeAnnouncement(message);
        if (announced?.kind === "LIFECYCLE" && announced.taskIds.includes(taskId)) {
          wake();
        }
      },
      onGap: () => wake(),
    })
    .catch((error: unknown) => {
      logger.debug({ ...errorFields(error), taskId }, "a task is waited for without the bus");
      return async (): Promise<void> => undefined;
    });
  return {
    next() {
      cancelTimer();
      return new Promise((resolve) => {
        wake = resolve;
        cancelTimer = clock.after(LOOK_INTERVAL_MS, resolve);
      });
    },
    async end() {
      cancelTimer();
      await unsubscribe();
    },
  };
}

/** The promise's value, or undefined as soon as the signal aborts. */
async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T | undefined> {
  if (signal.aborted) {
    return undefined;
  }
  let stop = (): void => undefined;
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** @param circle the tasks, each of which waits for the next, from one to itself */
function describeCircle(circle: readonly string[]): string {
  const [first = "", ...others] = circle;
  const steps = others.map((id, at) => `${at === 0 ? "waits for" : "which waits for"} task ${id}`);
  return `None of these tasks could ever go on, so this one fails: task ${first} ${steps.join(", ")}.`;
}
