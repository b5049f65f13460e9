import { describe, expect, it } from "vitest";
import { describeLocks } from "./describe-worlds.ts";
import { GRANTED, lockVerbs, newModel, newOwner, refusedBy } from "./lock-verbs.ts";
import { openTransaction } from "./open-transaction.ts";

describeLocks("lock store, entering", (world) => {
  const { acquire, acquireOrWait, acquireWaiting, guard, release } = lockVerbs(world);

  describe("entering models", () => {
    it.each(["commit", "rollBack"] as const)("keeps claims and guards out until the %s", async (end) => {
      const [owner, book, author] = [newOwner(), newModel(), newModel("Author")];
      const open = await openTransaction(world().unitOfWork);
      await world().locks.enter(open.transaction, [book, author]);
      let decided = 0;
      const count = (): void => void (decided += 1);
      const claim = acquire(owner, { model: book, ids: ["1"] }).finally(count);
      const single = guard({ model: author, ids: ["1"] }).finally(count);
      await world().untilWaiting(2);
      expect(decided).toBe(0);
      expect(await acquire(newOwner(), { model: newModel(), ids: ["1"] })).toEqual(GRANTED);
      await open[end]();
      expect([await claim, await single]).toEqual([GRANTED, GRANTED]);
    });

    it("waits for an open guard", async () => {
      const [book, author] = [newModel(), newModel("Author")];
      const open = await openTransaction(world().unitOfWork);
      await world().locks.guard(open.transaction, [{ model: author, ids: ["1"] }]);
      let isIn = false;
      const entered = world()
        .unitOfWork.run((transaction) => world().locks.enter(transaction, [book, author]))
        .finally(() => (isIn = true));
      await world().untilWaiting();
      expect(isIn).toBe(false);
      await open.commit();
      await entered;
    });

    it("waits for an open claim, and then sees it", async () => {
      const [first, second, book] = [newOwner(), newOwner(), newModel()];
      const open = await openTransaction(world().unitOfWork);
      await world().locks.acquire(open.transaction, first, [{ model: book, ids: ["1"] }]);
      let isIn = false;
      const claim = world().unitOfWork.run(async (transaction) => {
        await world().locks.enter(transaction, [book]);
        isIn = true;
        return world().locks.acquire(transaction, second, [{ model: book, ids: ["1"] }]);
      });
      await world().untilWaiting();
      expect(isIn).toBe(false);
      await open.commit();
      expect(await claim).toEqual(refusedBy({ model: book, id: "1", owner: first }));
    });

    it("claims nothing", async () => {
      const book = newModel();
      await world().unitOfWork.run(async (transaction) => {
        await world().locks.enter(transaction, [book]);
        await world().locks.enter(transaction, []);
      });
      expect(await world().locks.owners(book, ["1"])).toEqual(new Map());
      expect(await acquire(newOwner(), { model: book, ids: "all" })).toEqual(GRANTED);
    });

    it("never deadlocks when transactions enter the same models in different orders", async () => {
      const models = [newModel(), newModel("Author"), newModel("Shop")];
      const one = models.map((model) => ({ model, ids: ["1"] }));
      const owners = Array.from({ length: 24 }, newOwner);
      const results = await Promise.all(
        owners.map((owner, at) =>
          world().unitOfWork.run(async (transaction) => {
            await world().locks.enter(transaction, at % 2 === 0 ? models : models.toReversed());
            return world().locks.acquire(transaction, owner, at % 3 === 0 ? one : one.toReversed());
          }),
        ),
      );
      expect(results.filter(({ kind }) => kind === "GRANTED")).toHaveLength(1);
    });
  });

  describe("a guard on behalf of a task", () => {
    it.each([{ ids: ["1"] }, { ids: ["1", "2"] }, { ids: "all" as const }])(
      "conflicts with other tasks and not with its own: $ids",
      async ({ ids }) => {
        const [owner, other, book] = [newOwner(), newOwner(), newModel()];
        await acquire(owner, { model: book, ids: ["1"] });
        const guardAs = (guardian: string): ReturnType<typeof guard> =>
          world().unitOfWork.run((transaction) =>
            world().locks.guard(transaction, [{ model: book, ids }], guardian),
          );
        expect(await guardAs(owner)).toEqual(GRANTED);
        const conflict = { model: book, id: "1", owner };
        expect(await guardAs(other)).toEqual(refusedBy(conflict));
        expect(await guard({ model: book, ids })).toEqual(refusedBy(conflict));
        expect(await world().locks.heldBy(other)).toEqual([]);
      },
    );
  });

  describe("a try for more than the owner waits for", () => {
    const tryWith = (
      owner: string,
      ...added: readonly { model: string; ids: readonly string[] | "all" }[]
    ): ReturnType<typeof acquireWaiting> =>
      world().unitOfWork.run((transaction) => world().locks.acquireWaiting(transaction, owner, added));

    it("is granted as a whole", async () => {
      const [holder, waiter, book, page] = [newOwner(), newOwner(), newModel(), newModel("Page")];
      await acquire(holder, { model: book, ids: ["1"] });
      await acquireOrWait(waiter, { model: book, ids: ["1"] });
      await release(holder);
      expect(await tryWith(waiter, { model: page, ids: ["7"] }, { model: book, ids: ["2"] })).toEqual(
        GRANTED,
      );
      expect(await world().locks.heldBy(waiter)).toEqual([
        { model: book, ids: ["1", "2"] },
        { model: page, ids: ["7"] },
      ]);
      await release(waiter);
      expect(await acquire(newOwner(), { model: page, ids: ["7"] })).toEqual(GRANTED);
    });

    it("is refused with the conflicts, locks nothing, and keeps its places in line", async () => {
      const [holder, waiter, book, page] = [newOwner(), newOwner(), newModel(), newModel("Page")];
      await acquire(holder, { model: book, ids: ["1"] });
      await acquireOrWait(waiter, { model: book, ids: ["1"] });
      const other = newOwner();
      await acquire(other, { model: page, ids: ["7"] });
      await release(holder);
      const added = { model: page, ids: ["7", "8"] };
      for (let tries = 0; tries < 3; tries += 1) {
        expect(await tryWith(waiter, added)).toEqual(refusedBy({ model: page, id: "7", owner: other }));
      }
      expect(await world().locks.heldBy(waiter)).toEqual([]);
      const [late, later] = [newOwner(), newOwner()];
      expect(await acquire(late, { model: book, ids: ["1"] })).toEqual(
        refusedBy({ model: book, id: "1", owner: waiter }),
      );
      expect(await acquire(later, { model: page, ids: ["8"] })).toEqual(
        refusedBy({ model: page, id: "8", owner: waiter }),
      );
      await release(other);
      expect(await acquireWaiting(waiter)).toEqual(GRANTED);
      expect(await world().locks.heldBy(waiter)).toEqual([{ model: book, ids: ["1"] }, added]);
      await release(waiter);
      expect(await acquire(late, { model: book, ids: "all" }, { model: page, ids: "all" })).toEqual(GRANTED);
    });

    it("joins the line for the new records after earlier owners, without a deadlock", async () => {
      const [holder, first, second] = [newOwner(), newOwner(), newOwner()];
      const [book, page] = [newModel(), newModel("Page")];
      const both = [
        { model: book, ids: ["1"] },
        { model: page, ids: ["7"] },
      ];
      await acquire(holder, ...both);
      await acquireOrWait(first, { model: book, ids: ["1"] });
      await acquireOrWait(second, { model: page, ids: ["7"] });
      expect(await tryWith(first, { model: page, ids: ["7"] })).toMatchObject({ totalConflicts: 2 });
      await release(holder);
      // The first one to try is granted; neither waits for the other.
      expect(await acquireWaiting(second)).toEqual(GRANTED);
      expect(await acquireWaiting(first)).toEqual(refusedBy({ model: page, id: "7", owner: second }));
      await release(second);
      expect(await acquireWaiting(first)).toEqual(GRANTED);
    });

    it("may be for a whole model", async () => {
      const [holder, waiter, page] = [newOwner(), newOwner(), newModel("Page")];
      await acquire(holder, { model: page, ids: ["1"] });
      await acquireOrWait(waiter, { model: page, ids: ["1"] });
      expect(await tryWith(waiter, { model: page, ids: "all" })).toMatchObject({ totalConflicts: 1 });
      expect(await tryWith(waiter, { model: page, ids: "all" })).toMatchObject({ totalConflicts: 1 });
      expect(await acquire(newOwner(), { model: page, ids: ["9"] })).toEqual(
        refusedBy({ model: page, id: null, owner: waiter }),
      );
      await release(holder);
      expect(await acquireWaiting(waiter)).toEqual(GRANTED);
      expect(await world().locks.heldBy(waiter)).toEqual([{ model: page, ids: "all" }]);
    });

    it("locks nothing for an owner that is in no line", async () => {
      const [owner, page] = [newOwner(), newModel("Page")];
      expect(await tryWith(owner, { model: page, ids: ["7"] })).toEqual(GRANTED);
      expect(await world().locks.heldBy(owner)).toEqual([]);
    });
  });
});
