import type { Command } from "commander";
import { Argument, InvalidArgumentError, Option } from "commander";

import type { CliContext } from "./cli-context.ts";
import type { ImportCommandOptions } from "./commands/import.ts";
import type { LaunchCommandOptions } from "./commands/launch.ts";
import type { ListOptions, RetryOptions } from "./commands/tasks.ts";
import type { ScheduleCommandOptions } from "./commands/schedules.ts";
import type { AnswerOptions } from "./answer-task.ts";

/** Runs a command of a project with models. */
type Run = (command: (context: CliContext) => Promise<void>) => Promise<void>;

const STATUSES = [
  "RECEIVING",
  "PENDING",
  "WAITING",
  "RUNNING",
  "PAUSED",
  "SUCCEEDED",
  "PARTIAL",
  "FAILED",
  "CANCELLED",
] as const;

const json = (): Option => new Option("--json", "print one JSON document");
const follow = (): Option => new Option("--follow", "show the progress until it is settled");
const viewer = (): Option => new Option("--viewer <json>", `on whose behalf, such as '{"id": "anna"}'`);
const taskId = (): Argument => new Argument("<id>", "of the task");

/** Adds `launch` and `tasks` to the command line. */
export function addTaskCommands(program: Command, run: Run): void {
  program
    .command("launch")
    .argument("<kind>", "of one of the project's own tasks, or the name of a bulk mutation")
    .description("launch one of the project's own tasks, or a bulk operation")
    .option("--input <json>", "what it is launched with: JSON, @ and a file, or - for standard input")
    .addOption(follow())
    .option("--dry-run", "only try, if the task can")
    .option("--preview", "with --dry-run: show what a bulk operation would change, once it has been tried")
    .option("--label <text>", "shown beside the task")
    .option("--idempotency-key <key>", "the same key with the same input gives the first task again")
    .addOption(
      new Option(
        "--if-unfinished <what>",
        "if the task of the key is settled, and did not do all: return it, or retry what is left",
      ).choices(["RETURN", "RETRY"]),
    )
    .option("--allow-duplicate", "launch it even if an identical task is not settled yet")
    .option("--wait", "stand in line for records that another task holds")
    .addOption(viewer())
    .addOption(json())
    .action((kind: string, options: LaunchCommandOptions) =>
      run(async (context) => (await import("./commands/launch.ts")).launch(context, kind, options)),
    );
  addImport(program, run);
  const tasks = program.command("tasks").description("look after tasks, whether the service runs or not");
  addReads(tasks, run);
  addVerbs(tasks, run);
  addSchedules(program.command("schedules").description("look after the project's schedules"), run);
}

/** Options of `import` that are parameters of its HTTP address, by their flags. */
const IMPORT_PARAMETERS: readonly (readonly [flags: string, parameter: string, words: string])[] = [
  ["--operation <what>", "operation", "create, update or upsert"],
  ["--key <name>", "key", "the unique key by which rows name their records; default: the id"],
  [
    "--mapping <json>",
    "mapping",
    `fields by headers that say something else, such as '{"Full name": "name"}'`,
  ],
  ["--format <format>", "format", "csv or jsonl; default: as the file is called"],
  ["--encoding <name>", "encoding", "utf-8, iso-8859-1, utf-16le or utf-16be; default: found out"],
  [
    "--separator <character>",
    "separator",
    "of CSV: a character, or comma, semicolon, tab, pipe; default: found out",
  ],
  ["--quote <character>", "quote", 'of CSV; default: "'],
  ["--empty <what>", "empty", "what an empty cell means: quotes, null or text"],
  [
    "--formulas <what>",
    "formulas",
    "escaped (the default): an apostrophe in front of a formula goes; or plain",
  ],
  ["--decimal-comma <flag>", "decimalComma", "true: numbers have a comma before their fraction"],
  ["--time-offset <offset>", "timeOffset", "of times that have none: Z or +02:00"],
  ["--error-policy <policy>", "errorPolicy", "all_or_nothing or skip_failed"],
  ["--on-conflict <what>", "onConflict", "reject, skip or wait, where another task holds records"],
  ["--max-affected <count>", "maxAffected", "refuse a file of more rows"],
  ["--label <text>", "label", "shown beside the task"],
  ["--idempotency-key <key>", "idempotencyKey", "the same key with the same file gives the first task again"],
];

