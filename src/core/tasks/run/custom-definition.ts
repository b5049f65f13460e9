import { isAppError } from "../../../kernel/app-error.ts";
import type { Json } from "../../../kernel/json.ts";
import type { Clock } from "../../../kernel/clock.ts";
import type { Logger } from "../../../kernel/logger.ts";
import { loggerWith } from "../../../kernel/logger.ts";
import type { RecordProblem } from "../../refusals/problems.ts";
import type { DefinedTask, RunContext, TaskProgress } from "../define-task.ts";
import type { AttemptContext, HandlerResult, TaskDefinition } from "../task-definition.ts";
import { checkInput } from "./check-input.ts";
import { withTimeLimit } from "./time-limit.ts";

/** What the `run` of a definition is given besides its attempt. */
export interface RunTools {
  /** Prisma's client of the project. */
  readonly prisma: unknown;
  readonly logger: Logger;
  readonly clock: Pick<Clock, "after">;
  /** Turns an error of the client into AppError UNAVAILABLE where it says that the database cannot be reached. */
  readonly translateError?: ((error: unknown) => unknown) | undefined;
}

/** The engine's definition of a task of the app's own. */
export function customDefinition(own: DefinedTask, tools: RunTools): TaskDefinition {
  return {
    kind: own.kind,
    own,
    async handle(attempt) {
      const checked = await checkInput(own, attempt.task.input);
      if ("problems" in checked) {
        return unfitInput(checked.problems);
      }
      return { result: (await run(own, attempt, checked.value, tools)) as Json };
    },
    runInside: ({ input, prisma = tools.prisma, ...attempt }) =>
      own.run(runContext(attempt, input, { ...tools, prisma })),
  };
}

async function run(
  own: DefinedTask,
  attempt: AttemptContext,
  input: unknown,
  tools: RunTools,
): Promise<unknown> {
  const work = (signal: AbortSignal): Promise<unknown> =>
    own.run(runContext({ ...attempt, signal }, input, tools));
  const { timeoutMs: limitMs } = own;
  try {
    return await (limitMs === undefined
      ? work(attempt.signal)
      : withTimeLimit({ clock: tools.clock, signal: attempt.signal, limitMs }, work));
  } catch (error) {
    const translated = tools.translateError?.(error);
    throw isAppError(translated, "UNAVAILABLE") ? translated : error;
  }
}

/** The definition has changed since the launch: trying again would not help. */
function unfitInput(problems: readonly RecordProblem[]): HandlerResult {
  const words = problems.map(({ message }) => message).join(" ");
  return {
    message: `The task's definition does not accept its input any more. ${words}`,
    failure: { errors: problems.map((each) => ({ recordId: null, outcome: "FAILED", ...each })) },
  };
}

type ContextParts = Pick<AttemptContext, "task" | "attempt" | "signal" | "setTotal" | "reportProgress">;

function runContext(attempt: ContextParts, input: unknown, tools: RunTools): RunContext<unknown> {
  const { task, signal } = attempt;
  return {
    input,
    task,
    attempt: attempt.attempt,
    viewer: task.viewer,
    isDryRun: task.isDryRun,
    signal,
    progress: progressOf(attempt),
    log: loggerWith(tools.logger, { taskId: task.id, kind: task.kind }),
    prisma: tools.prisma,
    currentTask: () => task,
  };
}

function progressOf({ setTotal, reportProgress }: ContextParts): TaskProgress {
  return {
    total: setTotal,
    add: (counts, message) =>
      reportProgress(typeof counts === "number" ? { succeeded: counts } : counts, message),
    say: (message) => reportProgress({}, message),
  };
}
