import type { Logger } from "../../kernel/logger.ts";
import type { Json } from "../../kernel/json.ts";
import type { Viewer } from "../records/viewer.ts";
import type { LaunchOptions } from "./launch-options.ts";
import type { Progress } from "./progress.ts";
import type { TaskStore } from "./task-store.ts";
import type { Task } from "./task.ts";

/** What a hook is told of a task: who launched it (`task.viewer`), its input, result, counts and message. */
export interface TaskHookContext {
  /** As it is now. */
  readonly task: Task;
  /** Ids of the records that it works on by chunks, read when asked for; empty for tasks that do not. */
  recordIds(): Promise<readonly string[]>;
}

/** What a hook is told of a task that is about to be launched. */
export interface LaunchHookContext {
  readonly kind: string;
  readonly model: string | null;
  readonly viewer: Viewer;
  readonly input: Json;
  readonly options: LaunchOptions;
  /** The records' ids, filters resolved. */
  readonly recordIds: readonly string[];
}

/** A callback that is waited for. */
export type TaskHook = (context: TaskHookContext) => void | Promise<void>;

/**
 * An app's callbacks along the life of every task, in this order. Each runs in the process that brought the step about,
 * after the step is committed, and is waited for; what it throws is logged and changes nothing. A process that dies in
 * between leaves its hook uncalled: who must miss nothing subscribes to `taskEvents` with a cursor.
 */
export interface TaskHooks {
  /** Before anything is written. What it throws refuses the launch with its message. */
  readonly beforeCreate?: (context: LaunchHookContext) => void | Promise<void>;
  /** Before the task is given to the queue. */
  readonly create?: TaskHook;
  /** Once for each attempt, before its handler. */
  readonly start?: TaskHook;
  /** With each publication of progress; not waited for. */
  readonly progress?: (context: {
    readonly taskId: string;
    readonly attempt: number;
    readonly progress: Progress;
  }) => void | Promise<void>;
  /** SUCCEEDED or PARTIAL. Of complete, fail and cancel one is called, once. */
  readonly complete?: TaskHook;
  readonly fail?: TaskHook;
  readonly cancel?: TaskHook;
  /** The last of all. */
  readonly cleanup?: TaskHook;
}

/** What calling hooks works with. */
export interface HookPorts {
  readonly tasks: Pick<TaskStore, "find" | "recordIds">;
  readonly logger: Logger;
  readonly hooks?: TaskHooks;
}

/** The hooks that are told of a task that is there. */
export type StepName = Exclude<keyof TaskHooks, "beforeCreate" | "progress">;

/** Calls the hook, if there is one, and waits for it. Never rejects. */
export async function callHook(ports: HookPorts, step: StepName, taskId: string): Promise<void> {
  const hook = ports.hooks?.[step];
  if (hook === undefined) {
    return;
  }
  try {
    const task = (await ports.tasks.find([taskId])).get(taskId);
    if (task !== undefined) {
      await hook({ task, recordIds: () => ports.tasks.recordIds(taskId) });
    }
  } catch (error) {
    ports.logger.error({ err: error, taskId }, `the hook "${step}" threw`);
  }
}

/** Tells of progress, and waits for nobody. */
export function tellProgress(
  { hooks, logger }: Pick<HookPorts, "hooks" | "logger">,
  told: { readonly taskId: string; readonly attempt: number; readonly progress: Progress },
): void {
  const { progress } = hooks ?? {};
  if (progress !== undefined) {
    // Also what it throws at once becomes a rejection.
    Promise.resolve()
      .then(() => progress(told))
      .catch((error: unknown) => {
        logger.error({ err: error, taskId: told.taskId }, 'the hook "progress" threw');
      });
  }
}
