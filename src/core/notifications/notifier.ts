import type { SentNotification } from "./notification.ts";
import type { NotificationText } from "./notification-text.ts";

/** A notification about to be sent, with its words. */
export interface OutgoingNotification extends SentNotification, NotificationText {}

/** How a channel answered. */
export type SendOutcome =
  | { readonly kind: "SENT" }
  /** To be tried again, as the schedule says, but not within `waitMs`. */
  | { readonly kind: "FAILED"; readonly error: string; readonly waitMs?: number }
  /** Another try would fail, too: an address that does not exist. */
  | { readonly kind: "REFUSED"; readonly error: string };

/** Sends over one channel. */
export interface Notifier {
  /**
   * Sends one notification, at least once in all: a receiver knows a repeat by the notification's id.
   * @param signal aborts when its time is over, or the process stops
   * @throws any error, which counts as FAILED
   */
  send(notification: OutgoingNotification, signal: AbortSignal): Promise<SendOutcome>;
  /** Closes its connections. */
  close(): void;
}