function addImport(program: Command, run: Run): void {
  const command = program
    .command("import")
    .argument("<file>", "CSV or JSON Lines")
    .description("write a file's rows to the database, as a task")
    .requiredOption("--model <name>", "whose records they are")
    .option("--dry-run", "only try")
    .option("--preview", "with --dry-run: show what would change, once it has been tried")
    .option("--failed <file>", "write the rows that failed to this file, with line, field and reason");
  IMPORT_PARAMETERS.forEach(([flags, , words]) => command.option(flags, words));
  command
    .addOption(follow())
    .addOption(viewer())
    .addOption(json())
    .action((file: string, given: Readonly<Record<string, string | undefined>> & ImportCommandOptions) =>
      run(async (context) => {
        const parameters = IMPORT_PARAMETERS.flatMap(([, parameter]) => {
          const value = given[parameter];
          return value === undefined ? [] : [[parameter, value] as const];
        });
        const dryRun = given["dryRun"] === undefined ? [] : [["dryRun", "true"] as const];
        const options = { ...given, parameters: Object.fromEntries([...parameters, ...dryRun]) };
        await (await import("./commands/import.ts")).importRows(context, file, options);
      }),
    );
}

function addReads(tasks: Command, run: Run): void {
  tasks
    .command("list")
    .description("the newest tasks")
    .addOption(new Option("--status <status...>", "only tasks in these states").choices(STATUSES))
    .option("--kind <kind...>", "only tasks of these kinds")
    .option("--model <model...>", "only tasks of these models")
    .option("--first <count>", "how many", parseCount, 20)
    .addOption(json())
    .action((options: ListOptions) =>
      run(async (context) => (await import("./commands/tasks.ts")).listTasks(context, options)),
    );
  tasks
    .command("show")
    .addArgument(taskId())
    .description("a task as it is now, with its result and its first errors")
    .addOption(json())
    .action((id: string, options: AnswerOptions) =>
      run(async (context) => (await import("./commands/tasks.ts")).showTask(context, id, options)),
    );
  tasks
    .command("watch")
    .addArgument(taskId())
    .description("follow a task until it is settled")
    .addOption(json())
    .action((id: string, options: AnswerOptions) =>
      run(async (context) => (await import("./commands/tasks.ts")).watchTask(context, id, options)),
    );
}

function addVerbs(tasks: Command, run: Run): void {
  const verbs = {
    cancel: "stop a task for good",
    pause: "stop a task between two chunks until it is resumed; its records stay locked",
    resume: "let a paused task go on",
  } as const;
  for (const [name, description] of Object.entries(verbs)) {
    const verb = name as keyof typeof verbs;
    tasks
      .command(verb)
      .addArgument(taskId())
      .description(description)
      .addOption(viewer())
      .addOption(json())
      .action((id: string, options: AnswerOptions) =>
        run(async (context) => (await import("./commands/tasks.ts")).askOfTask(context, verb, id, options)),
      );
  }
  tasks
    .command("retry")
    .addArgument(taskId())
    .description("launch a settled task again, as a new one, for what it did not do")
    .addOption(
      new Option("--records <records>", "which records of a bulk operation").choices([
        "FAILED",
        "UNPROCESSED",
        "FAILED_AND_UNPROCESSED",
      ]),
    )
    .addOption(follow())
    .addOption(viewer())
    .addOption(json())
    .action((id: string, options: RetryOptions) =>
      run(async (context) => (await import("./commands/tasks.ts")).retryTask(context, id, options)),
    );
}

function addSchedules(schedules: Command, run: Run): void {
  schedules
    .command("list")
    .description("all schedules: when each runs next, and what became of its latest run")
    .addOption(json())
    .action((options: AnswerOptions) =>
      run(async (context) => (await import("./commands/schedules.ts")).listSchedules(context, options)),
    );
  schedules
    .command("run")
    .argument("<name>", "of the schedule")
    .description("launch its task now; its due times stay as they are")
    .addOption(follow())
    .addOption(viewer())
    .addOption(json())
    .action((name: string, options: ScheduleCommandOptions) =>
      run(async (context) => (await import("./commands/schedules.ts")).runSchedule(context, name, options)),
    );
  const verbs = {
    pause: "launch nothing of it until it is resumed",
    resume: "launch again from its next due time on",
  } as const;
  for (const [name, description] of Object.entries(verbs)) {
    const verb = name as keyof typeof verbs;
    schedules
      .command(verb)
      .argument("<name>", "of the schedule")
      .description(description)
      .addOption(viewer())
      .addOption(json())
      .action((schedule: string, options: ScheduleCommandOptions) =>
        run(async (context) =>
          (await import("./commands/schedules.ts")).changeSchedule(context, verb, schedule, options),
        ),
      );
  }
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) {
    throw new InvalidArgumentError("It needs a whole number from 1 to 99999.");
  }
  return Number(text);
}
