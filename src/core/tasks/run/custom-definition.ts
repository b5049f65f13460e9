import type { Json } from "../../../kernel/json.ts";
import type { Logger } from "../../../kernel/logger.ts";
import { loggerWith } from "../../../kernel/logger.ts";
import type { RecordProblem } from "../../refusals/problems.ts";
import type { DefinedTask, RunContext, TaskProgress } from "../define-task.ts";
import type { AttemptContext, HandlerResult, TaskDefinition } from "../task-definition.ts";
import { checkInput } from "./check-input.ts";

/** What the `run` of a definition is given besides its attempt. */
export interface RunTools {
  /** Prisma's client of the project. */
  readonly prisma: unknown;
  readonly logger: Logger;
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
      const result = await own.run(runContext(attempt, checked.value, tools));
      return { result: result as Json };
    },
    runInside: ({ input, prisma = tools.prisma, ...attempt }) =>
      own.run(runContext(attempt, input, { ...tools, prisma })),
  };
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
