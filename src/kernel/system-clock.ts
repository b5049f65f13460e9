import type { Clock } from "./clock.ts";

/** The machine's own clock. */
export function createSystemClock(): Clock {
  return {
    now: () => new Date(),
    every(intervalMs, callback) {
      const timer = setInterval(callback, intervalMs);
      timer.unref();
      return () => clearInterval(timer);
    },
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      timer.unref();
      return () => clearTimeout(timer);
    },
  };
}
