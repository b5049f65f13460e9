import type { Viewer } from "../../access/viewer.ts";
import type { EventBus } from "../../events/event-bus.ts";
import type { MissingRefusal, SettledRefusal, UnavailableRefusal } from "../../refusals/refusals.ts";
import { unavailableRefusal } from "../../refusals/unavailable-refusal.ts";
import type { Logger } from "../../../kernel/logger.ts";
import { errorFields } from "../../../kernel/logger.ts";
import type { TaskReads } from "../task-reads.ts";
import { findTask } from "../task-reads.ts";
import { isFinal } from "../task-status.ts";
import type { Task } from "../task.ts";

/** A viewer's request about one task. */
export interface TaskRequest {
  readonly taskId: string;
  readonly viewer: Viewer;
}

/** Why an unsettled task was not changed: there is none, it is settled, it changes too fast, or a store is away. */
export type ChangeRefusal = MissingRefusal | SettledRefusal | UnavailableRefusal;

/** What is to be done to an unsettled task, with its words. */
interface TaskChange<Outcome> {
  /** After "nothing left to": `cancel`. */
  readonly verb: string;
  /** After "too fast to be": `cancelled`. */
  readonly participle: string;
  /** Logged when a store cannot be reached. */
  readonly failure: string;
  /** @returns undefined when the task changed after it was read */
  change(task: Task): Promise<Outcome | undefined>;
}

interface ChangePorts {
  readonly tasks: Pick<TaskReads, "find">;
  readonly logger: Logger;
}

/** How often a task is read again that began, or settled, meanwhile. */
const MAX_TRIES = 5;

/** Reads a task and changes it; reads it again if it changed meanwhile. Never rejects. */
export async function changeTask<Outcome>(
  { tasks, logger }: ChangePorts,
  taskId: string,
  { verb, participle, failure, change }: TaskChange<Outcome>,
): Promise<Outcome | ChangeRefusal> {
  try {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const task = await findTask(tasks, taskId);
      if (task === undefined) {
        return { kind: "MISSING", message: `There is no task ${taskId}.` };
      }
      if (isFinal(task.status)) {
        const message = `Task ${taskId} is ${task.status} already; there is nothing left to ${verb}.`;
        return { kind: "SETTLED", message, task };
      }
      const outcome = await change(task);
      if (outcome !== undefined) {
        return outcome;
      }
    }
    return { kind: "UNAVAILABLE", message: `The task changes too fast to be ${participle}. Try again.` };
  } catch (error) {
    return unavailableRefusal(logger, error, failure, { taskId });
  }
}

/**
 * Tells the worker of a running task what it is asked for. Without the message, it notices at its next chunk or heartbeat.
 * @param request what could not be announced, for the log: `a request to cancel`
 */
export async function announceRequest(
  { bus, logger }: { readonly bus: Pick<EventBus, "publish">; readonly logger: Logger },
  topic: string,
  { taskId, request }: { readonly taskId: string; readonly request: string },
): Promise<void> {
  await bus.publish(topic, { taskId }).catch((error: unknown) => {
    logger.warn({ ...errorFields(error), taskId }, `${request} could not be announced`);
  });
}
