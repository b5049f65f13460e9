import type { Logger } from "../../kernel/logger.ts";
import type { Json } from "../../kernel/json.ts";
import type { MembersOf, MembersShape } from "../../kernel/shape.ts";
import type { Viewer } from "../access/viewer.ts";
import type { LaunchOptions } from "./launch-options.ts";
import type { Progress } from "./progress.ts";
import type { TaskReads } from "./task-reads.ts";
import { findTask } from "./task-reads.ts";
import type { Task } from "./task.ts";

/** What a hook is given: the task has viewer, input, result, counts and message. */
export interface TaskHookContext {
  /** The task as it is now. */
  readonly task: Task;
  /**
   * Ids of the records in its chunks, read at each call; empty for a task without chunks. Of a record that is named by a
   * key and not there yet, its name as one text.
   */
  recordIds(): Promise<readonly string[]>;
}

/** What the hook `beforeCreate` is given: a task about to be launched. */
export interface LaunchHookContext {
  readonly kind: string;
  readonly model: string | null;
  readonly viewer: Viewer;
  readonly input: Json;
  readonly options: LaunchOptions;
  /** The records' ids, filters resolved. Of a record that is named by a key and not there, its name as one text. */
  readonly recordIds: readonly string[];
}

/** A callback. The engine waits for it. */
export type TaskHook = (context: TaskHookContext) => void | Promise<void>;

/**
 * The app's callbacks in the life of every task, in this order. Each runs in the process that took the step, after the
 * step is committed, and the engine waits for it. Errors are logged and change nothing. A process that dies in between
 * does not call its hook: an app that must miss nothing subscribes to `taskEvents` with a cursor.
 */
export interface TaskHooks {
  /** Before anything is written. Throwing refuses the launch, with the error's message. */
  readonly beforeCreate?: (context: LaunchHookContext) => void | Promise<void>;
  /** Before the task is given to the queue. */
  readonly create?: TaskHook;
  /** Once for each attempt, before its handler. */
  readonly start?: TaskHook;
  /** With each publication of progress. The engine does not wait for it. */
  readonly progress?: (context: {
    readonly taskId: string;
    readonly attempt: number;
    readonly progress: Progress;
  }) => void | Promise<void>;
  /** SUCCEEDED or PARTIAL. One of complete, fail and cancel is called, once. */
  readonly complete?: TaskHook;
  readonly fail?: TaskHook;
  readonly cancel?: TaskHook;
  /** The last hook of a task. */
  readonly cleanup?: TaskHook;
}

/** See {@link TaskHooks}. */
export const TASK_HOOKS_SHAPE = {
  kind: "MEMBERS",
  members: {
    beforeCreate: { kind: "FUNCTION" },
    create: { kind: "FUNCTION" },
    start: { kind: "FUNCTION" },
    progress: { kind: "FUNCTION" },
    complete: { kind: "FUNCTION" },
    fail: { kind: "FUNCTION" },
    cancel: { kind: "FUNCTION" },
    cleanup: { kind: "FUNCTION" },
  } satisfies MembersOf<TaskHooks>,
} as const satisfies MembersShape;

/** What calling hooks needs. */
export interface HookPorts {
  readonly tasks: Pick<TaskReads, "find" | "recordIds">;
  readonly logger: Logger;
  readonly hooks?: TaskHooks;
}

/** The hooks that are given a stored task. */
export type StepName = Exclude<keyof TaskHooks, "beforeCreate" | "progress">;

/** Calls the hook, if there is one, and waits for it. Never rejects. */
export async function callHook(ports: HookPorts, step: StepName, taskId: string): Promise<void> {
  const hook = ports.hooks?.[step];
  if (hook === undefined) {
    return;
  }
  try {
    const task = await findTask(ports.tasks, taskId);
    if (task !== undefined) {
      await hook({ task, recordIds: () => ports.tasks.recordIds(taskId) });
    }
  } catch (error) {
    ports.logger.error({ err: error, taskId }, `the hook "${step}" threw`);
  }
}

/** Calls the hook `progress`, if there is one, and does not wait for it. Never throws. */
export function callProgressHook(
  { hooks, logger }: Pick<HookPorts, "hooks" | "logger">,
  call: { readonly taskId: string; readonly attempt: number; readonly progress: Progress },
): void {
  const { progress } = hooks ?? {};
  if (progress !== undefined) {
    // A synchronous throw becomes a rejection, too.
    Promise.resolve()
      .then(() => progress(call))
      .catch((error: unknown) => {
        logger.error({ err: error, taskId: call.taskId }, 'the hook "progress" threw');
      });
  }
}
