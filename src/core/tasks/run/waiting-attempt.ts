import { AppError } from "../../../kernel/app-error.ts";
import { errorFields } from "../../../kernel/logger.ts";
import { decodeAnnouncement, TASK_TOPIC } from "../../events/task-announcement.ts";
import { describeHeld } from "../../locks/lock-refusal.ts";
import type { LockRefusal } from "../../locks/lock-store.ts";
import type { TaskPorts } from "../settle/task-ports.ts";
import type { TaskAttempts } from "../task-attempts.ts";
import type { TaskDefinitions } from "../task-definition.ts";
import type { QueuedTask } from "../task-queue.ts";
import type { TaskReads } from "../task-reads.ts";
import { findTask } from "../task-reads.ts";
import { isFinal } from "../task-status.ts";
import type { Task } from "../task.ts";
import { outsideTask } from "./task-context.ts";

/** What waiting needs. */
export type WaitPorts = Pick<TaskPorts<TaskReads & TaskAttempts>, "tasks" | "bus" | "clock" | "logger"> & {
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
 * so it lends it: if the other one, or one that it waits for in turn, is queued, or its worker is dead, an attempt of that is
 * run here. Otherwise all places could be taken by tasks that wait for queued ones.
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
  let lent: Promise<boolean> | undefined;
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
      if (lent === undefined) {
        const next = await findPlaceless(ports, blockedBy);
        lent = next && lendPlace(ports, waiter, next);
      }
      const ended = lent?.then((isSettled) => {
        lent = undefined;
        return isSettled ? undefined : change;
      });
      await unlessAborted(signal, ended === undefined ? change : Promise.race([change, ended]));
    }
  } finally {
    await changes.end();
    await ports.tasks.endWait({ taskId, blockedBy }).catch((error: unknown) => {
      // The row says nothing any more once this attempt has ended.
      ports.logger.debug({ ...errorFields(error), taskId }, "the end of a wait could not be noted");
    });
  }
}

function findPlaceless(
  { tasks, definitions: { kinds }, clock, leaseMs }: WaitPorts,
  blockedBy: string,
): Promise<QueuedTask | undefined> {
  const at = clock.now();
  return tasks.findPlaceless({ blockedBy, at, silentSince: new Date(at.getTime() - leaseMs), kinds });
}

/** Runs the other task. It goes on by itself if nobody waits for it any more. @returns whether it has settled by that */
function lendPlace({ logger }: WaitPorts, waiter: Waiter, next: QueuedTask): Promise<boolean> {
  return outsideTask(() => waiter.run(next)).catch((error: unknown) => {
    logger.warn({ ...errorFields(error), taskId: next.id }, "a task could not be run for one that waits");
    return false;
  });
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
