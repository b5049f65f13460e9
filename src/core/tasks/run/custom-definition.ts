import { isAppError } from "../../../kernel/app-error.ts";
import type { Json } from "../../../kernel/json.ts";
import type { Clock } from "../../../kernel/clock.ts";
import type { Logger } from "../../../kernel/logger.ts";
import { loggerWith } from "../../../kernel/logger.ts";
import type { RecordProblem } from "../../refusals/problems.ts";
import { claimsOfDependents } from "../../locks/app-dependents.ts";
import type { ClaimOf } from "../../locks/claim.ts";
import type { Dependents } from "../dependents.ts";
import type { DefinedTask, RunContext, TaskProgress } from "../define-task.ts";
import type { AttemptContext, DependentRequest, HandlerResult, TaskDefinition } from "../task-definition.ts";
import { checkInput, mayLaunch } from "./check-input.ts";
import { withTimeLimit } from "./time-limit.ts";

/** What the `run` of a definition is given besides its attempt. */
export interface RunTools {
  /** Prisma's client of the project. */
  readonly prisma: unknown;
  readonly logger: Logger;
  /** Checks the records that a definition names. */
  readonly claimOf: ClaimOf;
  readonly clock: Pick<Clock, "after">;
  /** Turns an error of the client into AppError UNAVAILABLE where it says that the database cannot be reached. */
  readonly translateError?: ((error: unknown) => unknown) | undefined;
}

/** The engine's definition of a task of the app's own. */
export function customDefinition(own: DefinedTask, tools: RunTools): TaskDefinition {
  return {
    kind: own.kind,
    own,
    handle: (attempt) =>
      limited(own, attempt, tools, async (signal): Promise<HandlerResult> => {
        const checked = await checkInput(own, attempt.task.input);
        if ("problems" in checked) {
          return unfitInput(checked.problems);
        }
        const { value: input } = checked;
        const { isWithinLaunch = false, task } = attempt;
        return isWithinLaunch || (await mayLaunch(own, { input, viewer: task.viewer }))
          ? { result: (await own.run(runContext({ ...attempt, signal }, input, tools))) as Json }
          : forbiddenRun(own.kind);
      }),
    ...(own.dependents === undefined ? {} : { dependents: (request) => dependentsOf(own, tools, request) }),
    runInside: ({ input, prisma = tools.prisma, ...attempt }) =>
      limited(own, attempt, tools, (signal) =>
        own.run(runContext({ ...attempt, signal }, input, { ...tools, prisma })),
      ),
  };
}

/** The dependents that the definition names, for a task with this input. Its launch has checked the input. */
async function dependentsOf(
  own: DefinedTask,
  { prisma, claimOf }: RunTools,
  { input, viewer }: DependentRequest,
): Promise<Dependents | undefined> {
  const checked = await checkInput(own, input);
  if ("problems" in checked) {
    return undefined;
  }
  const request = { input: checked.value, viewer };
  const claims = (await own.claims?.(request)) ?? [];
  const ids = claims.flatMap((claim) => (claim.ids === "all" ? [] : claim.ids));
  const dependents = own.dependents ?? {};
  return {
    models: Object.keys(dependents),
    claims: () =>
      claimsOfDependents(dependents, ids, { ...request, prisma }, (model, found) =>
        claimOf(model, found, viewer),
      ),
  };
}

/** Runs code of the definition for at most its time limit. */
async function limited<Result>(
  { timeoutMs: limitMs }: DefinedTask,
  { signal }: ContextParts,
  { clock, translateError }: RunTools,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  try {
    return await (limitMs === undefined ? work(signal) : withTimeLimit({ clock, signal, limitMs }, work));
  } catch (error) {
    const translated = translateError?.(error);
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

/** The viewer, or the definition, has changed since the launch: trying again would not help. */
function forbiddenRun(kind: string): HandlerResult {
  const message = `The viewer who launched the task may not launch ${kind} with this input any more.`;
  return {
    message,
    failure: { errors: [{ recordId: null, outcome: "FAILED", code: "FORBIDDEN", message }] },
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
