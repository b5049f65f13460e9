import { expect, it } from "vitest";
import { describeLocks } from "./describe-worlds.ts";
import { GRANTED, lockVerbs, newModel, newOwner } from "./lock-verbs.ts";
import { openTransaction } from "./open-transaction.ts";
import { sampleTask } from "./sample-task.ts";
import { taskVerbs } from "./task-verbs.ts";

describeLocks("lock store, orphans", (world) => {
  const { acquire, acquireOrWait, acquireWaiting, release } = lockVerbs(world);
  const { begin, created, settle } = taskVerbs(world);

  it("releases the locks of settled tasks and of owners that are no task, once", async () => {
    const book = newModel();
    const settled = await created();
    await begin(settled);
    expect(await settle(settled, 1)).toBe(true);
    const unknown = newOwner();
    await acquire(settled.id, { model: book, ids: ["1"] });
    await acquire(unknown, { model: book, ids: ["2"] });
    expect(await world().locks.releaseOrphans()).toEqual([settled.id, unknown].toSorted());
    expect(await world().locks.owners(book, ["1", "2"])).toEqual(new Map());
    expect(await acquire(newOwner(), { model: book, ids: ["1", "2"] })).toEqual(GRANTED);
    expect(await world().locks.releaseOrphans()).toHaveLength(1);
    expect(await world().locks.releaseOrphans()).toEqual([]);
  });

  it("leaves the locks and the places of unsettled tasks alone", async () => {
    const book = newModel();
    const [holder, waiter] = [await created(), await created()];
    await acquire(holder.id, { model: book, ids: ["1"] });
    await acquireOrWait(waiter.id, { model: book, ids: ["1"] });
    expect(await world().locks.releaseOrphans()).toEqual([]);
    expect(await world().locks.heldBy(holder.id)).toEqual([{ model: book, ids: ["1"] }]);
    await release(holder.id);
    expect(await acquireWaiting(waiter.id)).toEqual(GRANTED);
    expect(await world().locks.heldBy(waiter.id)).toEqual([{ model: book, ids: ["1"] }]);
    await release(waiter.id);
  });

  it("keeps the locks of a launch that has not committed yet", async () => {
    const book = newModel();
    const task = sampleTask();
    const open = await openTransaction(world().unitOfWork);
    await world().locks.acquire(open.transaction, task.id, [{ model: book, ids: ["1"] }]);
    expect(await world().locks.releaseOrphans()).toEqual([]);
    await world().tasks.create(open.transaction, task);
    const sweeping = world().locks.releaseOrphans();
    await open.commit();
    expect(await sweeping).toEqual([]);
    expect(await world().locks.releaseOrphans()).toEqual([]);
    expect(await world().locks.heldBy(task.id)).toEqual([{ model: book, ids: ["1"] }]);
  });
});
