import type { Viewer } from "../../access/viewer.ts";
import { ANONYMOUS } from "../../access/viewer.ts";
import type { OpenWrite } from "../../locks/open-write.ts";
import { currentWrite } from "../../locks/open-write.ts";
import type { ValidationRefusal } from "../../refusals/problems.ts";
import { invalidField } from "../../refusals/problems.ts";
import type { LaunchOptions } from "../launch-options.ts";
import type { TaskRun } from "../run/task-context.ts";
import { currentRun } from "../run/task-context.ts";
import { launchInWrite } from "./launch-in-write.ts";
import type { LaunchOutcome } from "./launch-outcome.ts";
import type { LaunchRequest } from "./launch-request.ts";
import type { LaunchPorts } from "./launch-task.ts";
import { launchTask } from "./launch-task.ts";

/** Where a launch is made: inside a task, in a hook, both, or neither. */
export interface Nesting {
  readonly run: TaskRun | undefined;
  readonly write: OpenWrite | undefined;
}

/** The nesting of the caller. @throws AppError OUTSIDE_TASK in code that has outlived its attempt */
export function currentNesting(): Nesting {
  return { run: currentRun(), write: currentWrite() };
}

/** Who launches: the viewer of the task or of the write, unless the launch names one. */
export function viewerOf({ run, write }: Nesting, given: Viewer | undefined): Viewer {
  return given ?? run?.task.viewer ?? write?.viewer ?? ANONYMOUS;
}

/** Why a launch cannot be made here; undefined if it can. */
export function refuseNested(
  { run, write }: Nesting,
  { asChild }: LaunchOptions,
): ValidationRefusal | undefined {
  if (asChild !== undefined && run === undefined) {
    return invalidField("options.asChild", "There is no task here that the new one could be a child of.");
  }
  return asChild?.wait === true && write !== undefined
    ? invalidField(
        "options.asChild",
        "A hook cannot wait for a task, since its transaction keeps records locked. Leave wait false, or launch in onCommit.",
      )
    : undefined;
}

/**
 * The options of a launch. A child that a later attempt of its parent launches again is the same one: the first launch of
 * an operation in each attempt has one key, the second one another, and so on. A hook needs no key: its launch is undone
 * together with its write.
 */
export function nestedOptions(
  { run, write }: Nesting,
  options: LaunchOptions,
  inputHash: string,
): LaunchOptions {
  return run === undefined || write !== undefined || options.idempotencyKey !== undefined
    ? options
    : { ...options, idempotencyKey: `child:${run.task.id}:${inputHash}:${run.countLaunch(inputHash)}` };
}

/** Launches the task, in a hook as a part of its write. */
export function launchNested(
  ports: LaunchPorts,
  { run, write }: Nesting,
  given: LaunchRequest,
): Promise<LaunchOutcome> {
  const request = { ...given, parent: given.parent ?? run?.task.id };
  return write === undefined ? launchTask(ports, request) : launchInWrite(ports, write, request);
}

/** Waits for a child that its parent waits for. @returns the outcome, with the settled child */
export async function awaitChild(
  { run }: Nesting,
  { asChild }: LaunchOptions,
  outcome: LaunchOutcome,
): Promise<LaunchOutcome> {
  if (outcome.kind !== "LAUNCHED" || asChild?.wait !== true || run === undefined) {
    return outcome;
  }
  return { ...outcome, task: (await run.untilSettled(outcome.task.id)) ?? outcome.task };
}
