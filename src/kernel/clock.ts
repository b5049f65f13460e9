/** Time as an argument, so that tests can set it. */
export interface Clock {
  /** The present moment. */
  now(): Date;
  /** Calls back every `intervalMs` until the returned function is called. Never keeps the process alive. */
  every(intervalMs: number, callback: () => void): () => void;
  /** Calls back once after `delayMs` unless the returned function is called first. Never keeps the process alive. */
  after(delayMs: number, callback: () => void): () => void;
}

/**
 * The machine's own clock as it is now. Goes on evenly from here, whatever the machine's is set to later: leases, schedules
 * and retries would end or come too early.
 */
export function createSystemClock(): Clock {
  const startedAt = Date.now() - performance.now();
  return {
    now: () => new Date(startedAt + performance.now()),
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

/** A clock that follows another one. */
interface FollowedClock extends Clock {
  /**
   * Asks the other clock, and shows its time from now on. Until the first answer, and while it cannot be asked, the clock
   * continues as before. @throws what `ask` throws
   */
  follow(): Promise<void>;
}

/**
 * Makes a clock that shows the time of another, which may be on another machine. The other clock is assumed to answer
 * half-way through the round trip; a difference smaller than half of it is ignored. Timers are the base clock's.
 * @param base measures the time between two answers
 * @param ask the other clock's time
 */
export function createFollowedClock(base: Clock, ask: () => Promise<Date>): FollowedClock {
  let aheadMs = 0;
  return {
    ...base,
    now: () => new Date(base.now().getTime() + aheadMs),
    async follow() {
      const askedAt = base.now().getTime();
      const answer = (await ask()).getTime();
      const answeredAt = base.now().getTime();
      const uncertainMs = (answeredAt - askedAt) / 2;
      const measuredMs = answer - (askedAt + uncertainMs);
      if (Math.abs(measuredMs - aheadMs) > uncertainMs) {
        aheadMs = Math.round(measuredMs);
      }
    },
  };
}
