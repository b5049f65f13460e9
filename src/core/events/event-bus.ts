import type { Json } from "../../kernel/json.ts";

/** A subscriber of one topic. Neither method may throw. */
export interface BusSubscriber {
  onMessage(message: Json): void;
  /**
   * Messages may have been lost: the connection was down and is back. The subscriber should read the store again. Not
   * called for the first connection.
   */
  onGap(): void;
}

/**
 * Carries small messages to every process, at most once, in order per publisher. The bus only announces; the rows
 * hold the facts.
 */
export interface EventBus {
  /**
   * @param topic 1 to 63 lower case letters and underscores
   * @param message at most 7,000 bytes as JSON
   * @throws AppError UNAVAILABLE when the bus cannot be reached; RangeError when the message is too large, or the
   * topic is not valid
   */
  publish(topic: string, message: Json): Promise<void>;
  /**
   * Resolves once every later message will arrive; then keeps the subscription through lost connections.
   * @returns ends the subscription; idempotent
   * @throws AppError UNAVAILABLE when the bus cannot be reached; RangeError when the topic is not valid
   */
  subscribe(topic: string, subscriber: BusSubscriber): Promise<() => Promise<void>>;
  /** Ends all subscriptions and closes the connections. */
  close(): Promise<void>;
}

/** NOTIFY, the narrowest carrier, takes less than 8,000 bytes in all. */
const MAX_MESSAGE_BYTES = 7_000;
/** At most as long as an identifier of PostgreSQL, which would cut the rest off. */
const TOPIC = /^[a-z_]{1,63}$/;

/** The topic. @throws RangeError when it is not valid */
export function checkBusTopic(topic: string): string {
  if (!TOPIC.test(topic)) {
    throw new RangeError(`"${topic}" is not a topic: expected 1 to 63 lower case letters and underscores`);
  }
  return topic;
}

/** The message as text. @throws RangeError when it is too large for a bus */
export function encodeBusMessage(message: Json): string {
  const json = JSON.stringify(message);
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_MESSAGE_BYTES) {
    throw new RangeError(
      `a message of ${bytes} bytes is too large for the bus: ${MAX_MESSAGE_BYTES} are allowed`,
    );
  }
  return json;
}
