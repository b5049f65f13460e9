import type { LaunchOutcome } from "./launch-outcome.ts";
import type { LaunchRequest } from "./launch-request.ts";
import { duplicateKeyOf } from "./launch-request.ts";
import { readTask } from "./read-task.ts";
import type { TaskPorts } from "./task-ports.ts";
import type { IdempotentTask } from "./task-store.ts";

/**
 * The answer to a launch that was made before: under the same idempotency key, or identical and not settled yet.
 * Undefined for one that is new. Asked before records are looked for: the first run may have changed what a filter
 * matches. That two launches at the same time are not both new is seen to when they are written.
 */
export async function answerRepeated(
  ports: Pick<TaskPorts, "tasks">,
  launch: Pick<LaunchRequest, "viewer" | "options" | "inputHash">,
): Promise<LaunchOutcome | undefined> {
  const existing = await findEarlier(ports, launch);
  return existing === undefined ? undefined : answerWith(ports, existing, launch.inputHash);
}

/** The answer to a launch for which there is an earlier task. */
export async function answerWith(
  ports: Pick<TaskPorts, "tasks">,
  existing: IdempotentTask,
  inputHash: string,
): Promise<LaunchOutcome> {
  const task = await readTask(ports, existing.id);
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
  { tasks }: Pick<TaskPorts, "tasks">,
  launch: Pick<LaunchRequest, "viewer" | "options" | "inputHash">,
): Promise<IdempotentTask | undefined> {
  const { idempotencyKey } = launch.options;
  if (idempotencyKey !== undefined) {
    return tasks.findByIdempotencyKey(launch.viewer, idempotencyKey);
  }
  const duplicateKey = duplicateKeyOf(launch);
  return duplicateKey === null ? undefined : tasks.findDuplicate(launch.viewer, duplicateKey);
}
