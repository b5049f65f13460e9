import type { Json } from "../../kernel/json.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { BusSubscriber } from "./event-bus.ts";

/** Who listens to which topic in this process. One subscriber's fault is not the others'. */
export interface BusSubscribers {
  /** @returns takes the subscriber out again; idempotent. A subscriber may be added twice; each counts by itself. */
  add(topic: string, subscriber: BusSubscriber): () => void;
  deliver(topic: string, message: Json): void;
  /** Tells all subscribers of all topics that messages may have been lost. */
  reportGap(): void;
  clear(): void;
}

export function createBusSubscribers(logger: Logger): BusSubscribers {
  const topics = new Map<string, Set<BusSubscriber>>();
  const tell = (
    subscribers: readonly BusSubscriber[],
    deliver: (subscriber: BusSubscriber) => void,
  ): void => {
    for (const subscriber of subscribers) {
      try {
        deliver(subscriber);
      } catch (error) {
        logger.error({ err: error }, "a subscriber of the bus threw");
      }
    }
  };
  return {
    add(topic, subscriber) {
      const own: BusSubscriber = {
        onMessage: (message) => subscriber.onMessage(message),
        onGap: () => subscriber.onGap(),
      };
      const set = topics.get(topic) ?? new Set();
      topics.set(topic, set.add(own));
      return () => void set.delete(own);
    },
    // Copies: subscribers come and go while they are told.
    deliver: (topic, message) =>
      tell([...(topics.get(topic) ?? [])], (subscriber) => subscriber.onMessage(message)),
    reportGap: () =>
      tell(
        [...topics.values()].flatMap((set) => [...set]),
        (subscriber) => subscriber.onGap(),
      ),
    clear: () => topics.clear(),
  };
}
