import type { Viewer } from "../../access/viewer.ts";
import type { ValidationRefusal } from "../../refusals/problems.ts";
import { invalidField } from "../../refusals/problems.ts";
import type { LaunchOptions } from "../launch-options.ts";
import type { Task } from "../task.ts";
import { launchCustom } from "./launch-custom.ts";
import type { LaunchOutcome } from "./launch-outcome.ts";
import type { LaunchPorts } from "./launch-task.ts";

/** A settled custom task that is to be launched again. */
interface CustomRetry {
  readonly task: Task;
  readonly viewer: Viewer;
  readonly options: LaunchOptions;
}

/**
 * Launches a custom task again, with the same input; access, claims and limits are those of the definition as it is now.
 * It runs in a worker unless the caller asks for SYNC: it has failed once, so it may take as long again.
 */
export async function retryCustom(
  ports: LaunchPorts,
  { task, viewer, options: given }: CustomRetry,
): Promise<LaunchOutcome> {
  const options: LaunchOptions = { ...given, mode: given.mode === "SYNC" ? "SYNC" : "ASYNC" };
  const { kind, input, id: retryOf } = task;
  return refuse(ports, task) ?? launchCustom(ports, { kind, input, viewer, options, retryOf });
}

function refuse(ports: LaunchPorts, { id, kind, status }: Task): ValidationRefusal | undefined {
  if (status === "SUCCEEDED") {
    return invalidField("id", `Task ${id} has SUCCEEDED; there is nothing left of it to retry.`);
  }
  return ports.definitions.find(kind) === undefined
    ? invalidField("id", `Task ${id} is of the kind ${kind}, which this service does not know any more.`)
    : undefined;
}
