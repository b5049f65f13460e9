import type { Clock } from "../../src/kernel/clock.ts";

/** A clock that stands still until a test advances it. */
export interface ManualClock extends Clock {
  /** Advances the clock by that many milliseconds and runs the callbacks that are due, in order. */
  advance(ms: number): void;
}

interface Alarm {
  at: number;
  readonly everyMs: number | undefined;
  readonly callback: () => void;
}

export function createManualClock(start = new Date("2026-01-01T00:00:00.000Z")): ManualClock {
  let now = start.getTime();
  const alarms = new Set<Alarm>();
  const add = (alarm: Alarm): (() => void) => {
    alarms.add(alarm);
    return () => void alarms.delete(alarm);
  };
  const nextDue = (until: number): Alarm | undefined =>
    [...alarms].filter((alarm) => alarm.at <= until).toSorted((a, b) => a.at - b.at)[0];
  return {
    now: () => new Date(now),
    every: (everyMs, callback) => add({ at: now + everyMs, everyMs, callback }),
    after: (delayMs, callback) => add({ at: now + delayMs, everyMs: undefined, callback }),
    advance(ms) {
      const until = now + ms;
      for (let due = nextDue(until); due !== undefined; due = nextDue(until)) {
        now = due.at;
        if (due.everyMs === undefined) {
          alarms.delete(due);
        } else {
          due.at += due.everyMs;
        }
        due.callback();
      }
      now = until;
    },
  };
}
