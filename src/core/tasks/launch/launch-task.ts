import { AppError } from "../../../kernel/app-error.ts";
import { errorFields } from "../../../kernel/logger.ts";
import type { NotifyPolicy } from "../../notifications/resolve-notify.ts";
import { resolveNotify, TELL_NOBODY } from "../../notifications/resolve-notify.ts";
import type { AttemptPorts } from "../run/execute-attempt.ts";
import { executeAttempt, executeBegun } from "../run/execute-attempt.ts";
import type { ModelRegistry } from "../../records/model.ts";
import { conflictRefusal } from "../../refusals/conflict-refusal.ts";
import type { LaunchOutcome } from "./launch-outcome.ts";
import type { ValidationRefusal } from "../../refusals/problems.ts";
import { invalid, problem } from "../../refusals/problems.ts";
import type { LaunchRequest, LaunchSettings } from "./launch-request.ts";
import { retryWaiting } from "../settle/promote-waiting.ts";
import { readTask } from "../task-reads.ts";
import { answerWith } from "./repeated-launch.ts";
import { settleTask } from "../settle/settle-task.ts";
import { callHook } from "../task-hooks.ts";
import { unavailableRefusal } from "../../refusals/unavailable-refusal.ts";
import { failedEnd } from "../settle/ending.ts";
import type { TaskPorts } from "../settle/task-ports.ts";
import type { Attempt } from "../task-attempts.ts";
import type { TaskStore } from "../task-store.ts";
import type { Task } from "../task.ts";
import type { QuickLaunch } from "./launch-transaction.ts";
import type { WrittenLaunch } from "./on-conflict.ts";
import { writeLaunch } from "./on-conflict.ts";

/** What launching needs: small tasks run in the request. */
export interface LaunchPorts extends AttemptPorts {
  /** The whole store: a launch may retry another task, or be answered by it. */
  readonly tasks: TaskStore;
  readonly settings: LaunchSettings;
  /** For the claims of the app's own tasks. */
  readonly models: Pick<ModelRegistry, "get">;
  /** A model's name for callers. Default: its own. */
  readonly nameOf?: (model: string) => string;
  /** Whom the config wants to be told, and how. Default: nobody, over no channel but the inbox. */
  readonly notifyPolicy?: NotifyPolicy;
}

/**
 * Makes a task durable together with its locks and its CREATE event, then hands it to the queue or, below the
 * threshold, runs it here and now. A refusal leaves nothing behind.
 */
export async function launchTask(ports: LaunchPorts, launch: LaunchRequest): Promise<LaunchOutcome> {
  const { kind, model, viewer, options } = launch;
  const asked = { kind, model, viewer, asked: options.notify };
  const notify = resolveNotify(ports.notifyPolicy ?? TELL_NOBODY, ports.logger, asked);
  if ("problems" in notify) {
    return invalid(notify.problems);
  }
  const request = { ...launch, notify: notify.value };
  const refusal = await refuseByHook(ports, request);
  if (refusal !== undefined) {
    return refusal;
  }
  try {
    const written = await writeLaunch(ports, request, beginnerOf(ports, request));
    if (written.kind === "CREATED" || written.kind === "WAITING") {
      await callCreateHook(ports, written, request.kind);
    }
    return await answerWritten(ports, written, request);
  } catch (error) {
    return unavailableRefusal(ports.logger, error, "a launch was refused");
  }
}

async function answerWritten(
  ports: LaunchPorts,
  written: WrittenLaunch,
  request: LaunchRequest,
): Promise<LaunchOutcome> {
  switch (written.kind) {
    case "EXISTING":
      return answerWith(ports, written.existing, request.inputHash);
    case "ENDED":
    case "RETRIED_TASK_GONE":
      return { kind: "MISSING", message: `There is no task ${request.retryOf} any more.` };
    case "REFUSED":
      return conflictRefusal(ports.tasks, written.refusal, ports.nameOf);
    case "WAITING":
      return waitInLine(ports, written.taskId, written.hasDependents);
    case "CREATED":
      return start(ports, written, request);
  }
}

/** This process, where the task is begun here and now. A listener to its creation hears of that before it begins. */
function beginnerOf({ settings, hooks, workerId }: LaunchPorts, request: LaunchRequest): string | undefined {
  const isHeard = (hooks?.of("create", request.kind) ?? []).length > 0;
  return runsInRequest(settings, request) && !isHeard ? workerId : undefined;
}

/** Reads the task only for a listener. */
export async function callCreateHook(
  ports: LaunchPorts,
  { taskId, task }: { readonly taskId: string; readonly task?: Task },
  kind: string,
): Promise<void> {
  if (ports.hooks !== undefined && ports.hooks.of("create", kind).length > 0) {
    await callHook(ports, "create", task ?? (await readTask(ports.tasks, taskId)), {});
  }
}

/** The app's callback refuses a launch by throwing, in its own words. */
export async function refuseByHook(
  { hooks, logger }: Pick<TaskPorts, "hooks" | "logger">,
  { kind, model, viewer, input, options, records }: LaunchRequest,
): Promise<ValidationRefusal | undefined> {
  try {
    for (const listener of hooks?.beforeCreate ?? []) {
      await listener({ kind, model, viewer, input, options, recordIds: records });
    }
    return undefined;
  } catch (error) {
    logger.debug({ err: error, kind }, "a hook refused a launch");
    const message = error instanceof Error ? error.message : String(error);
    return invalid([problem(message)]);
  }
}

