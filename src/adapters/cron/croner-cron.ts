import { Cron as Croner, CronPattern } from "croner";
import cronstrue from "cronstrue";
import { nearestName } from "../../kernel/nearest-name.ts";
import type { Cron, CronReading } from "../../core/schedules/cron.ts";

/**
 * A schedule at fixed hours and minutes runs once a day, also where clocks change: a time that does not exist comes right
 * after the gap, and of a time that exists twice only the first counts. Schedules with `*` or steps go by elapsed time.
 */
const FIXED_TIMES = { fixedTimeRule: "no-wildcard" } as const;

/** Cron expressions as croner reads them, in cronstrue's words. */
export function createCron(): Cron {
  // Few are in use, and reading one takes a while.
  const known = new Map<string, CronReading>();
  return {
    read(expression, timeZone) {
      const key = `${timeZone} ${expression}`;
      const reading = known.get(key) ?? read(expression, timeZone);
      known.set(key, reading);
      return reading;
    },
    inWords: wordsFor,
  };
}

function read(expression: string, timeZone: string): CronReading {
  const wrongZone = findWrongZone(timeZone);
  if (wrongZone !== undefined) {
    return { kind: "WRONG", problem: wrongZone, isZone: true };
  }
  try {
    // Croner would also take a date; this takes expressions only.
    const { pattern } = new CronPattern(expression, timeZone, FIXED_TIMES);
    const cron = new Croner(pattern, { timezone: timeZone, paused: true, ...FIXED_TIMES });
    return cron.nextRun(new Date(0)) === null
      ? wrong(`${JSON.stringify(expression)} never comes`)
      : { kind: "TIMES", times: { nextAfter: (moment) => cron.nextRun(moment) } };
  } catch (error) {
    return wrong(String(error instanceof Error ? error.message : error).replace(/^CronPattern: /, ""));
  }
}

function wrong(problem: string): CronReading {
  return { kind: "WRONG", problem, isZone: false };
}

function findWrongZone(timeZone: string): string | undefined {
  try {
    new Intl.DateTimeFormat("en", { timeZone }).format();
    return undefined;
  } catch {
    const nearest = nearestName(timeZone, Intl.supportedValuesOf("timeZone"));
    const advice =
      nearest === undefined ? "take an IANA name, such as Europe/Paris" : `did you mean ${nearest}?`;
    return `${JSON.stringify(timeZone)} is not a time zone; ${advice}`;
  }
}

function wordsFor(expression: string): string {
  try {
    return cronstrue.toString(expression, { use24HourTimeFormat: true });
  } catch {
    return expression;
  }
}
