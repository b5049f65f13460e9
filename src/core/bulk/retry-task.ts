import type { Viewer } from "../access/viewer.ts";
import { shortLabel } from "../tasks/launch/check-launch-options.ts";
import { launchCustom } from "../tasks/launch/launch-custom.ts";
import type { LaunchOptions } from "../tasks/launch-options.ts";
import type { LaunchOutcome } from "../tasks/launch/launch-outcome.ts";
import type { ValidationRefusal } from "../refusals/problems.ts";
import { invalidField } from "../refusals/problems.ts";
import type { RetryRecords } from "../tasks/task-results.ts";
import { isFinal } from "../tasks/task-status.ts";
import { unavailableRefusal } from "../refusals/unavailable-refusal.ts";
import type { Task } from "../tasks/task.ts";
import { RESERVATION_KIND } from "../tasks/task.ts";
import { bulkOperationOf } from "./bulk-kinds.ts";
import type { BulkPorts } from "./launch-bulk.ts";
import { retryBulk } from "./retry-bulk.ts";

/** A request to launch a settled task again, for what it did not do. */
export interface RetryRequest {
  readonly taskId: string;
  /** Who retries. This viewer's scope counts. */
  readonly viewer: Viewer;
  /** Which records of a bulk task. Default: FAILED_AND_UNPROCESSED. */
  readonly records?: RetryRecords;
  /**
   * Defaults as for any launch, but for the error policy, which is the first task's, and the label, which names it.
   */
  readonly options?: LaunchOptions;
}

/** The use case behind `retryTask`. */
export type RetryTask = (request: RetryRequest) => Promise<LaunchOutcome>;

/**
 * Launches a settled task again, as a new task that names the first. A bulk task is launched for the records that
 * failed or were not reached, each with the same values; any other task with the same input. Otherwise it is a launch
 * like any other. Earlier retries of the task are not considered.
 */
export function createRetryTask(ports: BulkPorts): RetryTask {
  return async (request) => {
    try {
      return await retry(ports, request);
    } catch (error) {
      return unavailableRefusal(ports.logger, error, "a retry was refused", { taskId: request.taskId });
    }
  };
}

async function retry(ports: BulkPorts, request: RetryRequest): Promise<LaunchOutcome> {
  const { taskId, viewer, records = "FAILED_AND_UNPROCESSED" } = request;
  const task = (await ports.tasks.find([taskId])).get(taskId);
  if (task === undefined) {
    return { kind: "MISSING", message: `There is no task ${taskId}.` };
  }
  const refusal = refuseState(task);
  if (refusal !== undefined) {
    return refusal;
  }
  const options = inherit(task, request.options ?? {});
  const operation = bulkOperationOf(task.kind);
  return operation === undefined
    ? retryCustom(ports, { task, viewer, options })
    : retryBulk(ports, { task, operation, viewer, records, options });
}

function refuseState({ id, kind, status, isDryRun }: Task): ValidationRefusal | undefined {
  if (kind === RESERVATION_KIND) {
    return invalidField(
      "id",
      `Task ${id} is a reservation, which does nothing that could be retried. Reserve again.`,
    );
  }
  if (!isFinal(status)) {
    return invalidField("id", `Task ${id} is ${status}; only a settled task can be retried.`);
  }
  return isDryRun
    ? invalidField(
        "id",
        `Task ${id} was a dry run and changed nothing, so nothing of it can be retried. Launch the operation itself.`,
      )
    : undefined;
}

function inherit(task: Task, options: LaunchOptions): LaunchOptions {
  return { errorPolicy: task.errorPolicy, label: labelOf(task), ...options };
}

function labelOf({ id, label }: Task): string {
  return shortLabel(`retry of ${label === null || label === "" ? id : label}`);
}

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
async function retryCustom(
  ports: BulkPorts,
  { task, viewer, options: given }: CustomRetry,
): Promise<LaunchOutcome> {
  const options: LaunchOptions = { ...given, mode: given.mode === "SYNC" ? "SYNC" : "ASYNC" };
  const { kind, input, id: retryOf } = task;
  return refuseCustom(ports, task) ?? launchCustom(ports, { kind, input, viewer, options, retryOf });
}

function refuseCustom(ports: BulkPorts, { id, kind, status }: Task): ValidationRefusal | undefined {
  if (status === "SUCCEEDED") {
    return invalidField("id", `Task ${id} has SUCCEEDED; there is nothing left of it to retry.`);
  }
  return ports.definitions.find(kind) === undefined
    ? invalidField("id", `Task ${id} is of the kind ${kind}, which this service does not know any more.`)
    : undefined;
}

/**
 * Whether there is something to retry. In a bulk task: records that failed or were not reached. In any other: it
 * did not succeed. In a dry run: nothing.
 */
export function canRetry(task: Task): boolean {
  return isFinal(task.status) && !task.isDryRun && isUnfinished(task);
}

function isUnfinished({ kind, status, progress }: Task): boolean {
  if (kind === RESERVATION_KIND) {
    return false;
  }
  if (bulkOperationOf(kind) === undefined) {
    return status !== "SUCCEEDED";
  }
  return progress.failed > 0 || (progress.total !== null && progress.processed < progress.total);
}
