import type { Parsed } from "../refusals/problems.ts";
import { problem } from "../refusals/problems.ts";
import type { RecordProblem } from "../refusals/problems.ts";
import type { DefinedTask } from "../tasks/define-task.ts";
import { checkInput } from "../tasks/run/check-input.ts";
import { storableJson } from "../tasks/run/storable-json.ts";
import type { Cron } from "./cron.ts";
import type { ConfiguredSchedule, ScheduleOptions } from "./schedule.ts";

const NAME = /^[A-Za-z0-9][\w.-]{0,99}$/;

/**
 * Checks the `schedules` of a config: names, cron expressions and time zones, and each input against its task's schema.
 * @returns the complete schedules, or all problems, each with its place
 */
export async function checkSchedules(
  options: readonly ScheduleOptions[],
  { tasks, cron }: { readonly tasks: readonly DefinedTask[]; readonly cron: Cron },
): Promise<Parsed<readonly ConfiguredSchedule[]>> {
  const names = new Set<string>();
  const schedules: ConfiguredSchedule[] = [];
  const problems: RecordProblem[] = [];
  for (const [at, schedule] of options.entries()) {
    const place = `schedules[${at}]`;
    const found = [
      ...findNameProblems(schedule.name, names),
      ...findTimeProblems(schedule, cron),
      ...findTaskProblems(schedule, tasks),
    ];
    const input = await checkScheduleInput(schedule);
    const all = "problems" in input ? [...found, ...input.problems] : found;
    problems.push(...all.map(({ message, field }) => problem(`${place}.${field}: ${message}`, place)));
    if ("value" in input) {
      schedules.push(complete(schedule, input.value));
    }
    names.add(schedule.name);
  }
  return problems.length > 0 ? { problems } : { value: schedules };
}

function findNameProblems(name: string, earlier: ReadonlySet<string>): readonly RecordProblem[] {
  if (!NAME.test(name)) {
    const text = JSON.stringify(name);
    return [problem(`${text} must be 1 to 100 letters, digits, ".", "_" or "-", with no sign first`, "name")];
  }
  return earlier.has(name) ? [problem(`there are two schedules ${JSON.stringify(name)}`, "name")] : [];
}

function findTimeProblems({ cron: expression, timeZone = "UTC" }: ScheduleOptions, cron: Cron) {
  const reading = cron.read(expression, timeZone);
  return reading.kind === "TIMES" ? [] : [problem(reading.problem, reading.isZone ? "timeZone" : "cron")];
}

function findTaskProblems(
  { task }: ScheduleOptions,
  tasks: readonly DefinedTask[],
): readonly RecordProblem[] {
  if (tasks.includes(task)) {
    return [];
  }
  const kind = (task as Partial<DefinedTask> | null)?.kind;
  return [
    typeof kind === "string"
      ? problem(`${kind} is not in the config's tasks; add it there`, "task")
      : problem("it must be one of the config's tasks, as defineTask returns it", "task"),
  ];
}

async function checkScheduleInput({ task, input = null }: ScheduleOptions) {
  const stored = storableJson(input, "input");
  if ("problems" in stored) {
    return { problems: stored.problems.map(({ message }) => problem(message, "input")) };
  }
  const checked = await checkInput(task, stored.value);
  return "problems" in checked
    ? {
        problems: checked.problems.map(({ message, field = "input" }) =>
          problem(message.replace(`${field}: `, ""), field),
        ),
      }
    : stored;
}

function complete(options: ScheduleOptions, input: ConfiguredSchedule["input"]): ConfiguredSchedule {
  const { name, cron, timeZone = "UTC", task, missed = "ONCE", onConflict = "WAIT" } = options;
  const { viewer = { id: `schedule:${name}` } } = options;
  return { name, kind: task.kind, input, cron, timeZone, viewer, missed, onConflict };
}
