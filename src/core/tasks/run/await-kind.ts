import { errorFields } from "../../../kernel/logger.ts";
import { recordEvent } from "../../events/record-event.ts";
import type { AwaitedKind, PostponedTasks } from "../postponed-tasks.ts";
import type { SettleBy } from "../settle/ending.ts";
import { failedEnd } from "../settle/ending.ts";
import { enqueuePostponed } from "../settle/enqueue-postponed.ts";
import type { SettlePorts } from "../settle/settle-task.ts";
import { settleUnattended } from "../settle/settle-task.ts";
import type { TaskDefinitions } from "../task-definition.ts";
import type { QueuedTask } from "../task-queue.ts";
import { findTask } from "../task-reads.ts";
import { isFinal } from "../task-status.ts";
import type { Task } from "../task.ts";

/** While a worker runs that knows the kind, it may take the task at the next delivery. */
const SERVED = { minDelayMs: 100, maxDelayMs: 2000 };
/** A worker that starts enqueues the tasks of its kinds itself. */
const UNSERVED = { minDelayMs: 30_000, maxDelayMs: 30_000 };

/** What waiting for a worker with the right definition needs. */
export interface AwaitKindPorts extends SettlePorts {
  readonly tasks: SettlePorts["tasks"] & PostponedTasks;
  readonly definitions: TaskDefinitions;
  /** How long a task waits for a worker that knows its kind, in ms; then it is FAILED. */
  readonly unknownKindWaitMs: number;
  /** Whether a running worker of the deployment knows the kind. Default: none does. */
  readonly isKindServed?: (kind: string) => Promise<boolean>;
}

/**
 * Makes a task wait that this process cannot run, since it does not know its kind, until another worker takes it. After
 * {@link AwaitKindPorts.unknownKindWaitMs} it is FAILED.
 * @returns false, with nothing written, where this process knows the kind, or the delivery is stale
 */
export async function awaitKind(ports: AwaitKindPorts, { id, attempt }: QueuedTask): Promise<boolean> {
  const task = await findTask(ports.tasks, id);
  if (task?.attempt !== attempt || isFinal(task.status) || ports.definitions.find(task.kind) !== undefined) {
    return false;
  }
  const isServed = (await ports.isKindServed?.(task.kind)) ?? false;
  const at = ports.clock.now();
  const awaited = await write(ports, task, at, isServed ? SERVED : UNSERVED);
  if (awaited === undefined) {
    return false;
  }
  if (at.getTime() - awaited.since.getTime() >= ports.unknownKindWaitMs) {
    return fail(ports, task);
  }
  await enqueuePostponed(ports, { id, attempt, until: awaited.until }).catch((error: unknown) => {
    ports.logger.warn({ ...errorFields(error), taskId: id }, "a postponed task was left for the sweeper");
  });
  return true;
}

function write(
  ports: AwaitKindPorts,
  { id: taskId, attempt, kind, progress }: Task,
  at: Date,
  delays: { readonly minDelayMs: number; readonly maxDelayMs: number },
): Promise<AwaitedKind | undefined> {
  const request = { taskId, attempt, at, ...delays, maxWaitMs: ports.unknownKindWaitMs };
  return ports.unitOfWork.run(async (transaction) => {
    const awaited = await ports.tasks.awaitKind(transaction, request);
    // Told once, not with each delivery.
    if (awaited?.since.getTime() === at.getTime()) {
      const message = `It waits for a worker that knows the kind "${kind}".`;
      await recordEvent(ports, transaction, { taskId, type: "POSTPONE", progress, message });
    }
    return awaited;
  });
}

async function fail(ports: AwaitKindPorts, { id, kind }: Task): Promise<boolean> {
  const task = await findTask(ports.tasks, id);
  if (task === undefined) {
    return false;
  }
  ports.logger.error({ taskId: id, kind }, "a task was given up, since no worker knows its kind");
  return settleUnattended(ports, task, endOfUnknownKind(task, ports.unknownKindWaitMs));
}

/** The end of a task for whose kind no worker has come. */
export function endOfUnknownKind({ kind, progress }: Task, waitedMs: number): SettleBy {
  const message = `No worker knew the kind "${kind}" for ${waitedMs / 1000} s. Deploy its definition, and retry the task.`;
  return (done) => ({
    ...failedEnd(message, progress, done),
    errors: [{ recordId: null, outcome: "FAILED", code: "UNKNOWN_KIND", message }],
  });
}
