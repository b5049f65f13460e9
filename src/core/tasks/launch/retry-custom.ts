import type { Viewer } from "../../access/viewer.ts";
import { checkCustomOptions } from "./check-launch-options.ts";
import type { LaunchOptions } from "../launch-options.ts";
import type { LaunchOutcome } from "./launch-outcome.ts";
import type { ValidationRefusal } from "../../refusals/problems.ts";
import { invalid, invalidField } from "../../refusals/problems.ts";
import { launchHash } from "./launch-request.ts";
import type { LaunchPorts } from "./launch-task.ts";
import { launchTask } from "./launch-task.ts";
import { answerRepeated } from "./repeated-launch.ts";
import type { Task } from "../task.ts";

/** A settled custom task that is to be launched again. */
interface CustomRetry {
  readonly task: Task;
  readonly viewer: Viewer;
  readonly options: LaunchOptions;
}

/**
 * Launches a custom task again, with the same input and claims. It runs in a worker unless the caller asks for SYNC: the
 * total that its handler reported last time does not say how long the task takes.
 */
export async function retryCustom(
  ports: LaunchPorts,
  { task, viewer, options: given }: CustomRetry,
): Promise<LaunchOutcome> {
  const options: LaunchOptions = { ...given, mode: given.mode === "SYNC" ? "SYNC" : "ASYNC" };
  const refusal = refuse(ports, task, options);
  if (refusal !== undefined) {
    return refusal;
  }
  const inputHash = launchHash(task.kind, { retryOf: task.id }, options);
  const repeated = await answerRepeated(ports, { viewer, options, inputHash });
  if (repeated !== undefined) {
    return repeated;
  }
  return launchTask(ports, {
    kind: task.kind,
    model: task.model,
    viewer,
    input: task.input,
    inputHash,
    options,
    claims: await ports.tasks.ownClaims(task.id),
    records: [],
    maxChunkRecords: 1,
    total: task.progress.total,
    retryOf: task.id,
  });
}

function refuse(
  ports: LaunchPorts,
  { id, kind, status }: Task,
  options: LaunchOptions,
): ValidationRefusal | undefined {
  if (status !== "FAILED" && status !== "CANCELLED") {
    return invalidField(
      "id",
      `Task ${id} is ${status}; of its kind only those can be retried that FAILED or were CANCELLED.`,
    );
  }
  if (ports.definitions.find(kind) === undefined) {
    return invalidField(
      "id",
      `Task ${id} is of the kind ${kind}, which this service does not know any more.`,
    );
  }
  const problems = checkCustomOptions(options);
  return problems.length === 0 ? undefined : invalid(problems);
}
