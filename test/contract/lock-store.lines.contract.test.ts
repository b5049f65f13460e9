import { describe, expect, it } from "vitest";
import { sortIds } from "../../src/core/locks/claim.ts";
import { describeLocks } from "./describe-worlds.ts";
import { GRANTED, lockVerbs, newModel, newOwner, numbers, refusedBy } from "./lock-verbs.ts";

describeLocks("lock store, lines", (world) => {
  const { acquire, acquireFree, acquireOrWait, acquireWaiting, guard, release } = lockVerbs(world);

  describe("a task in line", () => {
    it("is granted at once if nothing conflicts, and does not join the line", async () => {
      const [owner, book] = [newOwner(), newModel()];
      expect(await acquireOrWait(owner, { model: book, ids: ["1", "2"] })).toEqual(GRANTED);
      expect(await world().locks.heldBy(owner)).toEqual([{ model: book, ids: ["1", "2"] }]);
      expect(await acquireWaiting(owner)).toEqual(GRANTED);
      await release(owner);
      expect(await acquire(newOwner(), { model: book, ids: ["2"] })).toEqual(GRANTED);
    });

    it("holds nothing", async () => {
      const [holder, waiter, book] = [newOwner(), newOwner(), newModel()];
      await acquire(holder, { model: book, ids: ["1"] });
      expect(await acquireOrWait(waiter, { model: book, ids: ["1", "2"] })).toEqual(
        refusedBy({ model: book, id: "1", owner: holder }),
      );
      expect(await world().locks.heldBy(waiter)).toEqual([]);
      expect(await world().locks.owners(book, ["1", "2"])).toEqual(new Map([["1", holder]]));
    });

    it("blocks every kind of later claim on its records, and is named as their owner", async () => {
      const [holder, waiter, book] = [newOwner(), newOwner(), newModel()];
      await acquire(holder, { model: book, ids: ["1"] });
      await acquireOrWait(waiter, { model: book, ids: ["1", "2"] });
      const [held, awaited] = [
        { model: book, id: "1", owner: holder },
        { model: book, id: "2", owner: waiter },
      ];
      const [wanted, all] = [
        { model: book, ids: ["2", "3"] },
        { model: book, ids: "all" },
      ] as const;
      expect(await acquire(newOwner(), wanted)).toEqual(refusedBy(awaited));
      expect(await acquire(newOwner(), all)).toEqual(refusedBy(held, awaited));
      expect(await acquireFree(newOwner(), all)).toEqual([held, awaited]);
      const [free, later] = [newOwner(), newOwner()];
      expect(await acquireFree(free, wanted)).toEqual([awaited]);
      expect(await world().locks.heldBy(free)).toEqual([{ model: book, ids: ["3"] }]);
      expect(await acquireOrWait(later, { model: book, ids: ["2"] })).toEqual(refusedBy(awaited));
      // A holder's claim on more records is a later claim, too.
      expect(await acquire(holder, { model: book, ids: ["1", "2"] })).toEqual(refusedBy(awaited));
    });

    it("does not block an owner that claims again what it holds", async () => {
      const [holder, waiter, book, author] = [newOwner(), newOwner(), newModel(), newModel("Author")];
      const claims = [
        { model: book, ids: ["1", "2"] },
        { model: author, ids: "all" },
      ] as const;
      await acquire(holder, ...claims);
      await acquireOrWait(waiter, { model: book, ids: ["2", "3"] }, { model: author, ids: ["1"] });
      expect(await acquire(holder, ...claims)).toEqual(GRANTED);
      expect(await acquire(holder, { model: author, ids: ["1"] }, { model: book, ids: ["4"] })).toEqual(
        GRANTED,
      );
      expect(await acquireFree(holder, { model: book, ids: ["2", "3", "5"] })).toEqual([
        { model: book, id: "3", owner: waiter },
      ]);
      const held = [{ model: book, ids: ["1", "2", "4", "5"] }, claims[1]];
      expect(await world().locks.heldBy(holder)).toEqual(
        held.toSorted((a, b) => (a.model < b.model ? -1 : 1)),
      );
      const whole = newOwner();
      await acquireOrWait(whole, { model: book, ids: "all" });
      expect(await acquire(holder, { model: book, ids: ["1", "5"] })).toEqual(GRANTED);
      expect(await acquire(holder, { model: book, ids: ["1", "6"] })).toEqual(
        refusedBy({ model: book, id: null, owner: whole }),
      );
      await release(holder);
      expect(await acquireWaiting(waiter)).toEqual(GRANTED);
    });

    it("does not conflict with a guard", async () => {
      const [holder, waiter, book] = [newOwner(), newOwner(), newModel()];
      await acquire(holder, { model: book, ids: ["1"] });
      await acquireOrWait(waiter, { model: book, ids: ["1", "2"] });
      await acquireOrWait(newOwner(), { model: book, ids: "all" });
      expect(await guard({ model: book, ids: ["2"] })).toEqual(GRANTED);
      expect(await guard({ model: book, ids: ["2", "3"] })).toEqual(GRANTED);
      expect(await guard({ model: book, ids: "all" })).toEqual(
        refusedBy({ model: book, id: "1", owner: holder }),
      );
    });

    it("holds nothing while it is refused again, and keeps its place", async () => {
      const [holder, waiter, later, book] = [newOwner(), newOwner(), newOwner(), newModel()];
      const claim = { model: book, ids: ["1"] };
      await acquire(holder, claim);
      await acquireOrWait(waiter, claim);
      await acquireOrWait(later, claim);
      const refusal = refusedBy({ model: book, id: "1", owner: holder });
      expect(await acquireWaiting(waiter)).toEqual(refusal);
      expect(await acquireWaiting(waiter)).toEqual(refusal);
      expect(await world().locks.heldBy(waiter)).toEqual([]);
      await release(holder);
      expect(await acquireWaiting(later)).toEqual(refusedBy({ model: book, id: "1", owner: waiter }));
      expect(await acquireWaiting(waiter)).toEqual(GRANTED);
    });
  });

  describe("turns", () => {
    it("go to the first in line, even if another asks first", async () => {
      const book = newModel();
      const claim = { model: book, ids: ["1"] };
      const line = Array.from({ length: 5 }, newOwner);
      for (const owner of line) {
        await acquireOrWait(owner, claim);
      }
      for (const [at, owner] of line.entries()) {
        expect(await world().locks.owners(book, ["1"])).toEqual(new Map([["1", owner]]));
        const refusal = refusedBy({ model: book, id: "1", owner });
        for (const later of line.slice(at + 1).toReversed()) {
          expect(await acquireWaiting(later)).toEqual(refusal);
        }
        await release(owner);
        const next = line[at + 1];
        const isLast = next === undefined;
        for (const later of line.slice(at + 2).toReversed()) {
          expect(await acquireWaiting(later)).toMatchObject({ conflicts: [{ owner: next }] });
        }
        expect(isLast || (await acquireWaiting(next))).toEqual(isLast ? true : GRANTED);
      }
    });

    it("are kept per record: a task for other records does not wait", async () => {
      const [holder, other, first, second, book] = [
        newOwner(),
        newOwner(),
        newOwner(),
        newOwner(),
        newModel(),
      ];
      await acquire(holder, { model: book, ids: ["1"] });
      await acquire(other, { model: book, ids: ["2"] });
      await acquireOrWait(first, { model: book, ids: ["1"] });
      await acquireOrWait(second, { model: book, ids: ["2"] });
      await release(other);
      expect(await acquireWaiting(first)).toEqual(refusedBy({ model: book, id: "1", owner: holder }));
      expect(await acquireWaiting(second)).toEqual(GRANTED);
    });

    it("grant everything that was claimed, on several models, or nothing", async () => {
      const [one, other, waiter] = [newOwner(), newOwner(), newOwner()];
      const [a, b] = [newModel("A"), newModel("B")];
      await acquire(one, { model: a, ids: ["1"] });
      await acquire(other, { model: b, ids: ["1"] });
      const wanted = [
        { model: b, ids: ["1", "2"] },
        { model: a, ids: ["1", "2"] },
      ];
      expect(await acquireOrWait(waiter, ...wanted)).toEqual(
        refusedBy({ model: a, id: "1", owner: one }, { model: b, id: "1", owner: other }),
      );
      await release(one);
      expect(await acquireWaiting(waiter)).toEqual(refusedBy({ model: b, id: "1", owner: other }));
      expect(await world().locks.heldBy(waiter)).toEqual([]);
      // Free, but not for a later claim.
      expect(await acquire(newOwner(), { model: a, ids: ["1"] })).toEqual(
        refusedBy({ model: a, id: "1", owner: waiter }),
      );
      await release(other);
      expect(await acquireWaiting(waiter)).toEqual(GRANTED);
      expect(await world().locks.heldBy(waiter)).toEqual(wanted.toReversed());
    });

    it("go to a task for a whole model after earlier records, and before later ones", async () => {
      const [holder, record, whole, later, book] = [
        newOwner(),
        newOwner(),
        newOwner(),
        newOwner(),
        newModel(),
      ];
      await acquire(holder, { model: book, ids: ["1"] });
      await acquireOrWait(record, { model: book, ids: ["1"] });
      expect(await acquireOrWait(whole, { model: book, ids: "all" })).toMatchObject({ totalConflicts: 1 });
      expect(await acquireOrWait(later, { model: book, ids: ["2"] })).toEqual(
        refusedBy({ model: book, id: null, owner: whole }),
      );
      await release(holder);
      expect(await acquireWaiting(later)).toEqual(refusedBy({ model: book, id: null, owner: whole }));
      expect(await acquireWaiting(whole)).toEqual(refusedBy({ model: book, id: "1", owner: record }));
      expect(await acquireWaiting(record)).toEqual(GRANTED);
      expect(await acquireWaiting(whole)).toEqual(refusedBy({ model: book, id: "1", owner: record }));
      await release(record);
      expect(await acquireWaiting(whole)).toEqual(GRANTED);
      expect(await world().locks.heldBy(whole)).toEqual([{ model: book, ids: "all" }]);
      await release(whole);
      expect(await acquireWaiting(later)).toEqual(GRANTED);
    });

    it("go to a task in line even if it claims again, and only earlier claims conflict", async () => {
      const [holder, first, second, book] = [newOwner(), newOwner(), newOwner(), newModel()];
      const claim = { model: book, ids: ["1"] };
      await acquire(holder, claim);
      await acquireOrWait(first, claim);
      await acquireOrWait(second, claim);
      await release(holder);
      expect(await acquire(second, claim)).toEqual(refusedBy({ model: book, id: "1", owner: first }));
      expect(await acquire(first, claim)).toEqual(GRANTED);
      await release(first);
      expect(await acquireWaiting(second)).toEqual(GRANTED);
    });

    it("work for any kind of id", async () => {
      const [holder, waiter, book] = [newOwner(), newOwner(), newModel()];
      const ids = ["", " ", "NULL", '"', "{a,b}", "\\", "\u0001", "\n", "é", "😀", "\uffee"];
      await acquire(holder, { model: book, ids });
      await acquireOrWait(waiter, { model: book, ids });
      await release(holder);
      expect(await acquireWaiting(waiter)).toEqual(GRANTED);
      expect(await world().locks.heldBy(waiter)).toEqual([{ model: book, ids: sortIds(ids) }]);
    });

    it("are granted for 100,000 records at once, and for each of them in line", async () => {
      const [holder, waiter, later, book] = [newOwner(), newOwner(), newOwner(), newModel()];
      const ids = numbers(100_000);
      await acquire(holder, { model: book, ids: ["50000"] });
      expect(await acquireOrWait(waiter, { model: book, ids })).toEqual(
        refusedBy({ model: book, id: "50000", owner: holder }),
      );
      expect(await acquireOrWait(later, { model: book, ids: numbers(100_000, 50_001) })).toMatchObject({
        totalConflicts: 50_000,
        conflicts: { 0: { id: "100000", owner: waiter }, length: 1_000 },
      });
      await release(holder);
      expect(await acquireWaiting(waiter)).toEqual(GRANTED);
      expect(await world().locks.heldBy(waiter)).toEqual([{ model: book, ids: sortIds(ids) }]);
      await release(waiter);
      expect(await acquireWaiting(later)).toEqual(GRANTED);
    });
  });

  describe("a task that leaves the line", () => {
    it("lets later tasks move up", async () => {
      const [holder, first, second, third, book] = [
        newOwner(),
        newOwner(),
        newOwner(),
        newOwner(),
        newModel(),
      ];
      const claim = { model: book, ids: ["1"] };
      await acquire(holder, claim);
      await acquireOrWait(first, claim, { model: book, ids: ["2"] });
      await acquireOrWait(second, claim);
      await acquireOrWait(third, claim);
      await release(second);
      await release(first);
      expect(await acquire(newOwner(), { model: book, ids: ["2"] })).toEqual(GRANTED);
      await release(holder);
      expect(await acquireWaiting(third)).toEqual(GRANTED);
      expect(await world().locks.heldBy(third)).toEqual([{ model: book, ids: ["1"] }]);
    });

    it("is granted nothing from then on, like one that never joined", async () => {
      const [holder, waiter, book] = [newOwner(), newOwner(), newModel()];
      await acquire(holder, { model: book, ids: ["1"] });
      await acquireOrWait(waiter, { model: book, ids: ["1"] });
      await release(waiter);
      await release(holder);
      expect(await acquireWaiting(waiter)).toEqual(GRANTED);
      expect(await acquireWaiting(newOwner())).toEqual(GRANTED);
      expect(await world().locks.heldBy(waiter)).toEqual([]);
      expect(await acquire(newOwner(), { model: book, ids: ["1"] })).toEqual(GRANTED);
    });

    it("leaves when it is granted another claim, even on another model", async () => {
      const [holder, waiter, book, author] = [newOwner(), newOwner(), newModel(), newModel("Author")];
      await acquire(holder, { model: book, ids: ["1"] });
      await acquireOrWait(waiter, { model: book, ids: ["1", "2"] });
      expect(await acquire(waiter)).toEqual(GRANTED);
      expect(await acquire(newOwner(), { model: book, ids: ["2"] })).toMatchObject({ kind: "CONFLICT" });
      expect(await acquire(waiter, { model: author, ids: ["1"] })).toEqual(GRANTED);
      expect(await acquire(newOwner(), { model: book, ids: ["2"] })).toEqual(GRANTED);
    });

    it("leaves when granted: records that it releases later are free", async () => {
      const [holder, waiter, book] = [newOwner(), newOwner(), newModel()];
      await acquire(holder, { model: book, ids: ["1"] });
      await acquireOrWait(waiter, { model: book, ids: ["1", "2"] });
      await release(holder);
      await acquireWaiting(waiter);
      await release(waiter);
      expect(await acquire(newOwner(), { model: book, ids: ["1"] })).toEqual(GRANTED);
      expect(await acquireWaiting(waiter)).toEqual(GRANTED);
      expect(await world().locks.heldBy(waiter)).toEqual([]);
    });
  });
});
