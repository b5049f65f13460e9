import { isAppError } from "../kernel/app-error.ts";
import type { Clock } from "../kernel/clock.ts";
import { createFailureLog, errorFields } from "../kernel/logger.ts";
import { createPasses } from "../kernel/passes.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import type { EventBus } from "../core/events/event-bus.ts";
import type { DueSchedule, LaunchDuePorts } from "../core/schedules/launch-due.ts";
import { giveUpDue, launchDue } from "../core/schedules/launch-due.ts";
import type { Schedule } from "../core/schedules/schedule.ts";
import type { ScheduleStore } from "../core/schedules/schedule-store.ts";
import { SCHEDULE_TOPIC } from "../core/schedules/schedules.ts";

/** What the scheduler needs. */
export interface SchedulerPorts extends LaunchDuePorts {
  readonly schedules: LaunchDuePorts["schedules"] & Pick<ScheduleStore, "list">;
  /** The schedules of this process's config, by name. */
  readonly names: readonly string[];
  /** Whether this process can launch tasks of the kind; a row may show the config of another process. */
  readonly knows: (kind: string) => boolean;
  readonly bus: Pick<EventBus, "subscribe">;
}

/** The longest sleep, in ms: after it the schedules are read again, in case a message was lost or a clock was set. */
const MAX_SLEEP_MS = 60_000;
/** The times between two tries of a launch, in ms: the first, doubled each time up to the last. */
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;
/** A launch that throws as often is given up. */
const MAX_FAULTS = 10;

/**
 * Launches the tasks of schedules when they are due. Sleeps until the earliest due time, and wakes up when schedules change.
 * Every worker whose config has schedules runs one; each due time is launched once all the same.
 */
export function createScheduler(ports: SchedulerPorts): Service {
  const { bus, clock, logger } = ports;
  const alarm = createAlarm(clock, () => passes.ask());
  const launches = createLaunches(ports, () => passes.ask());
  const passes = createPasses({
    pass: async () => alarm.set(await launches.begin()),
    failures: createFailureLog(logger, "reading the schedules"),
    clock,
    retryMs: FIRST_RETRY_MS,
  });
  let unsubscribe: (() => Promise<void>) | undefined;
  return createService({
    name: "scheduler",
    async start() {
      launches.startAt(clock.now());
      unsubscribe = await bus.subscribe(SCHEDULE_TOPIC, { onMessage: passes.ask, onGap: passes.ask });
      passes.ask();
    },
    async stop() {
      alarm.off();
      await passes.end();
      await unsubscribe?.();
      await launches.settled();
    },
  });
}

/** The launches of a process: of each schedule one at a time. */
interface Launches {
  /** Due times that passed before then were missed. */
  startAt(time: Date): void;
  /** Begins to launch what is due. @returns the next moment to look again, as a number */
  begin(): Promise<number>;
  /** Waits for the launches under way. */
  settled(): Promise<void>;
}

/** @param onEnd called when a launch has ended */
function createLaunches(ports: SchedulerPorts, onEnd: () => void): Launches {
  const { schedules, names, knows, clock } = ports;
  const retries = createRetries(clock);
  const launching = new Map<string, Promise<void>>();
  let startedAt = clock.now();
  const launch = (schedule: Schedule, due: Date): void => {
    const done = launchOnce(ports, retries, { schedule, due, startedAt }).finally(() => {
      launching.delete(schedule.name);
      onEnd();
    });
    launching.set(schedule.name, done);
  };
  return {
    startAt(time) {
      startedAt = time;
    },
    async begin() {
      const listed = await schedules.list(names);
      const now = clock.now().getTime();
      let next = now + MAX_SLEEP_MS;
      for (const schedule of listed) {
        const { name, kind, nextRunAt, pausedAt } = schedule;
        if (nextRunAt === null || pausedAt !== null || launching.has(name) || !knows(kind)) {
          continue;
        }
        const at = Math.max(nextRunAt.getTime(), retries.at(name, nextRunAt));
        if (at <= now) {
          launch(schedule, nextRunAt);
        } else {
          next = Math.min(next, at);
        }
      }
      return next;
    },
    async settled() {
      await Promise.all(launching.values());
    },
  };
}

async function launchOnce(ports: SchedulerPorts, retries: Retries, due: DueSchedule): Promise<void> {
  const { logger } = ports;
  const { name } = due.schedule;
  try {
    if ((await launchDue(ports, due)) === "HANDLED") {
      retries.forget(name);
    } else {
      retries.failed(name, due.due, 0);
    }
  } catch (error) {
    const faults = retries.failed(name, due.due, isAppError(error, "UNAVAILABLE") ? 0 : 1);
    logger.warn(
      { ...errorFields(error), schedule: name, due: due.due },
      "a schedule's launch failed; it is tried again",
    );
    if (faults >= MAX_FAULTS) {
      await giveUpDue(ports, due, error).catch((failure: unknown) => {
        logger.warn({ ...errorFields(failure), schedule: name }, "a schedule could not move on");
      });
    }
  }
}

/** The due times whose launch failed, by schedule. */
interface Retries {
  /** Notes a failure. @returns how many faults the due time has had */
  failed(name: string, due: Date, faults: number): number;
  forget(name: string): void;
  /** When the due time may be tried again, as a number; 0: at once. */
  at(name: string, due: Date): number;
}

function createRetries(clock: Clock): Retries {
  const failing = new Map<string, { due: number; failures: number; faults: number; retryAt: number }>();
  const find = (name: string, due: Date) => {
    const known = failing.get(name);
    return known?.due === due.getTime() ? known : { due: due.getTime(), failures: 0, faults: 0, retryAt: 0 };
  };
  return {
    failed(name, due, added) {
      const { failures, faults } = find(name, due);
      const retryAt = clock.now().getTime() + Math.min(FIRST_RETRY_MS * 2 ** failures, MAX_RETRY_MS);
      failing.set(name, { due: due.getTime(), failures: failures + 1, faults: faults + added, retryAt });
      return faults + added;
    },
    forget: (name) => void failing.delete(name),
    at: (name, due) => find(name, due).retryAt,
  };
}

/** One timer, set anew each time. */
function createAlarm(clock: Clock, ring: () => void) {
  let stop = (): void => undefined;
  let isOff = false;
  return {
    set(time: number) {
      stop();
      if (!isOff) {
        stop = clock.after(Math.max(time - clock.now().getTime(), 0), ring);
      }
    },
    off() {
      isOff = true;
      stop();
    },
  };
}
