import type { Clock } from "../../../kernel/clock.ts";
import { errorFields } from "../../../kernel/logger.ts";
import type { HookCall, HookCalls } from "../hook-calls.ts";
import type { FinalStep, HookPorts } from "../task-hooks.ts";
import { callFinalHook } from "../task-hooks.ts";
import type { TaskReads } from "../task-reads.ts";
import { findTask } from "../task-reads.ts";

/** What calling the hooks of settled tasks needs. */
export interface FinalHookPorts extends HookPorts {
  readonly tasks: HookPorts["tasks"] & Pick<TaskReads, "find"> & HookCalls;
  readonly clock: Clock;
  /** Another process takes a call over that this one was silent about for so long. Default: this one does not renew. */
  readonly leaseMs?: number;
}

/** The most calls that are taken over at a time. */
const BATCH = 50;

/** Those of the steps that have listeners for the task. */
export function stepsWithListeners(
  { hooks }: Pick<HookPorts, "hooks">,
  kind: string,
  steps: readonly FinalStep[],
): readonly FinalStep[] {
  return hooks === undefined ? [] : steps.filter((step) => hooks.of(step, kind).length > 0);
}

/**
 * Makes a call, and notes that it has ended. Never rejects: a call whose end could not be noted is repeated.
 * @param call this process has it
 */
export async function makeHookCall(ports: FinalHookPorts, call: HookCall): Promise<void> {
  const { clock, tasks, leaseMs } = ports;
  const keep = (): void => {
    tasks.keepHookCall(call, clock.now()).catch(warn(ports, call, "a hook's call could not be kept"));
  };
  const stopKeeping = leaseMs === undefined ? undefined : clock.every(Math.ceil(leaseMs / 3), keep);
  try {
    const task = await findTask(tasks, call.taskId);
    if (task !== undefined) {
      await callFinalHook(ports, call.step, task);
    }
    stopKeeping?.();
    await tasks.endHookCall(call);
  } catch (error) {
    warn(ports, call, "a hook's call was left to be repeated")(error);
  } finally {
    stopKeeping?.();
  }
}

/** Makes a call if nobody else has made it meanwhile. Never rejects. */
export async function makeKeptHookCall(ports: FinalHookPorts, call: HookCall): Promise<void> {
  const isKept = await ports.tasks
    .keepHookCall(call, ports.clock.now())
    .catch(warn(ports, call, "a hook's call was left to be repeated"));
  if (isKept === true) {
    await makeHookCall(ports, call);
  }
}

/**
 * Makes the calls that dead processes left behind, one batch after the other.
 * @param leaseMs how long their processes must have been silent
 * @returns the ids of the calls
 */
export async function repeatHookCalls(ports: FinalHookPorts, leaseMs: number): Promise<readonly string[]> {
  const { hooks, clock, tasks } = ports;
  const { finalSteps = [], finalStepsOfKinds = [] } = hooks ?? {};
  const made: string[] = [];
  if (finalSteps.length === 0 && finalStepsOfKinds.length === 0) {
    return made;
  }
  for (;;) {
    const at = clock.now();
    const silentSince = new Date(at.getTime() - leaseMs);
    const request = { at, silentSince, steps: finalSteps, ofKinds: finalStepsOfKinds, limit: BATCH };
    const calls = await tasks.takeHookCalls(request);
    if (calls.length === 0) {
      return made;
    }
    await Promise.all(calls.map((call) => makeHookCall(ports, call)));
    made.push(...calls.map(({ taskId, step }) => `${taskId}:${step}`));
  }
}

function warn({ logger }: Pick<HookPorts, "logger">, { taskId, step }: HookCall, message: string) {
  return (error: unknown): void => logger.warn({ ...errorFields(error), taskId, step }, message);
}
