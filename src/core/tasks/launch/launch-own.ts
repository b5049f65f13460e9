import type { Json } from "../../../kernel/json.ts";
import { AppError } from "../../../kernel/app-error.ts";
import type { Viewer } from "../../access/viewer.ts";
import { currentWrite } from "../../locks/open-write.ts";
import type { Claim } from "../../locks/claim.ts";
import { invalid, invalidField } from "../../refusals/problems.ts";
import type { DependentRequest, TaskDefinition } from "../task-definition.ts";
import type { DefinedTask } from "../define-task.ts";
import type { LaunchOptions } from "../launch-options.ts";
import type { Counts } from "../progress.ts";
import { processedOf } from "../progress.ts";
import type { TaskRun } from "../run/task-context.ts";
import { currentRun } from "../run/task-context.ts";
import { acceptLaunch, describeLaunch, launchCustom, ownDefinition } from "./launch-custom.ts";
import type { CustomLaunch } from "./launch-custom.ts";
import type { LaunchOutcome } from "./launch-outcome.ts";
import type { LaunchPorts } from "./launch-task.ts";

/** The outcome of a launch inside a task that made no task of its own: it was run there and then. */
export interface InlineLaunch<Result = unknown> {
  readonly kind: "INLINE";
  /** What its `run` returned. */
  readonly result: Result;
  /** Which task it was a part of. */
  readonly message: string;
}

/**
 * Launches a task of the app's own, wherever the caller is. Inside a task it is run at once, as a part of that task,
 * unless the options ask for a child: its claims are held by that task, its progress is shown there, and what it throws is
 * thrown to the caller. In the hook of a single write, which has no task, it is launched with the write's commit.
 * @throws as launchCustom; inside a task also what `run` throws, and AppError RECORD_LOCKED as registerDescendants does
 */
export function launchOwn(ports: LaunchPorts, launch: CustomLaunch): Promise<LaunchOutcome | InlineLaunch> {
  const run = currentRun();
  return run === undefined || launch.options?.asChild !== undefined
    ? launchCustom(ports, launch)
    : runInline(ports, run, launch);
}

async function runInline(
  ports: LaunchPorts,
  run: TaskRun,
  { kind, input, viewer = run.task.viewer, options = {} }: CustomLaunch,
): Promise<LaunchOutcome | InlineLaunch> {
  const own = ownDefinition(ports, kind);
  if (run.task.isDryRun && own.isDryRunnable !== true) {
    return invalidField("kind", `${kind} cannot be tried in a dry run.`);
  }
  const accepted = await acceptLaunch(own, input, viewer, options);
  if (accepted.kind !== "ACCEPTED") {
    return accepted;
  }
  const described = await describeLaunch(ports, own, accepted.request, options);
  if ("problems" in described) {
    return invalid(described.problems);
  }
  const write = currentWrite();
  const definition = ports.definitions.get(kind);
  const dependents = await dependentsOf(ports, definition, { input: accepted.stored, viewer });
  const claims = [...described.value.claims, ...dependents];
  await (write === undefined ? run.claim(claims) : write.hold(claims, run.task.id));
  const result = await definition.runInside?.({
    task: { ...run.task, viewer },
    attempt: run.attempt,
    signal: run.signal,
    input: accepted.request.input,
    ...inlineProgress(run, kind),
    ...(write === undefined ? {} : { prisma: write.client }),
  });
  return { kind: "INLINE", result, message: `It ran as a part of task ${run.task.id}.` };
}

async function dependentsOf(
  { unitOfWork }: LaunchPorts,
  definition: TaskDefinition,
  request: Pick<DependentRequest, "input" | "viewer">,
): Promise<readonly Claim[]> {
  const dependents = await definition.dependents?.({ ...request, model: null });
  return dependents === undefined ? [] : unitOfWork.run((transaction) => dependents.claims(transaction, []));
}

/** Shows the nested progress in the words of the task, and adds it to the task's own counts. */
function inlineProgress(
  run: TaskRun,
  kind: string,
): { setTotal(total: number): void; reportProgress(counts: Partial<Counts>, message?: string): void } {
  let total: number | undefined;
  let done = 0;
  const say = (counts: Partial<Counts>, message?: string): void => {
    const share = total === undefined ? (done > 0 ? ` ${done}` : "") : ` ${done} of ${total}`;
    run.report(counts, `${kind}:${share}${message === undefined ? "" : ` ${message}`}`);
  };
  return {
    setTotal(value) {
      run.addTotal(value - (total ?? 0));
      total = value;
      say({});
    },
    reportProgress(counts, message) {
      done += processedOf({ succeeded: 0, failed: 0, skipped: 0, ...counts });
      say(counts, message);
    },
  };
}

/** The options of {@link tasks}' launches. */
export interface NestedLaunchOptions extends LaunchOptions {
  /** Who launches it. Default: the viewer of the task or of the write. */
  readonly viewer?: Viewer;
}

/** Launches for code inside a task or a hook, which has no engine at hand. */
export const tasks = {
  /**
   * The same as `powercrud.tasks.launch`, for the engine that runs the caller.
   * @param definition or its kind
   * @throws AppError OUTSIDE_TASK outside tasks and hooks; UNKNOWN_KIND; inside a task what the other's `run` throws
   */
  async launch<Input, Result>(
    definition: DefinedTask<Input, Result> | string,
    input: NoInfer<Input> | Json,
    { viewer, ...options }: NestedLaunchOptions = {},
  ): Promise<LaunchOutcome | InlineLaunch<Result>> {
    const launch = currentRun()?.launch ?? currentWrite()?.launch;
    if (launch === undefined) {
      throw new AppError(
        "OUTSIDE_TASK",
        "tasks.launch works inside a task, and in the hooks of a model. Elsewhere call powercrud.tasks.launch.",
      );
    }
    const kind = typeof definition === "string" ? definition : definition.kind;
    return (await launch({ kind, input, options, ...(viewer === undefined ? {} : { viewer }) })) as
      | LaunchOutcome
      | InlineLaunch<Result>;
  },
};
