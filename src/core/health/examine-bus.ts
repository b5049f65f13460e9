import { createId } from "../../kernel/ids.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { Examination } from "./health-check.ts";

const TOPIC = "health";

/** Whether a message arrives: published and received over the connections that announcements take. */
export function examineBus(bus: EventBus, clock: Clock): Examination {
  return {
    name: "bus",
    async examine(signal) {
      const message = createId(clock.now());
      let arrived = (): void => undefined;
      const arrival = new Promise<void>((resolve) => (arrived = resolve));
      const unsubscribe = await bus.subscribe(TOPIC, {
        onMessage: (received) => received === message && arrived(),
        onGap: () => undefined,
      });
      try {
        await bus.publish(TOPIC, message);
        await Promise.race([arrival, aborted(signal)]);
      } finally {
        await unsubscribe();
      }
      return { status: "OK", message: "A message came back." };
    },
  };
}

/** Resolves when nobody waits any more; what is found then is not told to anyone. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
    }
    signal.addEventListener("abort", () => resolve());
  });
}
