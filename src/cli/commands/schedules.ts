import type { PowerCrud } from "../../compose/create-powercrud.ts";
import type { CliContext } from "../cli-context.ts";
import type { AnswerOptions } from "../answer-task.ts";
import { answerLaunch, answerRefusal, printAnswer, printJson } from "../answer-task.ts";
import { parseViewer } from "../usage.ts";
import { withClient } from "../with-client.ts";

type Schedule = Awaited<ReturnType<PowerCrud["schedules"]["list"]>>[number];

/** The options of `powercrud schedules run`, `pause` and `resume`. */
export interface ScheduleCommandOptions extends AnswerOptions {
  /** JSON of a viewer. Default: an anonymous one. */
  readonly viewer?: string;
}

/** Who asks, unless the command says otherwise. */
const ANONYMOUS = { id: null };

/** `powercrud schedules list`: all schedules, by name. */
export function listSchedules(context: CliContext, { json: isJson = false }: AnswerOptions): Promise<void> {
  return withClient(context, async ({ schedules }) => {
    const all = await schedules.list();
    if (isJson) {
      printJson(context, all);
    } else if (all.length === 0) {
      context.say("the project has no schedules; see docs/schedules.md");
    } else {
      all.map(describe).forEach((line) => context.print(line));
    }
  });
}

/** `nightly  0 3 * * * (Europe/Paris)  rebuild  next 2026-01-31T02:00:00.000Z, last SUCCEEDED …` */
function describe(schedule: Schedule): string {
  const { name, cron, timeZone, kind, nextRunAt, pausedAt, lastRunAt } = schedule;
  const next =
    pausedAt === null
      ? `next ${nextRunAt?.toISOString() ?? "never"}`
      : `paused since ${pausedAt.toISOString()}`;
  const { lastTaskStatus, lastOutcome, lastMessage } = schedule;
  const words = lastMessage === null ? "" : `: ${lastMessage}`;
  const outcome = lastOutcome === "LAUNCHED" ? (lastTaskStatus ?? lastOutcome) : (lastOutcome ?? "");
  const last = lastRunAt === null ? "" : `, last ${outcome} ${lastRunAt.toISOString()}${words}`;
  return `${name}  ${cron} (${timeZone})  ${kind}  ${next}${last}`;
}

/** `powercrud schedules run`: launches a schedule's task now. */
export function runSchedule(
  context: CliContext,
  name: string,
  options: ScheduleCommandOptions,
): Promise<void> {
  const { viewer = ANONYMOUS } = parseViewer(options.viewer);
  return withClient(context, async (powercrud) =>
    answerLaunch(context, powercrud, await powercrud.schedules.run({ name, viewer }), options),
  );
}

/** `powercrud schedules pause` and `resume`. */
export function changeSchedule(
  context: CliContext,
  verb: "pause" | "resume",
  name: string,
  options: ScheduleCommandOptions,
): Promise<void> {
  const { viewer = ANONYMOUS } = parseViewer(options.viewer);
  const { json: isJson = false } = options;
  return withClient(context, async ({ schedules }) => {
    const outcome = await schedules[verb]({ name, viewer });
    if (outcome.kind === "CHANGED") {
      printAnswer(context, isJson, outcome.schedule, describe(outcome.schedule));
    } else {
      answerRefusal(context, outcome, isJson);
    }
  });
}
