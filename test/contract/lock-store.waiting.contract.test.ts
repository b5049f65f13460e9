import { describe, expect, it } from "vitest";
import type { Claim } from "../../src/core/locks/claim.ts";
import { describeLocks } from "./describe-worlds.ts";
import { GRANTED, lockVerbs, newModel, newOwner, numbers, refusedBy } from "./lock-verbs.ts";
import { openTransaction } from "./open-transaction.ts";

describeLocks("lock store, lines together", (world) => {
  const { acquire, acquireFree, acquireOrWait, acquireWaiting, release } = lockVerbs(world);

  it("tells what each owner holds, what it waits for, and which owners are in its way", async () => {
    const [holder, first, second, idle, whole, book, page] = [
      newOwner(),
      newOwner(),
      newOwner(),
      newOwner(),
      newOwner(),
      newModel(),
      newModel("Page"),
    ];
    await acquire(holder, { model: book, ids: numbers(30) }, { model: page, ids: "all" });
    await acquireOrWait(first, { model: book, ids: numbers(40, 15) });
    await acquireOrWait(second, { model: book, ids: ["1", "50"] }, { model: page, ids: ["7"] });
    await acquireOrWait(whole, { model: page, ids: "all" });

    const { locks } = world();
    const owned = await locks.owned([holder, first, second, idle]);
    expect(owned.get(holder)).toMatchObject([
      { model: book, count: 30, isInLine: false },
      { model: page, count: null, isInLine: false },
    ]);
    expect(owned.get(first)).toMatchObject([{ model: book, count: 40, isInLine: true }]);
    expect(owned.has(idle)).toBe(false);

    const blockers = await locks.blockers([holder, first, second, idle, whole]);
    expect([holder, idle].map((owner) => blockers.get(owner))).toEqual([undefined, undefined]);
    expect(blockers.get(first)).toMatchObject([
      { owner: holder, model: book, count: 16, ids: numbers(10, 15) },
    ]);
    expect(blockers.get(second)).toHaveLength(3);
    expect(blockers.get(second)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ owner: holder, model: book, count: 1, ids: ["1"] }),
        expect.objectContaining({ owner: first, model: book, count: 1, ids: ["50"] }),
        expect.objectContaining({ owner: holder, model: page, count: null, ids: [] }),
      ]),
    );
    // One that came first is named beside the one that holds the model.
    expect(blockers.get(whole)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ owner: holder, model: page, count: null }),
        expect.objectContaining({ owner: second, model: page, count: 1, ids: ["7"] }),
      ]),
    );
  });

  describe("the last before a waiter", () => {
    const lastBefore = (owner: string): Promise<string | undefined> =>
      world().unitOfWork.run((transaction) => world().locks.lastBefore(transaction, owner));

    it("is the one directly before it that wants any of the same records", async () => {
      const [holder, first, second, third, other, book] = [
        newOwner(),
        newOwner(),
        newOwner(),
        newOwner(),
        newOwner(),
        newModel(),
      ];
      await acquire(holder, { model: book, ids: ["1", "2", "3"] });
      await acquireOrWait(first, { model: book, ids: ["1", "2"] });
      await acquireOrWait(second, { model: book, ids: ["2"] });
      await acquireOrWait(other, { model: book, ids: ["3"] });
      await acquireOrWait(third, { model: book, ids: ["1"] });
      expect(await Promise.all([first, second, other, third].map(lastBefore))).toEqual([
        undefined,
        first,
        undefined,
        first,
      ]);
      await release(first);
      expect(await Promise.all([second, third].map(lastBefore))).toEqual([undefined, undefined]);
      expect(await lastBefore(holder)).toBeUndefined();
    });

    it("may wait for the whole model, within the same scope", async () => {
      const [holder, whole, north, south, all, book] = [
        newOwner(),
        newOwner(),
        newOwner(),
        newOwner(),
        newOwner(),
        newModel(),
      ];
      await acquire(holder, { model: book, ids: ["1"] });
      await acquireOrWait(whole, { model: book, ids: "all", scope: "north" });
      await acquireOrWait(north, { model: book, ids: ["1"], scope: "north" });
      await acquireOrWait(south, { model: book, ids: ["1"], scope: "south" });
      await acquireOrWait(all, { model: book, ids: "all" });
      expect(await Promise.all([whole, north, south, all].map(lastBefore))).toEqual([
        undefined,
        whole,
        north,
        south,
      ]);
    });
  });

  describe("transactions", () => {
    it("leave no trace of a place in line when rolled back", async () => {
      const [holder, waiter, book] = [newOwner(), newOwner(), newModel()];
      await acquire(holder, { model: book, ids: ["1"] });
      const open = await openTransaction(world().unitOfWork);
      await world().locks.acquireOrWait(open.transaction, waiter, [{ model: book, ids: ["1", "2"] }]);
      await open.rollBack();
      expect(await acquire(newOwner(), { model: book, ids: ["2"] })).toEqual(GRANTED);
      await release(holder);
      expect(await acquireWaiting(waiter)).toEqual(GRANTED);
      expect(await world().locks.heldBy(waiter)).toEqual([]);
    });

    it.each(["acquireWaiting", "release"] as const)(
      "leave a waiter where it stood when its %s is rolled back",
      async (verb) => {
        const [holder, first, second, book] = [newOwner(), newOwner(), newOwner(), newModel()];
        const claim = { model: book, ids: ["1"] };
        await acquire(holder, claim);
        await acquireOrWait(first, claim);
        await acquireOrWait(second, claim);
        await release(holder);
        const open = await openTransaction(world().unitOfWork);
        await world().locks[verb](open.transaction, first);
        await open.rollBack();
        expect(await world().locks.heldBy(first)).toEqual([]);
        expect(await acquireWaiting(second)).toEqual(refusedBy({ model: book, id: "1", owner: first }));
        expect(await acquireWaiting(first)).toEqual(GRANTED);
        expect(await world().locks.heldBy(first)).toEqual([claim]);
      },
    );

    it.each([
      { end: "commit", kind: "CONFLICT" },
      { end: "rollBack", kind: "GRANTED" },
    ] as const)(
      "make a claim wait for an owner that is joining the line, until the $end",
      async ({ end, kind }) => {
        const [holder, waiter, book] = [newOwner(), newOwner(), newModel()];
        await acquire(holder, { model: book, ids: ["1"] });
        const open = await openTransaction(world().unitOfWork);
        await world().locks.acquireOrWait(open.transaction, waiter, [{ model: book, ids: ["1", "2"] }]);
        let isDecided = false;
        const claim = acquire(newOwner(), { model: book, ids: ["2"] }).finally(() => (isDecided = true));
        await world().untilWaiting();
        expect(isDecided).toBe(false);
        await open[end]();
        expect(await claim).toEqual(
          kind === "GRANTED" ? GRANTED : refusedBy({ model: book, id: "2", owner: waiter }),
        );
      },
    );

    it.each(["acquireWaiting", "release"] as const)(
      "leave no lock with an owner that is granted and released at the same time, %s first",
      async (first) => {
        const [holder, waiter, book] = [newOwner(), newOwner(), newModel()];
        const claim = { model: book, ids: ["1"] };
        await acquire(holder, claim);
        await acquireOrWait(waiter, claim);
        await release(holder);
        const second = first === "release" ? "acquireWaiting" : "release";
        const open = await openTransaction(world().unitOfWork);
        await world().locks[first](open.transaction, waiter);
        const other = world().unitOfWork.run(async (transaction) => {
          await world().locks[second](transaction, waiter);
        });
        await Promise.race([other, world().untilWaiting()]);
        await open.commit();
        await other;
        expect(await world().locks.heldBy(waiter)).toEqual([]);
        expect(await acquire(newOwner(), claim)).toEqual(GRANTED);
      },
    );
  });

  describe("races", () => {
    it("put all claims but one in line, and give each its turn", async () => {
      const book = newModel();
      const owners = Array.from({ length: 12 }, newOwner);
      const claims = owners.map((_, at): Claim => ({ model: book, ids: ["shared", `own ${at}`] }));
      const results = await Promise.all(owners.map((owner, at) => acquireOrWait(owner, claims[at] as Claim)));
      expect(results.filter(({ kind }) => kind === "GRANTED")).toHaveLength(1);
      let [holder = ""] = owners.filter((_, at) => results[at]?.kind === "GRANTED");
      let waiting = owners.filter((owner) => owner !== holder);
      while (waiting.length > 0) {
        await release(holder);
        const tries = await Promise.all(waiting.map((owner) => acquireWaiting(owner)));
        const granted = waiting.filter((_, at) => tries[at]?.kind === "GRANTED");
        expect(granted).toHaveLength(1);
        holder = granted[0] ?? "";
        expect(await world().locks.heldBy(holder)).toHaveLength(1);
        waiting = waiting.filter((owner) => owner !== holder);
      }
    });

    it("never deadlock when the claims of waiters cross", async () => {
      const [a, b] = [newModel("A"), newModel("B")];
      const [holder, owners] = [newOwner(), Array.from({ length: 10 }, newOwner)];
      const claims: readonly Claim[] = [
        { model: a, ids: ["1", "2"] },
        { model: b, ids: ["1", "2"] },
      ];
      const wanted = (at: number): readonly Claim[] => {
        const some = claims.map(({ model }) => ({ model, ids: at % 3 === 0 ? ["1"] : ["2", "1"] }));
        return at % 2 === 0 ? some : some.toReversed();
      };
      await acquire(holder, ...claims);
      const joined = await Promise.all(owners.map((owner, at) => acquireOrWait(owner, ...wanted(at))));
      expect(joined.filter(({ kind }) => kind === "GRANTED")).toEqual([]);
      await release(holder);
      let waiting: readonly string[] = owners;
      while (waiting.length > 0) {
        const tries = await Promise.all(waiting.map((owner) => acquireWaiting(owner)));
        const granted = waiting.filter((_, at) => tries[at]?.kind === "GRANTED");
        // All want the records of the first, so exactly one is granted each time.
        expect(granted).toHaveLength(1);
        await Promise.all(granted.map((owner) => release(owner)));
        waiting = waiting.filter((owner) => !granted.includes(owner));
      }
    });
  });

  describe("claims on free records", () => {
    it("take everything if nothing conflicts", async () => {
      const [owner, book, author] = [newOwner(), newModel("A"), newModel("B")];
      const claims = [
        { model: book, ids: ["1", "2"] },
        { model: author, ids: "all" },
      ] as const;
      expect(await acquireFree(owner, ...claims)).toEqual([]);
      expect(await world().locks.heldBy(owner)).toEqual(claims);
      expect(await acquireFree(newOwner())).toEqual([]);
    });

    it("leave out exactly the conflicts, and report each of them", async () => {
      const [first, second, owner] = [newOwner(), newOwner(), newOwner()];
      const [a, b] = [newModel("A"), newModel("B")];
      const held = numbers(1_500, 10_000);
      await acquire(first, { model: a, ids: held }, { model: b, ids: ["2"] });
      await acquireOrWait(second, { model: b, ids: ["2", "3"] });
      const conflicts = await acquireFree(
        owner,
        { model: b, ids: ["1", "2", "3"] },
        { model: a, ids: numbers(3_000, 10_000) },
      );
      expect(conflicts).toEqual([
        ...held.map((id) => ({ model: a, id, owner: first })),
        { model: b, id: "2", owner: first },
        { model: b, id: "3", owner: second },
      ]);
      expect(await world().locks.heldBy(owner)).toEqual([
        { model: a, ids: numbers(1_500, 11_500) },
        { model: b, ids: ["1"] },
      ]);
    });

    it("lock no record of a model that is held as a whole, and no whole model while a record is held", async () => {
      const [first, second, owner] = [newOwner(), newOwner(), newOwner()];
      const [a, b, c] = [newModel("A"), newModel("B"), newModel("C")];
      await acquire(first, { model: a, ids: "all" });
      await acquire(second, { model: b, ids: ["1", "2"] });
      expect(
        await acquireFree(
          owner,
          { model: a, ids: ["1", "2"] },
          { model: b, ids: "all" },
          { model: c, ids: ["1"] },
        ),
      ).toEqual([
        { model: a, id: null, owner: first },
        { model: b, id: "1", owner: second },
        { model: b, id: "2", owner: second },
      ]);
      expect(await world().locks.heldBy(owner)).toEqual([{ model: c, ids: ["1"] }]);
      // A claim on a record and on its whole model is one claim on the whole.
      expect(await acquireFree(owner, { model: b, ids: ["3"] }, { model: b, ids: "all" })).toHaveLength(2);
      expect(await world().locks.heldBy(owner)).toEqual([{ model: c, ids: ["1"] }]);
      await release(second);
      expect(await acquire(newOwner(), { model: b, ids: ["3"] })).toEqual(GRANTED);
    });

    it("lock nothing if everything conflicts, and leave no trace when rolled back", async () => {
      const [first, owner, book] = [newOwner(), newOwner(), newModel()];
      await acquire(first, { model: book, ids: ["1"] });
      expect(await acquireFree(owner, { model: book, ids: ["1"] })).toHaveLength(1);
      expect(await world().locks.heldBy(owner)).toEqual([]);
      const open = await openTransaction(world().unitOfWork);
      await world().locks.acquireFree(open.transaction, owner, [{ model: book, ids: ["1", "2"] }]);
      await open.rollBack();
      expect(await world().locks.heldBy(owner)).toEqual([]);
      expect(await acquire(newOwner(), { model: book, ids: ["2"] })).toEqual(GRANTED);
    });

    it("that are made at the same time give each record to one of them", async () => {
      const book = newModel();
      const owners = Array.from({ length: 6 }, newOwner);
      const ids = numbers(60);
      const left = await Promise.all(
        owners.map((owner, at) => acquireFree(owner, { model: book, ids: ids.slice(at * 5, at * 5 + 30) })),
      );
      const held = await Promise.all(owners.map((owner) => world().locks.heldBy(owner)));
      const all = held.flatMap((claims) => claims.flatMap((claim) => claim.ids));
      expect(new Set(all).size).toBe(all.length);
      expect(all).toHaveLength(55);
      expect(left.flat()).toHaveLength(6 * 30 - 55);
    });
  });
});
