import type { PowerCrud } from "../compose/create-powercrud.ts";
import type { CliContext } from "./cli-context.ts";
import type { ProgressDisplay } from "./show-progress.ts";
import { showProgress } from "./show-progress.ts";

/** A task, as the command line shows it. */
export type ShownTask = NonNullable<Awaited<ReturnType<PowerCrud["tasks"]["get"]>>>;

/** What a shell reports for a program that Ctrl-C ended. */
const DETACHED_EXIT_CODE = 130;

/**
 * Follows a task to its end, with a bar on a terminal and lines anywhere else, and sets the exit code: 0 for SUCCEEDED,
 * otherwise 1. Ctrl-C leaves the task alone, and says how to cancel it.
 * @returns the settled task; undefined after Ctrl-C
 * @throws AppError NOT_FOUND when there is no such task
 */
export async function followTask(
  context: CliContext,
  powercrud: PowerCrud,
  taskId: string,
): Promise<ShownTask | undefined> {
  const { stopSignal: signal } = context;
  let display: ProgressDisplay | undefined;
  let last: ShownTask | undefined;
  try {
    for await (const task of powercrud.feed.watch(taskId, { signal })) {
      display ??= showProgress(process.stderr, (line) => context.say(line), task.label ?? task.kind);
      await showState(powercrud, display, task, last);
      last = task;
    }
  } finally {
    display?.end();
  }
  if (last?.finishedAt != null) {
    process.exitCode = exitCodeOf(last);
    return last;
  }
  context.say(`left; task ${taskId} goes on. To cancel it: powercrud tasks cancel ${taskId}`);
  process.exitCode = DETACHED_EXIT_CODE;
  return undefined;
}

/** 0 where everything was done, otherwise 1. */
export function exitCodeOf({ status }: Pick<ShownTask, "status">): 0 | 1 {
  return status === "SUCCEEDED" ? 0 : 1;
}

async function showState(
  powercrud: PowerCrud,
  display: ProgressDisplay,
  task: ShownTask,
  before: ShownTask | undefined,
): Promise<void> {
  const words = task.status === before?.status ? undefined : await describeState(powercrud, task);
  if (words !== undefined) {
    display.say(words);
  }
  const { processed: done, total, message } = task.progress;
  if (task.status === "RUNNING" || done > 0) {
    display.update({ done, total, message });
  }
}

/** Why a task does not run, in words. */
async function describeState(powercrud: PowerCrud, task: ShownTask): Promise<string | undefined> {
  const { id, status, blockedBy, postponedUntil, message } = task;
  if (status === "WAITING") {
    return `it stands in line${blockedBy === null ? "" : ` behind task ${blockedBy}`}`;
  }
  if (status === "PAUSED") {
    return `it is paused; to let it go on: powercrud tasks resume ${id}`;
  }
  if (status !== "PENDING") {
    return undefined;
  }
  return postponedUntil === null
    ? describeWorkers(powercrud)
    : `it is tried again at ${postponedUntil.toISOString()}${message === null ? "" : `: ${message}`}`;
}

/** Says so where nobody would run a task. */
export async function describeWorkers({ health }: PowerCrud): Promise<string | undefined> {
  const { workersAlive } = await health.read();
  return workersAlive > 0
    ? undefined
    : "no worker runs: tasks wait until one does (powercrud work, or start)";
}
