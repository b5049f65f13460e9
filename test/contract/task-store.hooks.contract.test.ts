import { expect, it } from "vitest";
import type { FinalStep } from "../../src/core/tasks/task-hooks.ts";
import type { HookCall, OverdueCalls } from "../../src/core/tasks/hook-calls.ts";
import type { NewTask } from "../../src/core/tasks/new-tasks.ts";
import { describeWorlds } from "./describe-worlds.ts";
import { openTransaction } from "./open-transaction.ts";
import { after } from "./sample-task.ts";
import { settlementOf, taskVerbs } from "./task-verbs.ts";

describeWorlds("task store, calls of hooks", (world) => {
  const { created, begin, settle, markCleaned } = taskVerbs(world);
  const BOTH = ["complete", "cleanup"] as const;

  /** A settled task of a kind of its own, whose settlement was five seconds after its creation. */
  const settled = async (kind: string, hooks: readonly FinalStep[] = BOTH): Promise<NewTask> => {
    const task = await created({ kind });
    await begin(task);
    expect(await settle(task, 1, { hooks })).toBe(true);
    return task;
  };
  /** Takes calls whose processes were silent for a second, ten seconds after the task's creation. */
  const take = (task: NewTask, parts: Partial<OverdueCalls> = {}): Promise<readonly HookCall[]> =>
    world().tasks.takeHookCalls({
      at: after(task, 10_000),
      silentSince: after(task, 9_000),
      steps: [],
      ofKinds: BOTH.map((step) => ({ kind: task.kind, step })),
      limit: 10,
      ...parts,
    });
  const call = ({ id: taskId }: NewTask, step: FinalStep): HookCall => ({ taskId, step });

  it("are there with the settlement, and not without it", async () => {
    const task = await created({ kind: "rolledBack" });
    await begin(task);
    const open = await openTransaction(world().unitOfWork);
    await world().tasks.settle(open.transaction, task.id, 1, settlementOf(task, { hooks: BOTH }));
    expect(await take(task)).toEqual([]);
    await open.rollBack();
    expect(await take(task)).toEqual([]);
    expect(await world().tasks.keepHookCall(call(task, "complete"), after(task, 6_000))).toBe(false);
    const none = await settled("none", []);
    expect(await take(none)).toEqual([]);
  });

  it("are taken over once their process was silent, one after the other, the cleanup after the cleaning", async () => {
    const task = await settled("inTurn");
    expect(await take(task, { silentSince: after(task, 5_000) })).toEqual([]);
    expect(await take(task)).toEqual([call(task, "complete")]);
    // Under way in the process that took it.
    expect(await take(task)).toEqual([]);
    await markCleaned(task);
    expect(await take(task)).toEqual([]);
    await world().tasks.endHookCall(call(task, "complete"));
    await world().tasks.endHookCall(call(task, "complete"));
    expect(await take(task)).toEqual([call(task, "cleanup")]);
    await world().tasks.endHookCall(call(task, "cleanup"));
    expect(await world().tasks.keepHookCall(call(task, "cleanup"), after(task, 11_000))).toBe(false);
    expect(await take(task, { silentSince: after(task, 99_000) })).toEqual([]);
  });

  it("are not taken over while their process keeps them", async () => {
    const task = await settled("kept");
    expect(await world().tasks.keepHookCall(call(task, "complete"), after(task, 9_500))).toBe(true);
    expect(await take(task)).toEqual([]);
    expect(await take(task, { silentSince: after(task, 9_501) })).toEqual([call(task, "complete")]);
  });

  it("are taken for the steps and kinds that the caller has listeners for, oldest first, up to a limit", async () => {
    const [first, second] = [await settled("one", ["fail"]), await settled("two", ["fail"])];
    expect(await take(second, { ofKinds: [{ kind: "two", step: "cancel" }] })).toEqual([]);
    expect(await take(second, { ofKinds: [{ kind: "two", step: "fail" }] })).toEqual([call(second, "fail")]);
    const later = { at: after(second, 20_000), silentSince: after(second, 20_000), ofKinds: [] };
    expect(await take(first, { ...later, steps: ["cancel"] })).toEqual([]);
    expect(await take(first, { ...later, steps: ["fail"], limit: 1 })).toEqual([call(first, "fail")]);
    expect(await take(first, { ...later, steps: ["fail"] })).toEqual([call(second, "fail")]);
  });

  it("are taken by one of several at the same time, and go with their task", async () => {
    const task = await settled("shared");
    const takers = await Promise.all([1, 2, 3, 4].map(() => take(task)));
    expect(takers.flat()).toEqual([call(task, "complete")]);
    await markCleaned(task);
    expect(await world().tasks.prune(after(task, 6_000), 100)).toContain(task.id);
    expect(await take(task, { silentSince: after(task, 99_000) })).toEqual([]);
  });
});
