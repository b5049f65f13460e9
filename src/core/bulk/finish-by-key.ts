import type { LaunchOptions } from "../tasks/launch-options.ts";
import type { Launched, LaunchOutcome } from "../tasks/launch/launch-outcome.ts";
import type { Viewer } from "../access/viewer.ts";
import type { TaskReads } from "../tasks/task-reads.ts";
import type { RetryTask } from "./retry-task.ts";
import { canRetry } from "./retry-task.ts";

/** What finishing needs. */
interface FinishPorts {
  readonly tasks: Pick<TaskReads, "newestRetry">;
  readonly retryTask: RetryTask;
}

/** Who launches, and how. */
interface KeyedLaunch {
  /** Default: the one of the earlier launch, since every viewer has keys of its own. */
  readonly viewer?: Viewer;
  readonly options?: LaunchOptions;
}

/**
 * Retries what is left of a task that an earlier launch made under the same key, if the launch asks for it: see
 * LaunchOptions.ifUnfinished. The retry has a key of its own, made of the task that it retries, so of two launches at once
 * one makes it.
 * @param outcome of the launch
 */
export async function finishByKey<Outcome extends { readonly kind: string }>(
  { tasks, retryTask }: FinishPorts,
  { viewer, options: { ifUnfinished, ...options } = {} }: KeyedLaunch,
  outcome: Outcome | LaunchOutcome,
): Promise<Outcome | LaunchOutcome> {
  if (ifUnfinished !== "RETRY" || !isEarlier(outcome)) {
    return outcome;
  }
  const { task } = outcome;
  const newest = (await tasks.newestRetry(task.id)) ?? task;
  return canRetry(newest)
    ? retryTask({
        taskId: newest.id,
        viewer: viewer ?? task.viewer,
        options: { ...options, idempotencyKey: `powercrud:retry:${newest.id}` },
      })
    : { ...outcome, task: newest };
}

function isEarlier(outcome: { readonly kind: string }): outcome is Launched {
  return outcome.kind === "LAUNCHED" && (outcome as Launched).isDuplicate;
}
