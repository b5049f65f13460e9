import { AppError } from "../../../src/kernel/app-error.ts";
import type { Json } from "../../../src/kernel/json.ts";
import type { Logger } from "../../../src/kernel/logger.ts";
import type { EventBus } from "../../../src/core/events/event-bus.ts";
import { checkBusTopic, encodeBusMessage } from "../../../src/core/events/event-bus.ts";
import { createBusSubscribers } from "../../../src/core/events/bus-subscribers.ts";

/** A bus within one process. It delivers during `publish`, and has no gaps since it has no connection. */
export function createMemoryEventBus(options: { readonly logger: Logger }): EventBus {
  const subscribers = createBusSubscribers(options.logger);
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
      // Each subscriber gets a copy, as over a connection.
      subscribers.deliver(topic, JSON.parse(json) as Json);
    },
    async subscribe(topic, subscriber) {
      checkBusTopic(topic);
      checkOpen();
      const leave = subscribers.add(topic, subscriber);
      return async () => leave();
    },
    async close() {
      isClosed = true;
      subscribers.clear();
    },
  };
}
