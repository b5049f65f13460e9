import { describe, expect, it } from "vitest";
import { describeLocks } from "./describe-worlds.ts";
import { GRANTED, lockVerbs, newModel, newOwner } from "./lock-verbs.ts";
import { openTransaction } from "./open-transaction.ts";

describeLocks("lock store, together", (world) => {
  const { acquire, guard, release } = lockVerbs(world);

  describe("guards", () => {
    it("passes for free records, and names only held ones", async () => {
      const [owner, book, author] = [newOwner(), newModel(), newModel("Author")];
      expect(await guard({ model: book, ids: ["1", "2", "3"] })).toEqual(GRANTED);
      await acquire(owner, { model: book, ids: ["2", "5"] });
      expect(await guard({ model: book, ids: ["1", "2", "3"] })).toEqual({
        kind: "CONFLICT",
        conflicts: [{ model: book, id: "2", owner }],
        totalConflicts: 1,
      });
      expect(await guard({ model: book, ids: ["1"] })).toEqual(GRANTED);
      expect(await guard({ model: author, ids: ["2"] })).toEqual(GRANTED);
      expect(await world().locks.heldBy(owner)).toEqual([{ model: book, ids: ["2", "5"] }]);
    });

    it("lets two guards hold one record at the same time", async () => {
      const book = newModel();
      const first = await openTransaction(world().unitOfWork);
      expect(await world().locks.guard(first.transaction, [{ model: book, ids: ["1"] }])).toEqual(GRANTED);
      expect(await guard({ model: book, ids: ["1"] })).toEqual(GRANTED);
      await first.commit();
    });

    it.each(["commit", "rollBack"] as const)("makes a claim wait until the guard's %s", async (end) => {
      const [owner, book] = [newOwner(), newModel()];
      const open = await openTransaction(world().unitOfWork);
      await world().locks.guard(open.transaction, [{ model: book, ids: ["1"] }]);
      let isDecided = false;
      const claim = acquire(owner, { model: book, ids: ["1", "2"] }).finally(() => (isDecided = true));
      await world().untilWaiting();
      expect(isDecided).toBe(false);
      await open[end]();
      expect(await claim).toEqual(GRANTED);
    });

    it("makes a guard wait for an open claim, and then refuses it", async () => {
      const [owner, book] = [newOwner(), newModel()];
      const open = await openTransaction(world().unitOfWork);
      await world().locks.acquire(open.transaction, owner, [{ model: book, ids: ["1"] }]);
      let isDecided = false;
      const single = guard({ model: book, ids: ["1"] }).finally(() => (isDecided = true));
      const several = guard({ model: book, ids: ["1", "2"] });
      await world().untilWaiting(2);
      expect(isDecided).toBe(false);
      await open.commit();
      const refusal = { kind: "CONFLICT", conflicts: [{ model: book, id: "1", owner }], totalConflicts: 1 };
      expect(await single).toEqual(refusal);
      expect(await several).toEqual(refusal);
    });

    it("makes a guard wait for an open claim, and grants it when that is rolled back", async () => {
      const [owner, book] = [newOwner(), newModel()];
      const open = await openTransaction(world().unitOfWork);
      await world().locks.acquire(open.transaction, owner, [{ model: book, ids: ["1"] }]);
      const single = guard({ model: book, ids: ["1"] });
      await world().untilWaiting();
      await open.rollBack();
      expect(await single).toEqual(GRANTED);
    });
  });

  describe("races", () => {
    it("grants exactly one of many overlapping claims made together", async () => {
      for (let round = 0; round < 10; round += 1) {
        const [book, author] = [newModel(), newModel("Author")];
        const owners = Array.from({ length: 20 }, newOwner);
        const results = await Promise.all(
          owners.map((owner, at) =>
            acquire(
              owner,
              { model: book, ids: ["shared", `own ${at}`] },
              { model: author, ids: [`own ${at}`] },
            ),
          ),
        );
        const winners = owners.filter((_, at) => results[at]?.kind === "GRANTED");
        expect(winners).toHaveLength(1);
        const held = await Promise.all(owners.map((owner) => world().locks.heldBy(owner)));
        expect(held.filter((claims) => claims.length > 0)).toHaveLength(1);
        for (const result of results.filter(({ kind }) => kind !== "GRANTED")) {
          expect(result).toMatchObject({ conflicts: [{ model: book, id: "shared", owner: winners[0] }] });
        }
      }
    });

    it("decides crossing claims on two models without deadlock", async () => {
      const [book, author] = [newModel(), newModel("Author")];
      for (let round = 0; round < 20; round += 1) {
        const owners = Array.from({ length: 6 }, newOwner);
        const claims = [
          { model: book, ids: ["1"] },
          { model: author, ids: ["1"] },
        ];
        const results = await Promise.all(
          owners.map((owner, at) => acquire(owner, ...(at % 2 === 0 ? claims : claims.toReversed()))),
        );
        expect(results.filter(({ kind }) => kind === "GRANTED")).toHaveLength(1);
        await Promise.all(owners.map((owner) => release(owner)));
      }
    });

    it("grants a waiting claim when the one before it is rolled back", async () => {
      const [first, second, book] = [newOwner(), newOwner(), newModel()];
      const open = await openTransaction(world().unitOfWork);
      await world().locks.acquire(open.transaction, first, [{ model: book, ids: ["1"] }]);
      const waiting = acquire(second, { model: book, ids: ["1"] });
      await world().untilWaiting();
      await open.rollBack();
      expect(await waiting).toEqual(GRANTED);
    });
  });

  describe("transactions", () => {
    it("leaves no trace of a rolled-back transaction", async () => {
      const [owner, other, book] = [newOwner(), newOwner(), newModel()];
      const claimed = await openTransaction(world().unitOfWork);
      await world().locks.acquire(claimed.transaction, owner, [{ model: book, ids: ["1"] }]);
      await claimed.rollBack();
      expect(await world().locks.heldBy(owner)).toEqual([]);
      await acquire(owner, { model: book, ids: ["1", "2"] });
      const released = await openTransaction(world().unitOfWork);
      await world().locks.release(released.transaction, owner);
      await released.rollBack();
      expect(await acquire(other, { model: book, ids: ["1", "2"] })).toMatchObject({ totalConflicts: 2 });
    });

    it("shows locks to others with the commit at the latest", async () => {
      const [owner, book] = [newOwner(), newModel()];
      const open = await openTransaction(world().unitOfWork);
      await world().locks.acquire(open.transaction, owner, [{ model: book, ids: ["1"] }]);
      await open.commit();
      expect(await world().locks.owners(book, ["1"])).toEqual(new Map([["1", owner]]));
    });

    it("sees its own claims within a transaction, and releases what it took and released", async () => {
      const [first, second, book] = [newOwner(), newOwner(), newModel()];
      const claims = [{ model: book, ids: ["1"] }];
      await world().unitOfWork.run(async (transaction) => {
        expect(await world().locks.acquire(transaction, first, claims)).toEqual(GRANTED);
        expect(await world().locks.acquire(transaction, first, claims)).toEqual(GRANTED);
        expect(await world().locks.acquire(transaction, second, claims)).toMatchObject({ totalConflicts: 1 });
        expect(await world().locks.guard(transaction, claims)).toMatchObject({ totalConflicts: 1 });
        await world().locks.release(transaction, first);
      });
      expect(await world().locks.owners(book, ["1"])).toEqual(new Map());
      expect(await acquire(second, ...claims)).toEqual(GRANTED);
    });

    it("keeps released locks until the commit", async () => {
      const [first, second, third, book] = [newOwner(), newOwner(), newOwner(), newModel()];
      const claims = [{ model: book, ids: ["1"] }];
      await acquire(first, ...claims);
      const open = await openTransaction(world().unitOfWork);
      await world().locks.release(open.transaction, first);
      // Refused at once, or waiting for the transaction: never granted before its end.
      let isDecided = false;
      const early = acquire(second, ...claims).finally(() => (isDecided = true));
      await Promise.race([early, world().untilWaiting()]);
      const wasDecided = isDecided;
      expect(wasDecided && (await early).kind === "GRANTED").toBe(false);
      await open.commit();
      expect((await early).kind === "GRANTED").toBe(!wasDecided);
      await release(second);
      expect(await acquire(third, ...claims)).toEqual(GRANTED);
    });
  });
});
