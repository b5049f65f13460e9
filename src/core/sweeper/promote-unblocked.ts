import { isAppError } from "../../kernel/app-error.ts";
import { errorFields } from "../../kernel/logger.ts";
import { toUnavailableError } from "../../kernel/unavailable-error.ts";
import type { AwaitKindPorts } from "../tasks/run/await-kind.ts";
import { endOfUnknownKind } from "../tasks/run/await-kind.ts";
import type { SettleBy } from "../tasks/settle/ending.ts";
import { failedEnd } from "../tasks/settle/ending.ts";
import { retryWaiting } from "../tasks/settle/promote-waiting.ts";
import { settleUnattended } from "../tasks/settle/settle-task.ts";
import type { TaskPorts } from "../tasks/settle/task-ports.ts";
import { findTask } from "../tasks/task-reads.ts";
import type { Task } from "../tasks/task.ts";
import type { UnblockedTask } from "../tasks/waiting-line.ts";

/** What the sweeper needs for tasks in line. Without the last two it fails no task for its kind. */
export type PromoteUnblockedPorts = TaskPorts &
  Partial<Pick<AwaitKindPorts, "isKindServed" | "unknownKindWaitMs">>;

/** What became of a task in line whose turn has come. */
type Turn = "PROMOTED" | "FAILED" | "WAITS";

/** Lets the tasks go on that wait for nobody any more. One that never could is FAILED, so that it keeps nobody behind it. */
export async function promoteUnblocked(
  ports: PromoteUnblockedPorts,
  limit: number,
): Promise<{ readonly promoted: readonly string[]; readonly failed: readonly string[] }> {
  const turns: Record<Turn, string[]> = { PROMOTED: [], FAILED: [], WAITS: [] };
  for (const unblocked of await ports.tasks.findUnblocked(limit)) {
    turns[await takeTurn(ports, unblocked)].push(unblocked.id);
  }
  return { promoted: turns.PROMOTED, failed: turns.FAILED };
}

async function takeTurn(ports: PromoteUnblockedPorts, unblocked: UnblockedTask): Promise<Turn> {
  try {
    if (await retryWaiting(ports, unblocked)) {
      return "PROMOTED";
    }
    return (await failUnknown(ports, unblocked)) ? "FAILED" : "WAITS";
  } catch (error) {
    const isPassing =
      isAppError(toUnavailableError(error), "UNAVAILABLE") ||
      (isAppError(error) && error.details["isRetryable"] === true);
    // A process of another version may know the model.
    if (isPassing || isAppError(error, "UNKNOWN_MODEL")) {
      ports.logger.warn({ ...errorFields(error), taskId: unblocked.id }, "a task in line was left there");
      return "WAITS";
    }
    ports.logger.error({ err: error, taskId: unblocked.id }, "a task in line cannot go on");
    const reason = error instanceof Error ? error.message : String(error);
    const message = `Its turn came, and its dependent records could not be read: ${reason}`;
    return (await fail(ports, unblocked, (task) => failedEnd(message, task.progress))) ? "FAILED" : "WAITS";
  }
}

/** Its dependents cannot be read again without its definition. */
async function failUnknown(ports: PromoteUnblockedPorts, unblocked: UnblockedTask): Promise<boolean> {
  const { definitions, isKindServed, unknownKindWaitMs, clock } = ports;
  if (definitions === undefined || unknownKindWaitMs === undefined || !unblocked.hasDependents) {
    return false;
  }
  const { id, unblockedAt } = unblocked;
  const isDue = unblockedAt === null || clock.now().getTime() - unblockedAt.getTime() >= unknownKindWaitMs;
  const kind = isDue ? (await findTask(ports.tasks, id))?.kind : undefined;
  if (kind === undefined || definitions.find(kind) !== undefined || (await isKindServed?.(kind)) === true) {
    return false;
  }
  return fail(ports, unblocked, (task) => endOfUnknownKind(task, unknownKindWaitMs));
}

async function fail(
  ports: PromoteUnblockedPorts,
  { id }: UnblockedTask,
  end: (task: Task) => SettleBy,
): Promise<boolean> {
  const task = await findTask(ports.tasks, id);
  return task?.status === "WAITING" && settleUnattended(ports, task, end(task));
}
