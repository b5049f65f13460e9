import { describe, expect, it } from "vitest";
import type { Claim } from "../../src/core/locks/claim.ts";
import { describeLocks } from "./describe-worlds.ts";
import { GRANTED, lockVerbs, newModel, newOwner, refusedBy } from "./lock-verbs.ts";
import { openTransaction } from "./open-transaction.ts";

/** Two scopes on one model, and whether claims in them conflict. */
const MEETINGS = [
  { one: "north", other: "south", isMet: false },
  { one: "north", other: "north", isMet: true },
  { one: "north", other: undefined, isMet: true },
  { one: undefined, other: "north", isMet: true },
  { one: undefined, other: undefined, isMet: true },
] as const;

function whole(model: string, scope?: string): Claim {
  return scope === undefined ? { model, ids: "all" } : { model, ids: "all", scope };
}

function records(model: string, ids: readonly string[], scope?: string): Claim {
  return scope === undefined ? { model, ids } : { model, ids, scope };
}

describeLocks("lock store, scopes", (world) => {
  const { acquire, acquireFree, acquireOrWait, acquireWaiting, guard, release } = lockVerbs(world);

  describe("claims", () => {
    it.each(MEETINGS)(
      "on all of $one and on all of $other conflict: $isMet",
      async ({ one, other, isMet }) => {
        const [first, second, book] = [newOwner(), newOwner(), newModel()];
        await acquire(first, whole(book, one));
        expect(await acquire(second, whole(book, other))).toEqual(
          isMet ? refusedBy({ model: book, id: null, owner: first }) : GRANTED,
        );
        expect(await world().locks.heldBy(second)).toEqual(isMet ? [] : [whole(book, other)]);
        expect(await world().locks.heldBy(first)).toEqual([whole(book, one)]);
      },
    );

    it.each(MEETINGS)(
      "on all of $one and on records of $other conflict: $isMet",
      async ({ one, other, isMet }) => {
        const [all, some, book] = [newOwner(), newOwner(), newModel()];
        await acquire(all, whole(book, one));
        const refusal = refusedBy({ model: book, id: null, owner: all });
        const wanted = records(book, ["1", "2"], other);
        expect(await acquire(some, wanted)).toEqual(isMet ? refusal : GRANTED);
        expect(await guard(records(book, ["3"], other))).toEqual(isMet ? refusal : GRANTED);
        expect(await guard(records(book, ["3", "4"], other))).toEqual(isMet ? refusal : GRANTED);
        expect(await world().locks.heldBy(some)).toEqual(isMet ? [] : [wanted]);
      },
    );

    it.each(MEETINGS)(
      "on records of $one and on all of $other conflict: $isMet",
      async ({ one, other, isMet }) => {
        const [some, all, book] = [newOwner(), newOwner(), newModel()];
        await acquire(some, records(book, ["1"], one));
        const refusal = refusedBy({ model: book, id: "1", owner: some });
        expect(await acquire(all, whole(book, other))).toEqual(isMet ? refusal : GRANTED);
        await release(all);
        expect(await guard(whole(book, other))).toEqual(isMet ? refusal : GRANTED);
      },
    );

    it.each(MEETINGS)("on one record, in $one and in $other, always conflict", async ({ one, other }) => {
      const [first, second, book] = [newOwner(), newOwner(), newModel()];
      await acquire(first, records(book, ["1"], one));
      const refusal = refusedBy({ model: book, id: "1", owner: first });
      expect(await acquire(second, records(book, ["1", "2"], other))).toEqual(refusal);
      expect(await guard(records(book, ["1"], other))).toEqual(refusal);
      expect(await guard(records(book, ["1", "2"], other))).toEqual(refusal);
      expect(await acquire(second, records(book, ["2"], other))).toEqual(GRANTED);
    });

    it("without a scope conflict with every scope", async () => {
      const [north, south, book] = [newOwner(), newOwner(), newModel()];
      await acquire(north, whole(book, "north"));
      await acquire(south, records(book, ["1"], "south"));
      const refusal = refusedBy(
        { model: book, id: null, owner: north },
        { model: book, id: "1", owner: south },
      );
      expect(await acquire(newOwner(), records(book, ["1", "2"]))).toEqual(refusal);
      expect(await acquire(newOwner(), whole(book))).toEqual(refusal);
      expect(await guard(records(book, ["1", "2"]))).toEqual(refusal);
      expect(await guard(records(book, ["1"]))).toEqual(refusal);
    });

    it("count a model held in several scopes once", async () => {
      const [north, south, book] = [newOwner(), newOwner(), newModel()];
      await acquire(north, whole(book, "north"));
      await acquire(south, whole(book, "south"));
      expect(await acquire(newOwner(), whole(book))).toMatchObject({
        totalConflicts: 1,
        conflicts: [{ model: book, id: null }],
      });
      expect(await guard(records(book, ["1"]))).toMatchObject({ totalConflicts: 1 });
    });

    it("of several scopes count a record that conflicts with each only once", async () => {
      const [owner, book] = [newOwner(), newModel()];
      await acquire(owner, whole(book));
      expect(
        await acquire(newOwner(), records(book, ["1"]), records(book, ["2"], "north"), whole(book, "south")),
      ).toEqual(refusedBy({ model: book, id: null, owner }));
    });

    it("on free records leave out those that conflict with their scope", async () => {
      const [north, south, owner, book] = [newOwner(), newOwner(), newOwner(), newModel()];
      await acquire(north, whole(book, "north"));
      await acquire(south, records(book, ["1"], "south"));
      expect(await acquireFree(owner, records(book, ["1", "2"], "south"))).toEqual([
        { model: book, id: "1", owner: south },
      ]);
      expect(await world().locks.heldBy(owner)).toEqual([records(book, ["2"], "south")]);
      expect(await acquireFree(newOwner(), whole(book, "south"))).toHaveLength(2);
      expect(await acquireFree(newOwner(), whole(book, "west"))).toEqual([]);
    });
  });

  describe("look-ups", () => {
    it("count a claim on the model for its own scope and for viewers without one", async () => {
      const [north, south, book] = [newOwner(), newOwner(), newModel()];
      const ownersFor = (scope?: string): Promise<ReadonlyMap<string, string>> =>
        world().locks.owners(book, ["1", "2"], scope);
      await acquire(north, whole(book, "north"));
      const all = new Map([
        ["1", north],
        ["2", north],
      ]);
      expect(await ownersFor("north")).toEqual(all);
      expect(await ownersFor()).toEqual(all);
      expect(await ownersFor("south")).toEqual(new Map());
      await acquire(south, records(book, ["1"], "south"));
      expect(await ownersFor("south")).toEqual(new Map([["1", south]]));
      expect(await ownersFor("west")).toEqual(new Map([["1", south]]));
      // The record's own holder, not the holder of the others.
      expect(await ownersFor()).toEqual(
        new Map([
          ["1", south],
          ["2", north],
        ]),
      );
    });

    it("show an owner's claims by model and scope, ids in order", async () => {
      const [owner, a, b] = [newOwner(), newModel("A"), newModel("B")];
      await acquire(
        owner,
        records(b, ["2"], "south"),
        records(b, ["4"]),
        whole(b, "north"),
        records(a, ["1"], "south"),
      );
      await acquire(owner, records(b, ["1", "3"], "south"));
      expect(await world().locks.heldBy(owner)).toEqual([
        records(a, ["1"], "south"),
        records(b, ["4"]),
        whole(b, "north"),
        records(b, ["1", "2", "3"], "south"),
      ]);
    });
  });

  describe("claims of one owner", () => {
    it("are granted again, and stored once", async () => {
      const [owner, book] = [newOwner(), newModel()];
      for (let round = 0; round < 2; round += 1) {
        expect(await acquire(owner, whole(book, "north"), records(book, ["1"], "south"))).toEqual(GRANTED);
      }
      expect(await world().locks.heldBy(owner)).toEqual([
        whole(book, "north"),
        records(book, ["1"], "south"),
      ]);
      expect(await acquire(newOwner(), whole(book, "south"))).toMatchObject({ totalConflicts: 1 });
    });

    it("on all of a scope replace earlier and later claims on its records, and no others", async () => {
      const [owner, book] = [newOwner(), newModel()];
      await acquire(
        owner,
        records(book, ["1"], "north"),
        records(book, ["2"], "south"),
        records(book, ["3"]),
      );
      expect(await acquire(owner, whole(book, "north"))).toEqual(GRANTED);
      expect(await acquire(owner, records(book, ["4"], "north"))).toEqual(GRANTED);
      expect(await acquire(owner, records(book, ["5"], "south"))).toEqual(GRANTED);
      expect(await world().locks.heldBy(owner)).toEqual([
        records(book, ["3"]),
        whole(book, "north"),
        records(book, ["2", "5"], "south"),
      ]);
    });

    it("on the model without a scope replace all earlier and later claims on it", async () => {
      const [owner, book] = [newOwner(), newModel()];
      await acquire(owner, whole(book, "north"), records(book, ["2"], "south"));
      expect(await acquire(owner, whole(book))).toEqual(GRANTED);
      expect(await acquire(owner, whole(book, "south"), records(book, ["1"], "north"))).toEqual(GRANTED);
      expect(await world().locks.heldBy(owner)).toEqual([whole(book)]);
      const [other, author] = [newOwner(), newModel("Author")];
      await acquire(other, records(author, ["1"], "north"), whole(author, "south"), whole(author));
      expect(await world().locks.heldBy(other)).toEqual([whole(author)]);
    });

    it("on a record keep the scope of its first claim", async () => {
      const [owner, book] = [newOwner(), newModel()];
      await acquire(owner, records(book, ["1"], "north"));
      expect(await acquire(owner, records(book, ["1", "2"], "south"))).toEqual(GRANTED);
      expect(await world().locks.heldBy(owner)).toEqual([
        records(book, ["1"], "north"),
        records(book, ["2"], "south"),
      ]);
    });

    it("on a record that a whole-model lock replaced take the scope of the next claim", async () => {
      const [owner, book] = [newOwner(), newModel()];
      await acquire(owner, records(book, ["1", "2"], "north"));
      await acquire(owner, whole(book, "north"));
      expect(await acquire(owner, records(book, ["1"]))).toEqual(GRANTED);
      expect(await world().locks.heldBy(owner)).toEqual([records(book, ["1"]), whole(book, "north")]);
      expect(await acquire(newOwner(), whole(book, "south"))).toEqual(
        refusedBy({ model: book, id: "1", owner }),
      );
      await world().unitOfWork.run((transaction) => world().locks.release(transaction, owner));
      expect(await acquire(newOwner(), whole(book))).toEqual(GRANTED);
    });

    it("on a record that the same claim locks with the whole model keep their first scope", async () => {
      const [owner, book] = [newOwner(), newModel()];
      await acquire(owner, records(book, ["1"], "north"), whole(book, "south"));
      expect(await acquire(owner, whole(book, "north"), records(book, ["1"]))).toEqual(GRANTED);
      expect(await world().locks.heldBy(owner)).toEqual([whole(book, "north"), whole(book, "south")]);
    });

    it("on a record are restored by a rollback", async () => {
      const [owner, book] = [newOwner(), newModel()];
      await acquire(owner, records(book, ["1", "2"], "north"));
      const open = await openTransaction(world().unitOfWork);
      const claims = [whole(book, "north"), records(book, ["1", "3"])];
      expect(await world().locks.acquire(open.transaction, owner, claims)).toEqual(GRANTED);
      await open.rollBack();
      expect(await world().locks.heldBy(owner)).toEqual([records(book, ["1", "2"], "north")]);
      expect(await acquire(newOwner(), whole(book, "south"))).toEqual(GRANTED);
    });

    it("are granted again only within a held scope; outside it they wait behind the line", async () => {
      const [holder, owner, waiter, book] = [newOwner(), newOwner(), newOwner(), newModel()];
      await acquire(owner, whole(book, "north"));
      await acquire(holder, records(book, ["1"], "south"));
      await acquireOrWait(waiter, records(book, ["1", "2"], "south"));
      await release(holder);
      const refusal = refusedBy({ model: book, id: "2", owner: waiter });
      expect(await acquire(owner, records(book, ["2"]))).toEqual(refusal);
      expect(await acquire(owner, records(book, ["2"], "south"))).toEqual(refusal);
      expect(await acquire(owner, whole(book, "north"))).toEqual(GRANTED);
      expect(await acquireWaiting(waiter)).toEqual(GRANTED);
    });
  });

  describe("lines", () => {
    it("block only claims on the model that conflict with their scope", async () => {
      const [holder, waiter, book] = [newOwner(), newOwner(), newModel()];
      await acquire(holder, records(book, ["1"], "north"));
      await acquireOrWait(waiter, whole(book, "north"));
      const refusal = refusedBy({ model: book, id: null, owner: waiter });
      expect(await acquire(newOwner(), records(book, ["2"], "north"))).toEqual(refusal);
      expect(await acquire(newOwner(), records(book, ["2"]))).toEqual(refusal);
      expect(await acquire(newOwner(), records(book, ["3"], "south"))).toEqual(GRANTED);
      expect(await acquire(newOwner(), whole(book, "west"))).toEqual(GRANTED);
      await release(holder);
      expect(await acquireWaiting(waiter)).toEqual(GRANTED);
      expect(await world().locks.heldBy(waiter)).toEqual([whole(book, "north")]);
    });

    it("remember the scope of every claim", async () => {
      const [holder, waiter, book] = [newOwner(), newOwner(), newModel()];
      const claims = [records(book, ["3"]), whole(book, "north"), records(book, ["1", "2"], "south")];
      await acquire(holder, records(book, ["2"], "south"));
      await acquireOrWait(waiter, ...claims);
      await release(holder);
      expect(await acquireWaiting(waiter)).toEqual(GRANTED);
      expect(await world().locks.heldBy(waiter)).toEqual(claims);
    });

    it("of different scopes do not wait for each other", async () => {
      const [holder, other, north, south, book] = [
        newOwner(),
        newOwner(),
        newOwner(),
        newOwner(),
        newModel(),
      ];
      await acquire(holder, records(book, ["1"], "north"));
      await acquire(other, records(book, ["2"], "south"));
      await acquireOrWait(north, whole(book, "north"));
      await acquireOrWait(south, whole(book, "south"));
      await release(other);
      expect(await acquireWaiting(north)).toEqual(refusedBy({ model: book, id: "1", owner: holder }));
      expect(await acquireWaiting(south)).toEqual(GRANTED);
    });
  });
});
