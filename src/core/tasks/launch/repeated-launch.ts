import type { LaunchOutcome } from "./launch-outcome.ts";
import type { LaunchRequest } from "./launch-request.ts";
import { duplicateKeyOf } from "./launch-request.ts";
import type { TaskReads } from "../task-reads.ts";
import { readTask } from "../task-reads.ts";
import type { IdempotentTask, NewTasks } from "../new-tasks.ts";

/** What answering a repeated launch needs. */
interface RepeatedPorts {
  readonly tasks: Pick<TaskReads, "find"> & Pick<NewTasks, "findByIdempotencyKey" | "findDuplicate">;
}

/**
 * Answers a launch that was made before: under the same idempotency key, or identical and not settled yet. Undefined for
 * a new launch. Called before records are selected: the first run may have changed which records a filter matches. Of
 * two identical launches at the same time, both may be new here; one is when they are written.
 */
export async function answerRepeated(
  ports: RepeatedPorts,
  launch: Pick<LaunchRequest, "viewer" | "options" | "inputHash">,
): Promise<LaunchOutcome | undefined> {
  const existing = await findEarlier(ports, launch);
  return existing === undefined ? undefined : answerWith(ports, existing, launch.inputHash);
}

/** Answers a launch with an earlier task. */
export async function answerWith(
  ports: { readonly tasks: Pick<TaskReads, "find"> },
  existing: IdempotentTask,
  inputHash: string,
): Promise<LaunchOutcome> {
  const task = await readTask(ports.tasks, existing.id);
  if (existing.inputHash === inputHash) {
    return { kind: "LAUNCHED", task, isDuplicate: true };
  }
  return {
    kind: "IDEMPOTENCY_MISMATCH",
    message: "This idempotency key was used with other input. Use a new key for a new operation.",
    task,
  };
}

async function findEarlier(
  { tasks }: RepeatedPorts,
  launch: Pick<LaunchRequest, "viewer" | "options" | "inputHash">,
): Promise<IdempotentTask | undefined> {
  const { idempotencyKey } = launch.options;
  if (idempotencyKey !== undefined) {
    return tasks.findByIdempotencyKey(launch.viewer, idempotencyKey);
  }
  const duplicateKey = duplicateKeyOf(launch);
  return duplicateKey === null ? undefined : tasks.findDuplicate(launch.viewer, duplicateKey);
}
