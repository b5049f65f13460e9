import type { LifecycleEventType } from "../events/task-event.ts";
import { encodeAnnouncement, TASK_TOPIC } from "../events/task-announcement.ts";
import type { Transaction } from "../transactions/transaction.ts";
import type { Progress } from "./progress.ts";
import type { TaskPorts } from "./task-ports.ts";

/** Appends a lifecycle event with the deed, and announces it once the deed is committed. */
export async function recordEvent(
  ports: Pick<TaskPorts, "log" | "bus" | "clock">,
  transaction: Transaction,
  event: {
    readonly taskId: string;
    readonly type: LifecycleEventType;
    readonly progress: Progress;
    readonly message?: string | null;
  },
): Promise<void> {
  await ports.log.append(transaction, { message: null, ...event, at: ports.clock.now() });
  transaction.onCommit(() =>
    ports.bus.publish(TASK_TOPIC, encodeAnnouncement({ kind: "LIFECYCLE", taskId: event.taskId })),
  );
}
