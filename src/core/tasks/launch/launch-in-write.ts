import type { OpenWrite } from "../../locks/open-write.ts";
import { conflictRefusal } from "../../refusals/conflict-refusal.ts";
import { outsideTask } from "../run/task-context.ts";
import { findTask, readTask } from "../task-reads.ts";
import { callHook } from "../task-hooks.ts";
import type { LaunchOutcome } from "./launch-outcome.ts";
import type { LaunchRequest } from "./launch-request.ts";
import type { LaunchPorts } from "./launch-task.ts";
import { refuseByHook, start, waitInLine } from "./launch-task.ts";
import type { WrittenLaunch } from "./on-conflict.ts";
import { writeLaunch } from "./on-conflict.ts";
import { answerWith } from "./repeated-launch.ts";

/**
 * Launches a task in the transaction of a write whose hook asks for it: task, locks and CREATE event are there once the
 * write is committed, or not at all. Then the task is enqueued, or run if it is small.
 */
export async function launchInWrite(
  ports: LaunchPorts,
  write: OpenWrite,
  request: LaunchRequest,
): Promise<LaunchOutcome> {
  const refusal = await refuseByHook(ports, request);
  if (refusal !== undefined) {
    return refusal;
  }
  await write.enter(await claimedModels(ports, request));
  const { transaction } = write;
  // The quick way to write a task is a transaction of its own.
  const { steps: _steps, ...inTransaction } = ports;
  const written = await writeLaunch({ ...inTransaction, unitOfWork: write.unitOfWork }, request);
  switch (written.kind) {
    case "EXISTING":
      return answerWith(
        { tasks: { find: (ids) => ports.tasks.find(ids, transaction) } },
        written.existing,
        request.inputHash,
      );
    case "ENDED":
    case "RETRIED_TASK_GONE":
      return { kind: "MISSING", message: `There is no task ${request.retryOf} any more.` };
    case "REFUSED":
      return conflictRefusal(ports.tasks, written.refusal, ports.nameOf);
    case "WAITING":
    case "CREATED": {
      const { taskId } = written;
      transaction.onCommit(() => outsideTask(() => goOn(ports, written, request)));
      const task = await readTask({ find: (ids) => ports.tasks.find(ids, transaction) }, taskId);
      return { kind: "LAUNCHED", task, isDuplicate: false };
    }
  }
}

async function claimedModels(
  { definitions }: LaunchPorts,
  request: LaunchRequest,
): Promise<readonly string[]> {
  const dependents = await definitions.find(request.kind)?.dependents?.(request);
  return [...request.claims.map(({ model }) => model), ...(dependents?.models ?? [])];
}

async function goOn(
  ports: LaunchPorts,
  written: Extract<WrittenLaunch, { readonly kind: "CREATED" | "WAITING" }>,
  request: LaunchRequest,
): Promise<void> {
  const { taskId } = written;
  // A hook that threw has undone the task, but not this callback.
  const created = await findTask(ports.tasks, taskId);
  if (created !== undefined) {
    await callHook(ports, "create", created, {});
    await (written.kind === "WAITING"
      ? waitInLine(ports, taskId, written.hasDependents)
      : start(ports, { taskId }, request));
  }
}
