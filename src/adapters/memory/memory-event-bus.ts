import { AppError } from "../../kernel/app-error.ts";
import type { Json } from "../../kernel/json.ts";
import type { Logger } from "../../kernel/logger.ts";
import { checkBusTopic, encodeBusMessage } from "../../core/events/bus-message.ts";
import type { BusSubscriber, EventBus } from "../../core/events/event-bus.ts";

/** A bus within one process. It delivers while it publishes; there is no connection, so there are no gaps. */
export function createMemoryEventBus(options: { readonly logger: Logger }): EventBus {
  const subscribers = new Map<string, Set<BusSubscriber>>();
  let isClosed = false;
  const checkOpen = (): void => {
    if (isClosed) {
      throw new AppError("UNAVAILABLE", "The event bus is closed.");
    }
  };
  return {
    async publish(topic, message) {
      const json = encodeBusMessage(message);
      checkBusTopic(topic);
      checkOpen();
      // A copy: subscribers come and go while they are told.
      const current = [...(subscribers.get(topic) ?? [])];
      for (const subscriber of current) {
        try {
          // Each its own copy, as if it had come over a wire.
          subscriber.onMessage(JSON.parse(json) as Json);
        } catch (error) {
          options.logger.error({ err: error }, "a subscriber of the bus threw");
        }
      }
    },
    async subscribe(topic, subscriber) {
      checkBusTopic(topic);
      checkOpen();
      const own: BusSubscriber = {
        onMessage: (message) => subscriber.onMessage(message),
        onGap: () => subscriber.onGap(),
      };
      const set = subscribers.get(topic) ?? new Set();
      subscribers.set(topic, set.add(own));
      return async () => void set.delete(own);
    },
    async close() {
      isClosed = true;
      subscribers.clear();
    },
  };
}
