import type { SentChannel } from "../tasks/notify.ts";
import type { Task } from "../tasks/task.ts";

/** A message to one recipient: how one task ended. */
export interface Notification {
  /** UUID version 7: sorts by the time at which the task ended. The same for every try, so that receivers know a repeat. */
  readonly id: string;
  readonly task: Task;
  readonly createdAt: Date;
}

/** One in a viewer's inbox. */
export interface InboxNotification extends Notification {
  readonly readAt: Date | null;
}

/** One that is, or was, to be sent. */
export interface SentNotification extends Notification {
  readonly channel: SentChannel;
  /** An address, a URL, or the name of a callback. */
  readonly target: string;
  /** How often a process began to send it. */
  readonly tries: number;
  /** Why the latest try failed. */
  readonly lastError: string | null;
}
