import type { HookCall, HookCalls } from "../../../src/core/tasks/hook-calls.ts";
import type { Settlement } from "../../../src/core/tasks/task-attempts.ts";
import type { StoredHookCall, TaskShelf } from "./task-shelf.ts";

/** Notes the calls that the settling process is to make. */
export function putHookCalls(
  { hookCalls }: TaskShelf,
  taskId: string,
  { finishedAt, hooks = [] }: Settlement,
): void {
  for (const step of hooks) {
    const call = { taskId, step, createdAt: finishedAt, takenAt: finishedAt };
    hookCalls.set(keyOf(call), call);
  }
}

/** The calls of hooks that have not ended, of a memory store. */
export function createMemoryHookCalls({ rows, hookCalls }: TaskShelf): HookCalls {
  const isInTurn = ({ taskId, step }: StoredHookCall): boolean =>
    step !== "cleanup" ||
    (rows.get(taskId)?.cleanedAt != null &&
      ![...hookCalls.values()].some((other) => other.taskId === taskId && other.step !== "cleanup"));
  return {
    async keepHookCall(call, at) {
      const kept = hookCalls.get(keyOf(call));
      if (kept !== undefined) {
        hookCalls.set(keyOf(call), { ...kept, takenAt: at });
      }
      return kept !== undefined;
    },
    async endHookCall(call) {
      hookCalls.delete(keyOf(call));
    },
    async takeHookCalls({ at, silentSince, steps, ofKinds, limit }) {
      const isWanted = ({ taskId, step }: HookCall): boolean =>
        steps.includes(step) ||
        ofKinds.some((each) => each.step === step && each.kind === rows.get(taskId)?.task.kind);
      const taken = [...hookCalls.values()]
        .filter((call) => call.takenAt < silentSince && isWanted(call) && isInTurn(call))
        .toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.taskId < b.taskId ? -1 : 1))
        .slice(0, limit);
      taken.forEach((call) => hookCalls.set(keyOf(call), { ...call, takenAt: at }));
      return taken.map(({ taskId, step }) => ({ taskId, step }));
    },
  };
}

function keyOf({ taskId, step }: HookCall): string {
  return `${taskId}:${step}`;
}
