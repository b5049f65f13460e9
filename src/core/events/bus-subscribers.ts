import type { Json } from "../../kernel/json.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { BusSubscriber } from "./event-bus.ts";

/** This process's subscribers by topic. An error of one does not reach the others. */
export interface BusSubscribers {
  /** @returns a function that removes the subscriber; idempotent. A subscriber may be added twice. */
  add(topic: string, subscriber: BusSubscriber): () => void;
  deliver(topic: string, message: Json): void;
  /** Reports to all subscribers of all topics that messages may have been lost. */
  reportGap(): void;
  clear(): void;
}

export function createBusSubscribers(logger: Logger): BusSubscribers {
  const topics = new Map<string, Set<BusSubscriber>>();
  const callEach = (
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
    // Copies: subscribers come and go during the delivery.
    deliver: (topic, message) =>
      callEach([...(topics.get(topic) ?? [])], (subscriber) => subscriber.onMessage(message)),
    reportGap: () =>
      callEach(
        [...topics.values()].flatMap((set) => [...set]),
        (subscriber) => subscriber.onGap(),
      ),
    clear: () => topics.clear(),
  };
}
