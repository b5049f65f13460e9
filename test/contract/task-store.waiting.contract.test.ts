import { expect, it } from "vitest";
import { plainBatch } from "../../src/core/tasks/record-batch.ts";
import type { Claim } from "../../src/core/locks/claim.ts";
import type { NewTask } from "../../src/core/tasks/new-tasks.ts";
import { createId } from "../../src/kernel/ids.ts";
import { describeWorlds } from "./describe-worlds.ts";
import { openTransaction } from "./open-transaction.ts";
import { taskVerbs } from "./task-verbs.ts";

describeWorlds("task store, what waits", (world) => {
  const { created } = taskVerbs(world);
  const wait = async (task: NewTask, blocker: string): Promise<boolean> =>
    world().unitOfWork.run((transaction) => world().tasks.startWaiting(transaction, task.id, blocker));
  const setDependents = (task: NewTask, claims: readonly Claim[]): Promise<void> =>
    world().unitOfWork.run((transaction) => world().tasks.setDependents(transaction, task.id, claims));

  it("says which waiting tasks may change more than their records", async () => {
    const [blocker, model] = [createId(new Date()), "Page"];
    const own = { model, ids: "chunks" } as const;
    const plain = await created({ claims: [own] });
    const some = await created({ claims: [own] });
    const none = await created({ claims: [own] });
    const kept = await created({ claims: [own, { model, ids: ["1"], isDependent: true }] });
    await setDependents(some, [{ model, ids: ["1", "2"] }]);
    await setDependents(none, [{ model, ids: [] }]);
    for (const task of [plain, some, none, kept]) {
      expect(await wait(task, blocker)).toBe(true);
    }
    const expected = [
      { id: plain.id, attempt: 0, hasDependents: false },
      { id: some.id, attempt: 0, hasDependents: true },
      { id: none.id, attempt: 0, hasDependents: true },
      { id: kept.id, attempt: 0, hasDependents: true },
    ];
    expect(await world().tasks.findWaitingFor(blocker, 10)).toEqual(expected);
    const orphans = await world().tasks.findUnblocked(1000);
    expect(orphans.filter(({ id }) => expected.some((task) => task.id === id))).toEqual(
      expected.map((task) => ({ ...task, unblockedAt: null })),
    );
  });

  it("replaces earlier dependents, and forgets new ones with a rolled-back transaction", async () => {
    const blocker = createId(new Date());
    const task = await created({ claims: [{ model: "Book", ids: "chunks" }] });
    const open = await openTransaction(world().unitOfWork);
    await world().tasks.setDependents(open.transaction, task.id, [{ model: "Page", ids: "all" }]);
    await open.rollBack();
    await wait(task, blocker);
    const hasDependents = async (): Promise<boolean | undefined> =>
      (await world().tasks.findWaitingFor(blocker, 10))[0]?.hasDependents;
    expect(await hasDependents()).toBe(false);
    await setDependents(task, [{ model: "Page", ids: ["1"] }]);
    expect(await hasDependents()).toBe(true);
    await setDependents(task, []);
    expect(await hasDependents()).toBe(false);
  });

  it("reads the records of all chunks, without those that the launch left out", async () => {
    const skipped = [{ recordId: "9", outcome: "SKIPPED", code: "RECORD_LOCKED", message: "held" }] as const;
    const task = await created({ chunks: [["2", "1"], ["é"]].map(plainBatch), skipped });
    expect(await world().tasks.recordIds(task.id)).toEqual(["2", "1", "é"]);
    expect(await world().tasks.recordIds((await created()).id)).toEqual([]);
    expect(await world().tasks.recordIds(createId(new Date()))).toEqual([]);
  });
});
