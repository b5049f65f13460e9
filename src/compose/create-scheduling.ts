import { AppError } from "../kernel/app-error.ts";
import type { Service } from "../kernel/service.ts";
import type { ProcessRole } from "../core/processes/process-register.ts";
import { checkSchedules } from "../core/schedules/check-schedules.ts";
import type { Cron } from "../core/schedules/cron.ts";
import type { LaunchScheduled } from "../core/schedules/launch-due.ts";
import type { ConfiguredSchedule } from "../core/schedules/schedule.ts";
import type { Schedules } from "../core/schedules/schedules.ts";
import { createSchedules } from "../core/schedules/schedules.ts";
import type { LaunchOutcome } from "../core/tasks/launch/launch-outcome.ts";
import type { CustomLaunch } from "../core/tasks/launch/launch-custom.ts";
import { launchCustom } from "../core/tasks/launch/launch-custom.ts";
import { createCron } from "../adapters/cron/croner-cron.ts";
import { createPostgresScheduleStore } from "../adapters/postgres/postgres-schedule-store.ts";
import type { Config } from "../config/config.ts";
import { createScheduleKeeper } from "../worker/create-schedule-keeper.ts";
import { createScheduler } from "../worker/create-scheduler.ts";
import type { Engine } from "./engine.ts";
import type { PowerCrudConfig } from "./define-config.ts";

/** The use cases of schedules, and the services that keep and launch them. */
export interface Scheduling {
  readonly schedules: Schedules;
  readonly cronInWords: Cron["inWords"];
  /** None where the config has no schedules, and in a client. */
  readonly services: readonly Service[];
}

/** The schedules of a config, checked, and what read them. */
interface ReadSchedules {
  readonly configured: readonly ConfiguredSchedule[];
  readonly cron: Cron;
}

/**
 * Reads and checks the schedules of a config.
 * @throws AppError INVALID_CONFIG with one line per problem, for all problems
 */
export async function readSchedules({
  schedules = [],
  tasks = [],
}: Pick<PowerCrudConfig, "schedules" | "tasks">): Promise<ReadSchedules> {
  const cron = createCron();
  const checked = await checkSchedules(schedules, { tasks, cron });
  if ("value" in checked) {
    return { configured: checked.value, cron };
  }
  const problems = checked.problems.map(({ message }) => message);
  throw new AppError("INVALID_CONFIG", problems.join("\n"), { details: { problems } });
}

/** Wires the schedules of a process. */
export function createScheduling(
  { ports, deployment, watch }: Engine,
  options: ReadSchedules & {
    /** A client neither keeps nor launches them; one that only serves keeps them. */
    readonly role: ProcessRole | "client";
    readonly config: Pick<Config, "leaseMs">;
  },
): Scheduling {
  const { configured, cron, role, config } = options;
  const launching = { ...ports, settings: { ...ports.settings, whenQueueDown: "wait" as const } };
  const launchDue = (request: CustomLaunch): Promise<LaunchOutcome> => launchCustom(launching, request);
  const launch: LaunchScheduled = watch?.launchCustom(launchDue) ?? launchDue;
  const shared = {
    ...ports,
    schedules: createPostgresScheduleStore(deployment),
    names: configured.map(({ name }) => name),
    cron,
    launch,
  };
  const keeper = createScheduleKeeper({
    ...shared,
    configured,
    keeper: ports.workerId,
    silenceMs: config.leaseMs,
  });
  const knows = (kind: string): boolean => ports.definitions.find(kind) !== undefined;
  const schedules = createSchedules(shared);
  return {
    schedules: watch?.schedules(schedules) ?? schedules,
    cronInWords: cron.inWords,
    services:
      configured.length === 0 || role === "client"
        ? []
        : [keeper, ...(role === "serve" ? [] : [createScheduler({ ...shared, knows })])],
  };
}
