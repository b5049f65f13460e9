import type { LaunchOptions } from "../tasks/launch-options.ts";
import type { LaunchOutcome } from "../tasks/launch/launch-outcome.ts";
import type { Viewer } from "../access/viewer.ts";
import type { TaskReads } from "../tasks/task-reads.ts";
import type { RetryTask } from "./retry-task.ts";
import { canRetry } from "./retry-task.ts";

/** What finishing needs. */
interface FinishPorts {
  readonly tasks: Pick<TaskReads, "newestRetry">;
  readonly retryTask: RetryTask;
}

/** Who launched what under a key. */
interface KeyedLaunch {
  readonly viewer: Viewer;
  readonly options: LaunchOptions;
}

/**
 * Retries what is left of a task that an earlier launch made under the same key, if the launch asks for it: see
 * LaunchOptions.ifUnfinished. The retry has a key of its own, made of the task that it retries, so of two launches at once
 * one makes it.
 * @param outcome of the launch
 */
export async function finishByKey(
  { tasks, retryTask }: FinishPorts,
  { viewer, options: { ifUnfinished, ...options } }: KeyedLaunch,
  outcome: LaunchOutcome,
): Promise<LaunchOutcome> {
  if (ifUnfinished !== "RETRY" || outcome.kind !== "LAUNCHED" || !outcome.isDuplicate) {
    return outcome;
  }
  const { id } = outcome.task;
  const newest = (await tasks.newestRetry(id)) ?? outcome.task;
  return canRetry(newest)
    ? retryTask({
        taskId: newest.id,
        viewer,
        options: { ...options, idempotencyKey: `powercrud:retry:${newest.id}` },
      })
    : { ...outcome, task: newest };
}