/** Tries again at once: a blocker that settled before the commit did not find this task in line. */
export async function waitInLine(
  ports: LaunchPorts,
  taskId: string,
  hasDependents: boolean,
): Promise<LaunchOutcome> {
  await retryWaiting(ports, { id: taskId, hasDependents }).catch((error: unknown) => {
    ports.logger.warn({ ...errorFields(error), taskId }, "a waiting task was left for the sweeper");
  });
  return launched(ports, taskId);
}

/** Runs a small task here, and enqueues others. */
export async function start(
  ports: LaunchPorts,
  { taskId, task, attempt }: { readonly taskId: string } & Partial<QuickLaunch>,
  request: LaunchRequest,
): Promise<LaunchOutcome> {
  if (runsInRequest(ports.settings, request)) {
    const settled = await executeHere(ports, taskId, attempt);
    return settled === undefined
      ? launched(ports, taskId)
      : { kind: "LAUNCHED", task: settled, isDuplicate: false };
  }
  const isQueued = await enqueue(ports, taskId);
  // It may have begun meanwhile, but what it is, it was at some moment since the launch.
  return isQueued && task !== undefined
    ? { kind: "LAUNCHED", task, isDuplicate: false }
    : launched(ports, taskId);
}

/** @returns false where the task ran here, or its delivery is in doubt */
async function enqueue(ports: LaunchPorts, taskId: string): Promise<boolean> {
  try {
    await ports.queue.enqueue([{ id: taskId, attempt: 0 }]);
  } catch (error) {
    if (ports.settings.whenQueueDown === "sync") {
      ports.logger.debug(
        { ...errorFields(error), taskId },
        "the queue is out of reach; the task runs in its request",
      );
      await executeHere(ports, taskId);
      return false;
    }
    if (ports.settings.whenQueueDown === "wait") {
      ports.logger.warn(
        { ...errorFields(error), taskId },
        "the queue is out of reach; the sweeper enqueues the task",
      );
      return true;
    }
    const isWithdrawn = await withdraw(ports, taskId).catch((failure: unknown) => {
      ports.logger.warn({ ...errorFields(failure), taskId }, "a launch could not be withdrawn");
      throw acceptedButUnreachable(taskId, failure);
    });
    if (!isWithdrawn) {
      // Only the queue's answer was lost: a worker has the task.
      return false;
    }
    throw new AppError(
      "UNAVAILABLE",
      "The task queue cannot be reached; nothing was changed. Try again later.",
      { cause: error },
    );
  }
  // Should this fail, the sweeper enqueues the task again, which does no harm.
  await ports.tasks.markEnqueued([taskId], ports.clock.now()).catch((error: unknown) => {
    ports.logger.warn({ ...errorFields(error), taskId }, "an enqueued task could not be marked as such");
  });
  return true;
}

async function launched(ports: LaunchPorts, taskId: string): Promise<LaunchOutcome> {
  const task = await readTask(ports.tasks, taskId).catch((error: unknown) => {
    throw acceptedButUnreachable(taskId, error);
  });
  return { kind: "LAUNCHED", task, isDuplicate: false };
}

function acceptedButUnreachable(taskId: string, cause: unknown): AppError {
  return new AppError(
    "UNAVAILABLE",
    `Task ${taskId} was accepted and will be run, but the database cannot be reached to tell how it stands. Do not launch it again; look it up by its id.`,
    { cause },
  );
}

/**
 * Never rejects: the task is accepted and durable, so the answer cannot be that nothing was changed.
 * @param attempt its first attempt, if that has begun
 * @returns the settled task; undefined where it has to be read
 */
async function executeHere(ports: LaunchPorts, taskId: string, attempt?: Attempt): Promise<Task | undefined> {
  try {
    const outcome = await (attempt === undefined
      ? executeAttempt(ports, { id: taskId, attempt: 0 })
      : executeBegun(ports, attempt));
    return outcome.kind === "SETTLED" ? outcome.task : undefined;
  } catch (error) {
    ports.logger.warn(
      { ...errorFields(error), taskId },
      "a task could not be run in its request; the sweeper enqueues it",
    );
    return undefined;
  }
}

function runsInRequest(settings: LaunchSettings, { options, total }: LaunchRequest): boolean {
  if (!settings.isAsyncEnabled || options.mode === "SYNC") {
    return true;
  }
  return options.mode !== "ASYNC" && total !== null && total < settings.minAsyncRecords;
}

/**
 * Withdraws a task that cannot be enqueued: FAILED, its locks free.
 * @returns false, with nothing written, if an attempt has begun: then the queue had the task all the same
 */
async function withdraw(ports: LaunchPorts, taskId: string): Promise<boolean> {
  const { kind, progress } = await readTask(ports.tasks, taskId);
  const settle = failedEnd("The task queue could not be reached.", progress);
  return (await settleTask(ports, { taskId, kind, attempt: 0, total: progress.total, settle })) !== undefined;
}
