import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { errorFields } from "../../kernel/logger.ts";
import type { Json } from "../../kernel/json.ts";
import type { Viewer } from "../access/viewer.ts";
import type { LaunchOptions } from "../tasks/launch-options.ts";
import type { LaunchOutcome } from "../tasks/launch/launch-outcome.ts";
import type { Cron, CronTimes } from "./cron.ts";
import type { ConfiguredSchedule, MissedPolicy, Schedule } from "./schedule.ts";
import type { HandledDueTime, ScheduleStore } from "./schedule-store.ts";

/** The launch of a schedule's task. */
export interface ScheduledLaunch {
  readonly kind: string;
  readonly input: Json;
  readonly viewer: Viewer;
  /** The schedule's name. */
  readonly schedule: string;
  readonly options: LaunchOptions;
}

/** Launches a schedule's task. If the queue is out of reach, the task is accepted all the same, and queued later. */
export type LaunchScheduled = (launch: ScheduledLaunch) => Promise<LaunchOutcome>;

/** What launching due times needs. */
export interface LaunchDuePorts {
  readonly schedules: Pick<ScheduleStore, "take" | "moveOn" | "recordRun">;
  readonly cron: Cron;
  readonly launch: LaunchScheduled;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A due time that has come. */
export interface DueSchedule {
  readonly schedule: Schedule;
  readonly due: Date;
  /** When this process began to launch. */
  readonly startedAt: Date;
}

/** The launch for a schedule at a due time, the same whoever makes it. */
export function launchFor(
  { name, kind, input, viewer, onConflict }: ConfiguredSchedule,
  options: LaunchOptions,
): ScheduledLaunch {
  return { kind, input, viewer, schedule: name, options: { mode: "ASYNC", onConflict, ...options } };
}

/**
 * Launches a due time, and moves the schedule on. The launch has the due time's idempotency key. So if the process dies in
 * between, or two processes do the same, there is one task.
 * @returns UNAVAILABLE: a store is out of reach, and the due time stays
 * @throws what the launch throws; the due time stays
 */
export async function launchDue(
  ports: LaunchDuePorts,
  { schedule, due, startedAt }: DueSchedule,
): Promise<"HANDLED" | "UNAVAILABLE"> {
  const { name, lastTaskId, lastTaskStatus } = schedule;
  const times = timesOf(ports.cron, schedule);
  const now = ports.clock.now();
  const decision = decideDue({ due, missed: schedule.missed }, times, { now, startedAt });
  if (decision.kind === "SKIP") {
    const message = "Nobody was there at its due time, and its policy is SKIP.";
    await skip(ports, { name, due, nextRunAt: decision.nextRunAt, message });
    return "HANDLED";
  }
  if (lastTaskStatus === "WAITING") {
    const message = `Task ${lastTaskId} of an earlier launch still stands in line.`;
    await skip(ports, { name, due, nextRunAt: times.nextAfter(decision.through), message });
    return "HANDLED";
  }
  const through = await ports.schedules.take(name, due, decision.through);
  if (through === undefined) {
    return "HANDLED";
  }
  const options = { idempotencyKey: `schedule:${name}:${due.toISOString()}` };
  const outcome = await ports.launch(launchFor(schedule, options));
  const result = resultOf(ports.logger, name, outcome);
  if (outcome.kind === "UNAVAILABLE") {
    await noteOutage(ports, { name, at: ports.clock.now(), ...result });
    return "UNAVAILABLE";
  }
  const nextRunAt = times.nextAfter(through);
  await ports.schedules.moveOn({ name, due, nextRunAt, at: ports.clock.now(), ...result });
  return "HANDLED";
}

/** The due times of a stored schedule. @throws TypeError for those of a newer version, which this one cannot read */
export function timesOf(cron: Cron, { name, cron: expression, timeZone }: ConfiguredSchedule): CronTimes {
  const reading = cron.read(expression, timeZone);
  if (reading.kind === "WRONG") {
    throw new TypeError(`the times of the schedule ${name} cannot be read: ${reading.problem}`);
  }
  return reading.times;
}

async function skip(
  { schedules, clock, logger }: LaunchDuePorts,
  handled: Pick<HandledDueTime, "name" | "due" | "nextRunAt" | "message">,
): Promise<void> {
  const { name: schedule, due, message: reason } = handled;
  logger.warn({ schedule, due, reason }, "a schedule skips a due time");
  await schedules.moveOn({ ...handled, at: clock.now(), outcome: "SKIPPED" });
}

/** The store may be what is out of reach. */
async function noteOutage(
  { schedules, logger }: LaunchDuePorts,
  run: Parameters<ScheduleStore["recordRun"]>[0],
): Promise<void> {
  await schedules.recordRun(run).catch((error: unknown) => {
    logger.debug({ ...errorFields(error), schedule: run.name }, "an outage was not noted");
  });
}

/** The outcome of a launch for the schedule's row. */
export function resultOf(
  logger: Logger,
  schedule: string,
  outcome: LaunchOutcome,
): Pick<HandledDueTime, "taskId" | "outcome" | "message"> {
  // With other input the key was used before the config changed: the due time is launched.
  if (outcome.kind === "LAUNCHED" || outcome.kind === "IDEMPOTENCY_MISMATCH") {
    return { taskId: outcome.task.id, outcome: "LAUNCHED", message: null };
  }
  const { kind, message } = outcome;
  if (kind === "UNAVAILABLE") {
    return { outcome: "UNAVAILABLE", message };
  }
  logger.warn({ schedule, outcome: kind, reason: message }, "a schedule's launch was refused");
  return { outcome: "REFUSED", message };
}

/** Gives up a due time whose launch fails again and again, such as by a fault of the task's definition. */
export async function giveUpDue(
  ports: LaunchDuePorts,
  { schedule, due }: DueSchedule,
  error: unknown,
): Promise<void> {
  ports.logger.error(
    { ...errorFields(error), schedule: schedule.name, due },
    "a schedule's launch is given up",
  );
  await ports.schedules.moveOn({
    name: schedule.name,
    due,
    nextRunAt: timesOf(ports.cron, schedule).nextAfter(due),
    at: ports.clock.now(),
    outcome: "REFUSED",
    message: "The launch failed again and again; the service's log says why.",
  });
}

/** A due time is missed when nobody has launched it for that long: an outage, or a machine that slept. */
const MISSED_AFTER_MS = 60_000;

/** What to do about a due time that has come. */
export type DueDecision =
  /** Launch. The launch stands for all due times up to `through`. */
  | { readonly kind: "LAUNCH"; readonly through: Date }
  | { readonly kind: "SKIP"; readonly nextRunAt: Date | null };

/**
 * Decides about a due time. Due times that are only a little late are launched one by one. Under ONCE, one launch stands for
 * all that passed before this process began to launch, and for all up to now if the first of them was missed.
 * @param startedAt when this process began to launch
 */
export function decideDue(
  { due, missed }: { readonly due: Date; readonly missed: MissedPolicy },
  times: CronTimes,
  { now, startedAt }: { readonly now: Date; readonly startedAt: Date },
): DueDecision {
  const isMissed = now.getTime() - due.getTime() > MISSED_AFTER_MS;
  if (missed === "SKIP") {
    return isMissed
      ? { kind: "SKIP", nextRunAt: times.nextAfter(new Date(now.getTime() - MISSED_AFTER_MS)) }
      : { kind: "LAUNCH", through: due };
  }
  return { kind: "LAUNCH", through: isMissed || due < startedAt ? now : due };
}
