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

/** What announcing needs. */
interface AnnouncePorts {
  readonly bus: Pick<EventBus, "publish">;
  readonly logger: Logger;
}

/** Appends a lifecycle event in the transaction of the change itself, and announces it after the commit. */
export async function recordEvent(
  ports: AnnouncePorts & { readonly log: EventLog; readonly clock: Clock },
  transaction: Transaction,
  event: {
    readonly taskId: string;
    readonly type: LifecycleEventType;
    readonly progress: Progress;
    readonly message?: string | null;
  },
): Promise<void> {
  await ports.log.append(transaction, { message: null, ...event, at: ports.clock.now() });
  transaction.onCommit(() => announce(ports, event.taskId));
}

/** Announces a committed change, and waits for nothing: whoever misses the message finds the change in the log. */
export function announce({ bus, logger }: AnnouncePorts, taskId: string): void {
  announceChange(bus, taskId).catch((error: unknown) => {
    // The bus logs an outage once.
    const level = isAppError(error, "UNAVAILABLE") ? "debug" : "error";
    logger[level]({ ...errorFields(error), taskId }, "a change of a task could not be announced");
  });
}

/** The most tasks of one announcement: it has to fit into a message of the bus. */
const MAX_ANNOUNCED = 100;
/** The least time between two announcements, in ms: each makes every process read the log. */
const PAUSE_MS = 5;

/** Of each bus, what announces over it. */
const announcers = new WeakMap<AnnouncePorts["bus"], GroupedCalls<string, void>>();

/**
 * Announces to all processes that the task has changed: at once, or together with others where there was an announcement
 * a moment ago.
 */
export function announceChange(bus: AnnouncePorts["bus"], taskId: string): Promise<void> {
  let send = announcers.get(bus);
  if (send === undefined) {
    send = groupCalls({
      maxItems: MAX_ANNOUNCED,
      pauseMs: PAUSE_MS,
      async run(taskIds) {
        await bus.publish(
          TASK_TOPIC,
          encodeAnnouncement({ kind: "LIFECYCLE", taskIds: [...new Set(taskIds)] }),
        );
        return [];
      },
    });
    announcers.set(bus, send);
  }
  return send(taskId);
}
