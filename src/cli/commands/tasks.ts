import type { PowerCrud } from "../../compose/create-powercrud.ts";
import type { CliContext } from "../cli-context.ts";
import {
  answerFollowed,
  answerLaunch,
  answerRefusal,
  printAnswer,
  printJson,
  printTask,
} from "../answer-task.ts";
import type { AnswerOptions } from "../answer-task.ts";
import type { ShownTask } from "../follow-task.ts";
import { describeWorkers } from "../follow-task.ts";
import { parseViewer } from "../usage.ts";
import { withClient } from "../with-client.ts";

type Tasks = PowerCrud["tasks"];
type TaskQuery = NonNullable<Parameters<Tasks["list"]>[0]>;

/** The options of `powercrud tasks list`. */
export interface ListOptions {
  readonly status?: NonNullable<TaskQuery["statuses"]>;
  readonly kind?: readonly string[];
  readonly model?: readonly string[];
  readonly first: number;
  readonly json?: boolean;
}

/** `powercrud tasks list`: the newest tasks. */
export function listTasks(context: CliContext, options: ListOptions): Promise<void> {
  const { status, kind, model, first, json: isJson = false } = options;
  const query: TaskQuery = {
    ...(status === undefined ? {} : { statuses: status }),
    ...(kind === undefined ? {} : { kinds: kind }),
    ...(model === undefined ? {} : { models: model }),
  };
  return withClient(context, async (powercrud) => {
    const tasks = await powercrud.tasks.list({ ...query, limit: first });
    if (isJson) {
      printJson(context, tasks);
      return;
    }
    tasks.forEach((task) => context.print(describe(task)));
    const total = await powercrud.tasks.count(query);
    context.say(`${tasks.length} of ${total} tasks`);
    const words = tasks.some(({ finishedAt }) => finishedAt === null)
      ? await describeWorkers(powercrud)
      : undefined;
    if (words !== undefined) {
      context.say(words);
    }
  });
}

/** One task in one line. */
function describe({ id, status, createdAt, progress, kind, model, label }: ShownTask): string {
  const { percent, processed } = progress;
  const done = percent === null ? (processed === 0 ? "" : String(processed)) : `${Math.floor(percent)}%`;
  const words = [kind, model, label].filter((word) => word !== null).join(", ");
  return `${id}  ${status.padEnd(9)}  ${done.padStart(5)}  ${createdAt.toISOString()}  ${words}`;
}

/** `powercrud tasks show`: a task as it is now. */
export function showTask(
  context: CliContext,
  id: string,
  { json: isJson = false }: AnswerOptions,
): Promise<void> {
  return withClient(context, async (powercrud) => {
    const task = await powercrud.tasks.get(id);
    if (task === undefined) {
      answerRefusal(context, { kind: "MISSING", message: `There is no task ${id}.` }, isJson);
      return;
    }
    await printTask(context, powercrud, task, isJson);
  });
}

/** `powercrud tasks watch`: follows a task to its end. */
export function watchTask(
  context: CliContext,
  id: string,
  { json: isJson = false }: AnswerOptions,
): Promise<void> {
  return withClient(context, (powercrud) => answerFollowed(context, powercrud, id, { isJson }));
}

/** Who asks, and how to answer. */
interface AskOptions extends AnswerOptions {
  /** JSON of a viewer. Default: an anonymous one. */
  readonly viewer?: string;
}

/** What may be asked to be done to a task, and the answer. */
const ANSWERS = {
  cancel: ({ finishedAt }: ShownTask) => (finishedAt === null ? "is about to stop" : "is cancelled"),
  pause: ({ status }: ShownTask) => (status === "PAUSED" ? "is paused" : "is about to pause"),
  resume: () => "goes on",
} as const;

/** `powercrud tasks cancel`, `pause` and `resume`: asks for one thing to be done to a task. */
export function askOfTask(
  context: CliContext,
  verb: keyof typeof ANSWERS,
  id: string,
  options: AskOptions,
): Promise<void> {
  const { json: isJson = false } = options;
  const viewer = parseViewer(options.viewer);
  return withClient(context, async ({ tasks }) => {
    const outcome = await tasks[verb](id, viewer);
    if (outcome.kind === "CANCELLED" || outcome.kind === "PAUSED" || outcome.kind === "RESUMED") {
      const { task } = outcome;
      printAnswer(context, isJson, task, `${task.id} ${ANSWERS[verb](task)}`);
    } else {
      answerRefusal(context, outcome, isJson);
    }
  });
}

/** The options of `powercrud tasks retry`. */
export interface RetryOptions extends AskOptions {
  readonly records?: NonNullable<Parameters<Tasks["retry"]>[1]>["records"];
}

/** `powercrud tasks retry`: launches a settled task again for what it did not do. */
export function retryTask(context: CliContext, id: string, options: RetryOptions): Promise<void> {
  const { records } = options;
  const viewer = parseViewer(options.viewer);
  return withClient(context, async (powercrud) => {
    const outcome = await powercrud.tasks.retry(id, {
      ...viewer,
      ...(records === undefined ? {} : { records }),
    });
    await answerLaunch(context, powercrud, outcome, options);
  });
}
