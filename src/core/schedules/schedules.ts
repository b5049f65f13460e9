import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { errorFields } from "../../kernel/logger.ts";
import type { Viewer } from "../access/viewer.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { ForbiddenRefusal, MissingRefusal, UnavailableRefusal } from "../refusals/refusals.ts";
import { unavailableRefusal } from "../refusals/unavailable-refusal.ts";
import type { LaunchOutcome } from "../tasks/launch/launch-outcome.ts";
import { checkInput, mayLaunch } from "../tasks/run/check-input.ts";
import type { TaskDefinitions } from "../tasks/task-definition.ts";
import type { Cron } from "./cron.ts";
import type { LaunchScheduled } from "./launch-due.ts";
import { launchFor, resultOf, timesOf } from "./launch-due.ts";
import type { Schedule } from "./schedule.ts";
import type { ScheduleStore } from "./schedule-store.ts";

/** The bus topic for changes of schedules. Its messages say nothing but that something has changed. */
export const SCHEDULE_TOPIC = "powercrud_schedules";

/** What became of a request to pause or resume. */
export type ScheduleChange =
  | { readonly kind: "CHANGED"; readonly schedule: Schedule }
  | MissingRefusal
  | ForbiddenRefusal
  | UnavailableRefusal;

/** A request about one schedule. */
export interface ScheduleRequest {
  readonly name: string;
  readonly viewer: Viewer;
}

/** The schedules of this process's config. Each verb is for viewers who may launch the schedule's task. */
export interface Schedules {
  /** All of them, by name. @throws AppError UNAVAILABLE */
  list(): Promise<readonly Schedule[]>;
  /** Launches the task now, as the viewer; also while the schedule is paused. Its due times stay as they are. */
  run(request: ScheduleRequest): Promise<LaunchOutcome>;
  /** Launches nothing any more until it is resumed. Pausing twice does no harm. */
  pause(request: ScheduleRequest): Promise<ScheduleChange>;
  /** Launches again from the next due time on; what was due meanwhile is not launched. */
  resume(request: ScheduleRequest): Promise<ScheduleChange>;
}

/** What {@link createSchedules} needs. */
export interface SchedulesPorts {
  readonly schedules: Pick<ScheduleStore, "list" | "pause" | "resume" | "recordRun">;
  /** The names in this process's config. */
  readonly names: readonly string[];
  readonly definitions: Pick<TaskDefinitions, "find">;
  readonly cron: Cron;
  readonly launch: LaunchScheduled;
  readonly bus: Pick<EventBus, "publish">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The use cases of people who look after schedules. */
export function createSchedules(ports: SchedulesPorts): Schedules {
  const { schedules, names, clock, cron, logger } = ports;
  const find = async (name: string): Promise<Schedule | undefined> =>
    names.includes(name) ? (await schedules.list([name]))[0] : undefined;
  const change = async (
    { name, viewer }: ScheduleRequest,
    write: (schedule: Schedule) => Promise<Schedule | undefined>,
  ): Promise<ScheduleChange> => {
    try {
      const schedule = await find(name);
      if (schedule === undefined) {
        return missing(name);
      }
      if (!(await mayChange(ports, schedule, viewer))) {
        return { kind: "FORBIDDEN", message: `You may not change the schedule ${name}.` };
      }
      const changed = await write(schedule);
      await announce(ports);
      return changed === undefined ? missing(name) : { kind: "CHANGED", schedule: changed };
    } catch (error) {
      return unavailableRefusal(logger, error, "a schedule was not changed");
    }
  };
  return {
    list: () => schedules.list(names),
    async run({ name, viewer }) {
      const schedule = await find(name).catch((error: unknown) =>
        unavailableRefusal(logger, error, "a schedule was not run"),
      );
      if (schedule === undefined) {
        return missing(name);
      }
      return "message" in schedule ? schedule : runNow(ports, schedule, viewer);
    },
    pause: (request) => change(request, ({ name }) => schedules.pause(name, clock.now(), request.viewer.id)),
    resume: (request) =>
      change(request, (schedule) =>
        schedules.resume(schedule.name, timesOf(cron, schedule).nextAfter(clock.now())),
      ),
  };
}

/** Tells all processes that schedules have changed. Those that do not hear it look again within a minute. */
export async function announce({ bus, logger }: Pick<SchedulesPorts, "bus" | "logger">): Promise<void> {
  await bus.publish(SCHEDULE_TOPIC, { kind: "CHANGED" }).catch((error: unknown) => {
    logger.debug(errorFields(error), "a change of schedules was not announced");
  });
}

async function runNow(ports: SchedulesPorts, schedule: Schedule, viewer: Viewer): Promise<LaunchOutcome> {
  const { name } = schedule;
  const outcome = await ports.launch(launchFor({ ...schedule, viewer }, {}));
  const result = resultOf(ports.logger, name, outcome);
  await ports.schedules.recordRun({ name, at: ports.clock.now(), ...result }).catch((error: unknown) => {
    ports.logger.warn({ ...errorFields(error), schedule: name }, "a schedule's run was not noted");
  });
  return outcome;
}

async function mayChange(
  { definitions }: SchedulesPorts,
  { kind, input }: Schedule,
  viewer: Viewer,
): Promise<boolean> {
  const own = definitions.find(kind)?.own;
  if (own?.access === undefined) {
    return true;
  }
  const checked = await checkInput(own, input);
  return "value" in checked && mayLaunch(own, { input: checked.value, viewer });
}

function missing(name: string): MissingRefusal {
  return { kind: "MISSING", message: `There is no schedule ${JSON.stringify(name)}.` };
}
