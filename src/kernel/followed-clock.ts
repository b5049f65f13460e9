import type { Clock } from "./clock.ts";

/** A clock that is set by another one. */
export interface FollowedClock extends Clock {
  /**
   * Asks the other clock, and goes by it from now on. Until the first answer, and while it cannot be asked, the clock
   * goes on as it went. @throws what asking throws
   */
  follow(): Promise<void>;
}

/**
 * Makes a clock that shows another's time, which may be far away: half of what asking took is taken for the way back.
 * A difference smaller than that is no news, so the clock does not tremble. Timers are the base's own.
 * @param base tells how time goes on between two looks
 * @param ask the other's present moment
 */
export function createFollowedClock(base: Clock, ask: () => Promise<Date>): FollowedClock {
  let aheadMs = 0;
  return {
    ...base,
    now: () => new Date(base.now().getTime() + aheadMs),
    async follow() {
      const askedAt = base.now().getTime();
      const told = (await ask()).getTime();
      const answeredAt = base.now().getTime();
      const uncertainMs = (answeredAt - askedAt) / 2;
      const measuredMs = told - (askedAt + uncertainMs);
      if (Math.abs(measuredMs - aheadMs) > uncertainMs) {
        aheadMs = Math.round(measuredMs);
      }
    },
  };
}
