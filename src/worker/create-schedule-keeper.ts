import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import { createFailureLog } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import { createService } from "../kernel/service.ts";
import type { EventBus } from "../core/events/event-bus.ts";
import type { Cron } from "../core/schedules/cron.ts";
import { timesOf } from "../core/schedules/launch-due.ts";
import type { ConfiguredSchedule } from "../core/schedules/schedule.ts";
import type { ScheduleStore } from "../core/schedules/schedule-store.ts";
import { announce } from "../core/schedules/schedules.ts";

/** What the keeper needs. */
export interface ScheduleKeeperOptions {
  readonly schedules: Pick<ScheduleStore, "keep">;
  /** Those of this process's config. */
  readonly configured: readonly ConfiguredSchedule[];
  /** The process. */
  readonly keeper: string;
  readonly cron: Cron;
  readonly bus: Pick<EventBus, "publish">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A process that was silent for that long is gone, in ms. */
  readonly silenceMs: number;
}

/** A schedule that no process has kept for that long is forgotten, in ms: one week. */
const FORGOTTEN_AFTER_MS = 7 * 24 * 3_600_000;

/**
 * Keeps the schedules of the config in the database while the process runs. The process that started last decides what they
 * are; when it is gone, another one that has them takes them over. Nothing of a schedule is lost while no process has it, for
 * a week.
 */
export function createScheduleKeeper(options: ScheduleKeeperOptions): Service {
  const { schedules, configured, keeper, cron, clock, silenceMs, logger } = options;
  const failures = createFailureLog(logger, "keeping the schedules");
  let stopTimer: (() => void) | undefined;
  let keeping: Promise<void> | undefined;
  const keep = (unlessKeptSince: Date | null): Promise<void> => {
    const at = clock.now();
    return schedules.keep({
      keeper,
      schedules: configured.map((schedule) => ({
        ...schedule,
        nextRunAt: timesOf(cron, schedule).nextAfter(at),
      })),
      at,
      unlessKeptSince,
      forgottenSince: new Date(at.getTime() - FORGOTTEN_AFTER_MS),
    });
  };
  const keepOn = (): void => {
    keeping ??= keep(new Date(clock.now().getTime() - silenceMs))
      .then(failures.worked)
      .catch((error: unknown) => failures.failed(error))
      .finally(() => {
        keeping = undefined;
      });
  };
  return createService({
    name: "schedule keeper",
    async start() {
      await keep(null);
      await announce(options);
      stopTimer = clock.every(Math.ceil(silenceMs / 3), keepOn);
    },
    async stop() {
      stopTimer?.();
      await keeping;
    },
  });
}
