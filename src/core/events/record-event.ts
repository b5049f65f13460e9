import { isAppError } from "../../kernel/app-error.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { GroupedCalls } from "../../kernel/group-calls.ts";
import { groupCalls } from "../../kernel/group-calls.ts";
import type { Logger } from "../../kernel/logger.ts";
import { errorFields } from "../../kernel/logger.ts";
import type { Progress } from "../tasks/progress.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { EventBus } from "./event-bus.ts";
import type { EventLog } from "./event-log.ts";
import { encodeAnnouncement, TASK_TOPIC } from "./task-announcement.ts";
import type { LifecycleEventType } from "./task-event.ts";

/** Appends a lifecycle event in the transaction of the change itself, and announces it after the commit. */
export async function recordEvent(
  ports: { readonly log: EventLog; readonly bus: EventBus; readonly clock: Clock },
  transaction: Transaction,
  event: {
    readonly taskId: string;
    readonly type: LifecycleEventType;
    readonly progress: Progress;
    readonly message?: string | null;
  },
): Promise<void> {
  await ports.log.append(transaction, { message: null, ...event, at: ports.clock.now() });
  transaction.onCommit(() => announceChange(ports.bus, event.taskId));
}

/** Announces what a quick step wrote. Never waits: the log has it. */
export function announceStep(
  { bus, logger }: { readonly bus: Pick<EventBus, "publish">; readonly logger: Logger },
  taskId: string,
): void {
  announceChange(bus, taskId).catch((error: unknown) => {
    const level = isAppError(error, "UNAVAILABLE") ? "debug" : "error";
    logger[level]({ ...errorFields(error), taskId }, "a change of a task could not be announced");
  });
}

/** The most tasks of one announcement: it has to fit into a message of the bus. */
const MAX_ANNOUNCED = 100;

/** Of each bus, what announces over it. */
const announcers = new WeakMap<Pick<EventBus, "publish">, GroupedCalls<string, void>>();

/**
 * Announces to all processes that the task has changed. While an announcement is under way, further ones wait, and are
 * sent as one.
 */
export function announceChange(bus: Pick<EventBus, "publish">, taskId: string): Promise<void> {
  let announce = announcers.get(bus);
  if (announce === undefined) {
    announce = groupCalls({
      maxItems: MAX_ANNOUNCED,
      async run(taskIds) {
        await bus.publish(
          TASK_TOPIC,
          encodeAnnouncement({ kind: "LIFECYCLE", taskIds: [...new Set(taskIds)] }),
        );
        return [];
      },
    });
    announcers.set(bus, announce);
  }
  return announce(taskId);
}
