import { describe, expect, it } from "vitest";
import { sortIds } from "../../src/core/locks/claim.ts";
import { describeLocks } from "./describe-worlds.ts";
import { GRANTED, lockVerbs, newModel, newOwner, numbers } from "./lock-verbs.ts";

describeLocks("lock store", (world) => {
  const { acquire, guard, release } = lockVerbs(world);

  describe("claims", () => {
    it("grants a claim on free records of several models, each naming its owner", async () => {
      const [owner, book, author] = [newOwner(), newModel(), newModel("Author")];
      const claims = [
        { model: book, ids: ["1", "2", "3"] },
        { model: author, ids: ["10", "20"] },
      ];
      expect(await acquire(owner, ...claims)).toEqual(GRANTED);
      expect(await world().locks.owners(book, ["1", "2", "3"])).toEqual(
        new Map(["1", "2", "3"].map((id) => [id, owner])),
      );
      expect(await world().locks.owners(author, ["10", "20"])).toEqual(
        new Map([
          ["10", owner],
          ["20", owner],
        ]),
      );
      expect(await world().locks.heldBy(owner)).toEqual(
        claims.toSorted((a, b) => (a.model < b.model ? -1 : 1)),
      );
    });

    it("refuses an overlapping claim, names the conflicts, and leaves no trace", async () => {
      const [first, second, book] = [newOwner(), newOwner(), newModel()];
      await acquire(first, { model: book, ids: ["2"] });
      expect(await acquire(second, { model: book, ids: ["1", "2", "3"] })).toEqual({
        kind: "CONFLICT",
        conflicts: [{ model: book, id: "2", owner: first }],
        totalConflicts: 1,
      });
      expect(await world().locks.heldBy(second)).toEqual([]);
      expect(await world().locks.heldBy(first)).toEqual([{ model: book, ids: ["2"] }]);
      expect(await world().locks.owners(book, ["1", "2", "3"])).toEqual(new Map([["2", first]]));
    });

    it("lists conflicts by model and id, and counts those beyond the list", async () => {
      const [first, second, a, b] = [newOwner(), newOwner(), newModel("A"), newModel("B")];
      await acquire(first, { model: a, ids: numbers(700) }, { model: b, ids: numbers(700) });
      const result = await acquire(second, { model: b, ids: numbers(600) }, { model: a, ids: numbers(900) });
      const expected = [
        ...sortIds(numbers(700)).map((id) => ({ model: a, id, owner: first })),
        ...sortIds(numbers(600)).map((id) => ({ model: b, id, owner: first })),
      ];
      expect(result).toEqual({
        kind: "CONFLICT",
        conflicts: expected.slice(0, 1000),
        totalConflicts: 1300,
      });
    });

    it("grants again what the owner holds, and stores only new locks", async () => {
      const [owner, book] = [newOwner(), newModel()];
      await acquire(owner, { model: book, ids: ["2", "4"] });
      expect(await acquire(owner, { model: book, ids: ["2", "4"] })).toEqual(GRANTED);
      expect(await acquire(owner, { model: book, ids: ["1", "2", "3", "4", "5"] })).toEqual(GRANTED);
      expect(await world().locks.heldBy(owner)).toEqual([{ model: book, ids: ["1", "2", "3", "4", "5"] }]);
      expect(await guard({ model: book, ids: ["2"] })).toMatchObject({ totalConflicts: 1 });
      expect(await acquire(newOwner(), { model: book, ids: ["2", "3"] })).toMatchObject({
        totalConflicts: 2,
      });
      await release(owner);
      expect(await world().locks.owners(book, numbers(5))).toEqual(new Map());
    });

    it("grants a claim on nothing", async () => {
      const [owner, book] = [newOwner(), newModel()];
      expect(await acquire(owner)).toEqual(GRANTED);
      expect(await acquire(owner, { model: book, ids: [] })).toEqual(GRANTED);
      expect(await guard({ model: book, ids: [] })).toEqual(GRANTED);
      expect(await world().locks.owners(book, [])).toEqual(new Map());
      expect(await world().locks.heldBy(owner)).toEqual([]);
    });

    it("takes two claims on one model as one", async () => {
      const [owner, book] = [newOwner(), newModel()];
      await acquire(owner, { model: book, ids: ["1", "2"] }, { model: book, ids: ["2", "3"] });
      expect(await world().locks.heldBy(owner)).toEqual([{ model: book, ids: ["1", "2", "3"] }]);
    });

    it("tells models apart by case, and ids by every byte", async () => {
      const [first, second, book] = [newOwner(), newOwner(), newModel()];
      await acquire(first, { model: book, ids: ["é", "a"] });
      expect(await acquire(second, { model: book, ids: ["e\u0301", "A"] })).toEqual(GRANTED);
      expect(await acquire(second, { model: book.toLowerCase(), ids: ["a"] })).toEqual(GRANTED);
    });
  });

  describe("release", () => {
    it("releases all of an owner's locks, and does nothing the second time", async () => {
      const [owner, book, author] = [newOwner(), newModel(), newModel("Author")];
      await acquire(owner, { model: book, ids: ["1", "2"] }, { model: author, ids: "all" });
      await release(owner);
      await release(owner);
      expect(await world().locks.heldBy(owner)).toEqual([]);
      expect(
        await acquire(newOwner(), { model: book, ids: ["1", "2"] }, { model: author, ids: ["1"] }),
      ).toEqual(GRANTED);
    });

    it("does nothing for an owner that holds nothing, also after the record changed hands", async () => {
      const [first, second, stranger, book] = [newOwner(), newOwner(), newOwner(), newModel()];
      const claim = { model: book, ids: ["1"] };
      await acquire(first, claim);
      await release(stranger);
      expect(await world().locks.owners(book, ["1"])).toEqual(new Map([["1", first]]));
      await release(first);
      await acquire(second, claim);
      await release(first);
      expect(await world().locks.owners(book, ["1"])).toEqual(new Map([["1", second]]));
    });
  });

  describe("whole models", () => {
    it("refuses record claims and guards while a model is held", async () => {
      const [owner, book] = [newOwner(), newModel()];
      expect(await acquire(owner, { model: book, ids: "all" })).toEqual(GRANTED);
      const refusal = {
        kind: "CONFLICT",
        conflicts: [{ model: book, id: null, owner }],
        totalConflicts: 1,
      };
      expect(await acquire(newOwner(), { model: book, ids: ["1", "2"] })).toEqual(refusal);
      expect(await acquire(newOwner(), { model: book, ids: "all" })).toEqual(refusal);
      expect(await guard({ model: book, ids: ["1"] })).toEqual(refusal);
      expect(await guard({ model: book, ids: ["1", "2"] })).toEqual(refusal);
      expect(await guard({ model: book, ids: "all" })).toEqual(refusal);
      expect(await world().locks.owners(book, ["1", "2"])).toEqual(
        new Map([
          ["1", owner],
          ["2", owner],
        ]),
      );
      expect(await world().locks.heldBy(owner)).toEqual([{ model: book, ids: "all" }]);
      expect(await acquire(newOwner(), { model: newModel(), ids: ["1"] })).toEqual(GRANTED);
    });

    it("refuses a claim on a model while others hold records of it", async () => {
      const [first, second, book] = [newOwner(), newOwner(), newModel()];
      await acquire(first, { model: book, ids: ["1", "2"] });
      await acquire(second, { model: book, ids: ["3"] });
      expect(await acquire(newOwner(), { model: book, ids: "all" })).toEqual({
        kind: "CONFLICT",
        conflicts: [
          { model: book, id: "1", owner: first },
          { model: book, id: "2", owner: first },
          { model: book, id: "3", owner: second },
        ],
        totalConflicts: 3,
      });
    });

    it("replaces an owner's locks on records by its lock on their model", async () => {
      const [owner, book] = [newOwner(), newModel()];
      await acquire(owner, { model: book, ids: ["1"] });
      expect(await acquire(owner, { model: book, ids: "all" })).toEqual(GRANTED);
      expect(await acquire(owner, { model: book, ids: "all" })).toEqual(GRANTED);
      expect(await acquire(owner, { model: book, ids: ["1", "2"] })).toEqual(GRANTED);
      expect(await world().locks.heldBy(owner)).toEqual([{ model: book, ids: "all" }]);
      await release(owner);
      expect(await world().locks.heldBy(owner)).toEqual([]);
    });
  });
});
