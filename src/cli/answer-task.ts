import type { PowerCrud } from "../compose/create-powercrud.ts";
import type { CliContext } from "./cli-context.ts";
import { printPreview } from "./print-preview.ts";
import type { ShownTask } from "./follow-task.ts";
import { describeWorkers, exitCodeOf, followTask } from "./follow-task.ts";

/** How a command answers. */
export interface AnswerOptions {
  /** Waits until the task is settled, and shows its progress. */
  readonly follow?: boolean;
  /** Prints one JSON document instead of lines. */
  readonly json?: boolean;
  /** Waits until the task is settled, and prints what a dry run would have changed, too. */
  readonly preview?: boolean;
}

type Tasks = PowerCrud["tasks"];
export type LaunchOutcome = Awaited<ReturnType<Tasks["retry"]>>;
type Schedules = PowerCrud["schedules"];
type Outcome =
  | LaunchOutcome
  | Awaited<ReturnType<Tasks["cancel" | "pause" | "resume"]>>
  | Awaited<ReturnType<Schedules["pause"]>>;
/** Anything that a verb answers besides a success. */
type Refusal = Exclude<
  Outcome,
  { readonly kind: "LAUNCHED" | "CANCELLED" | "PAUSED" | "RESUMED" | "CHANGED" }
>;

/** The errors that are shown of a task. */
const SHOWN_ERRORS = 10;

/** Prints what became of a launch; follows the task if asked to. Sets the exit code. */
export async function answerLaunch(
  context: CliContext,
  powercrud: PowerCrud,
  outcome: LaunchOutcome,
  { follow: isFollowed = false, json: isJson = false, preview: isPreviewed = false }: AnswerOptions,
): Promise<void> {
  if (outcome.kind !== "LAUNCHED") {
    answerRefusal(context, outcome, isJson);
    return;
  }
  const { task, isDuplicate } = outcome;
  if (!isJson) {
    context.print(`${isDuplicate ? "launched before: task" : "launched task"} ${task.id}`);
  }
  if (isPreviewed || isFollowed) {
    await answerFollowed(context, powercrud, task.id, { isJson, hasPreview: isPreviewed });
  } else if (task.finishedAt !== null) {
    process.exitCode = exitCodeOf(task);
    await printTask(context, powercrud, task, isJson);
  } else if (isJson) {
    printJson(context, task);
  } else {
    const words = await describeWorkers(powercrud);
    context.say(words ?? `to follow it: powercrud tasks watch ${task.id}`);
  }
}

/** Follows a task to its end, and prints how it ended; with `hasPreview` what a dry run would have changed, too. */
export async function answerFollowed(
  context: CliContext,
  powercrud: PowerCrud,
  taskId: string,
  { isJson, hasPreview = false }: { readonly isJson: boolean; readonly hasPreview?: boolean },
): Promise<void> {
  const settled = await followTask(context, powercrud, taskId);
  if (settled === undefined) {
    return;
  }
  const preview = hasPreview ? await powercrud.tasks.preview(taskId) : undefined;
  await printTask(context, powercrud, settled, isJson, hasPreview ? { preview: preview ?? null } : {});
  if (hasPreview && !isJson) {
    printPreview(context, preview);
  }
}

/** Says why nothing was done; exit code 1. */
export function answerRefusal(context: CliContext, refusal: Refusal, isJson: boolean): void {
  process.exitCode = 1;
  if (isJson) {
    printJson(context, refusal);
    return;
  }
  const problems = "problems" in refusal ? refusal.problems.map(({ message }) => message) : [];
  // The message of a refusal with problems repeats them.
  (problems.length > 0 ? problems : [refusal.message]).forEach((line) => context.say(line));
}

/** Prints a task with its result and its first errors. @param more members of its JSON */
export async function printTask(
  context: CliContext,
  { tasks }: PowerCrud,
  task: ShownTask,
  isJson: boolean,
  more: object = {},
): Promise<void> {
  const errors = await tasks.errors(task.id, { limit: SHOWN_ERRORS });
  if (isJson) {
    printJson(context, { ...task, errors, ...more });
    return;
  }
  const { label, progress, message, result } = task;
  const { total, processed, failed, skipped } = progress;
  const counts =
    total === null && processed === 0 ? [] : [`${processed}${total === null ? "" : ` of ${total}`} done`];
  const faults = [
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(skipped === 0 ? [] : [`${skipped} skipped`]),
  ];
  context.print(
    [`${task.status} ${task.kind}`, ...(label === null ? [] : [label]), ...counts, ...faults].join(", "),
  );
  if (message !== null) {
    context.print(message);
  }
  errors.map(describeError).forEach((line) => context.print(line));
  if (result !== null) {
    context.print(`result ${JSON.stringify(result)}`);
  }
}

function describeError({ recordId, outcome, message }: Awaited<ReturnType<Tasks["errors"]>>[number]): string {
  return `  ${outcome}${recordId === null ? "" : ` ${recordId}`}: ${message}`;
}

export function printJson(context: Pick<CliContext, "print">, value: object): void {
  context.print(JSON.stringify(value, null, 2));
}

/** Prints a document, or the line that stands for it. */
export function printAnswer(
  context: Pick<CliContext, "print">,
  isJson: boolean,
  value: object,
  line: string,
): void {
  if (isJson) {
    printJson(context, value);
  } else {
    context.print(line);
  }
}
