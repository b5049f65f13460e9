import type { Json } from "../../kernel/json.ts";

/** What a subscriber does with what comes. Neither may throw. */
export interface BusSubscriber {
  onMessage(message: Json): void;
  /**
   * Messages may have been lost: the connection was down and is back. The subscriber should look at the truth
   * again. Not called for the first connection.
   */
  onGap(): void;
}

/**
 * Carries small messages to every process, at most once, in order per publisher. The bus announces; the truth is
 * in the rows.
 */
export interface EventBus {
  /**
   * @param topic 1 to 63 lower case letters and underscores
   * @param message at most 7,000 bytes as JSON
   * @throws AppError UNAVAILABLE when the bus cannot be reached; RangeError when the message is too large, or the
   * topic is none
   */
  publish(topic: string, message: Json): Promise<void>;
  /**
   * Resolves once every later message will arrive; then keeps the subscription through lost connections.
   * @returns ends the subscription; idempotent
   * @throws AppError UNAVAILABLE when the bus cannot be reached; RangeError when the topic is none
   */
  subscribe(topic: string, subscriber: BusSubscriber): Promise<() => Promise<void>>;
  /** Ends all subscriptions and lets go of the connections. */
  close(): Promise<void>;
}
