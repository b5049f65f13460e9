import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Claim } from "../../src/core/locks/claim.ts";
import type { AcquireResult } from "../../src/core/locks/lock-store.ts";
import { sortIds } from "../../src/core/locks/sort-ids.ts";
import { createId } from "../../src/kernel/ids.ts";
import { openTransaction } from "./open-transaction.ts";
import type { World } from "./world.ts";
import { WORLD_KINDS } from "./world-kinds.ts";

const GRANTED: AcquireResult = { isGranted: true };

const newOwner = (): string => createId(new Date());
let modelCount = 0;
/** A model of the test's own, so that tests do not meet. */
const newModel = (name = "Book"): string => `${name}${(modelCount += 1)}`;

const numbers = (count: number, start = 1): string[] => Array.from({ length: count }, (_, at) => String(start + at));

/** Nothing but what canonical ids may be: any text without NUL that is not empty. */
const ODD_IDS = [
  " ",
  "\t",
  "null",
  "NULL",
  '""',
  '"',
  "'",
  "{}",
  "{a,b}",
  "a,b",
  "\\",
  '\\"',
  "a\\,b",
  "\u0001",
  "\u0001\u0002\u001f",
  "\n",
  "é",
  "e\u0301",
  "日本",
  "\ue000",
  "\uffee",
  "😀",
  "😀a",
  "\u{10ffff}",
  "%",
  "-1",
  "9007199254740993",
  "00000000-0000-4000-8000-000000000000",
];

for (const kind of WORLD_KINDS) {
  describe(`lock store: ${kind.name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await kind.create();
    });
    afterAll(() => world.close());

    const acquire = (owner: string, ...claims: Claim[]): Promise<AcquireResult> =>
      world.unitOfWork.run((transaction) => world.locks.acquire(transaction, owner, claims));
    const guard = (...claims: Claim[]): Promise<AcquireResult> =>
      world.unitOfWork.run((transaction) => world.locks.guard(transaction, claims));
    const release = (owner: string, claims?: readonly Claim[]): Promise<void> =>
      world.unitOfWork.run((transaction) => world.locks.release(transaction, owner, claims));

    describe("claims", () => {
      it("grants a claim on free records of several models, each naming its owner", async () => {
        const [owner, book, author] = [newOwner(), newModel(), newModel("Author")];
        const claims = [
          { model: book, ids: ["1", "2", "3"] },
          { model: author, ids: ["10", "20"] },
        ];
        expect(await acquire(owner, ...claims)).toEqual(GRANTED);
        expect(await world.locks.owners(book, ["1", "2", "3"])).toEqual(
          new Map(["1", "2", "3"].map((id) => [id, owner])),
        );
        expect(await world.locks.owners(author, ["10", "20"])).toEqual(new Map([["10", owner], ["20", owner]]));
        expect(await world.locks.heldBy(owner)).toEqual(claims.toSorted((a, b) => (a.model < b.model ? -1 : 1)));
      });

      it("refuses a claim that overlaps, names what is in the way, and leaves no trace", async () => {
        const [first, second, book] = [newOwner(), newOwner(), newModel()];
        await acquire(first, { model: book, ids: ["2"] });
        expect(await acquire(second, { model: book, ids: ["1", "2", "3"] })).toEqual({
          isGranted: false,
          conflicts: [{ model: book, id: "2", owner: first }],
          totalConflicts: 1,
        });
        expect(await world.locks.heldBy(second)).toEqual([]);
        expect(await world.locks.heldBy(first)).toEqual([{ model: book, ids: ["2"] }]);
        expect(await world.locks.owners(book, ["1", "2", "3"])).toEqual(new Map([["2", first]]));
        expect(await world.locks.listOwners()).toContain(first);
        expect(await world.locks.listOwners()).not.toContain(second);
      });

      it("lists conflicts by model and id, and counts those beyond the list", async () => {
        const [first, second, a, b] = [newOwner(), newOwner(), newModel("A"), newModel("B")];
        await acquire(first, { model: a, ids: numbers(700) }, { model: b, ids: numbers(700) });
        const result = await acquire(second, { model: b, ids: numbers(600) }, { model: a, ids: numbers(900) });
        const expected = [
          ...sortIds(numbers(700)).map((id) => ({ model: a, id, owner: first })),
          ...sortIds(numbers(600)).map((id) => ({ model: b, id, owner: first })),
        ];
        expect(result).toEqual({ isGranted: false, conflicts: expected.slice(0, 1000), totalConflicts: 1300 });
      });

      it("grants again what the owner holds, and stores only what is new", async () => {
        const [owner, book] = [newOwner(), newModel()];
        await acquire(owner, { model: book, ids: ["2", "4"] });
        expect(await acquire(owner, { model: book, ids: ["2", "4"] })).toEqual(GRANTED);
        expect(await acquire(owner, { model: book, ids: ["1", "2", "3", "4", "5"] })).toEqual(GRANTED);
        expect(await world.locks.heldBy(owner)).toEqual([{ model: book, ids: ["1", "2", "3", "4", "5"] }]);
        expect(await guard({ model: book, ids: ["2"] })).toMatchObject({ totalConflicts: 1 });
        expect(await acquire(newOwner(), { model: book, ids: ["2", "3"] })).toMatchObject({ totalConflicts: 2 });
        await release(owner, [{ model: book, ids: ["2"] }]);
        expect(await world.locks.owners(book, ["2"])).toEqual(new Map());
      });

      it("grants a claim on nothing", async () => {
        const [owner, book] = [newOwner(), newModel()];
        expect(await acquire(owner)).toEqual(GRANTED);
        expect(await acquire(owner, { model: book, ids: [] })).toEqual(GRANTED);
        expect(await guard({ model: book, ids: [] })).toEqual(GRANTED);
        expect(await world.locks.owners(book, [])).toEqual(new Map());
        expect(await world.locks.heldBy(owner)).toEqual([]);
      });

      it("takes two claims on one model as one", async () => {
        const [owner, book] = [newOwner(), newModel()];
        await acquire(owner, { model: book, ids: ["1", "2"] }, { model: book, ids: ["2", "3"] });
        expect(await world.locks.heldBy(owner)).toEqual([{ model: book, ids: ["1", "2", "3"] }]);
      });

      it("tells models apart by case, and ids by every byte", async () => {
        const [first, second, book] = [newOwner(), newOwner(), newModel()];
        await acquire(first, { model: book, ids: ["é", "a"] });
        expect(await acquire(second, { model: book, ids: ["e\u0301", "A"] })).toEqual(GRANTED);
        expect(await acquire(second, { model: book.toLowerCase(), ids: ["a"] })).toEqual(GRANTED);
      });
    });

    describe("sizes and kinds of ids", () => {
      it.each([1_000, 10_000, 100_000])("holds %i records of one claim, none lost", async (count) => {
        const [owner, other, book] = [newOwner(), newOwner(), newModel()];
        const ids = numbers(count);
        expect(await acquire(owner, { model: book, ids })).toEqual(GRANTED);
        expect(await world.locks.heldBy(owner)).toEqual([{ model: book, ids: sortIds(ids) }]);
        expect(await acquire(other, { model: book, ids: numbers(count, count + 1) })).toEqual(GRANTED);
        const refused = await acquire(newOwner(), { model: book, ids: numbers(count, Math.ceil(count / 2) + 1) });
        expect(refused).toMatchObject({ isGranted: false, totalConflicts: count });
        await release(owner);
        expect(await world.locks.heldBy(owner)).toEqual([]);
      });

      it("finds no conflict between claims whose ids interleave", async () => {
        const [even, odd, book] = [newOwner(), newOwner(), newModel()];
        const ids = numbers(20_000);
        expect(await acquire(even, { model: book, ids: ids.filter((_, at) => at % 2 === 0) })).toEqual(GRANTED);
        expect(await acquire(odd, { model: book, ids: ids.filter((_, at) => at % 2 === 1) })).toEqual(GRANTED);
        expect(await world.locks.owners(book, ["7777", "7778"])).toEqual(new Map([["7777", even], ["7778", odd]]));
      });

      it("holds UUIDs", async () => {
        const [owner, book] = [newOwner(), newModel()];
        const ids = Array.from({ length: 1_500 }, newOwner);
        await acquire(owner, { model: book, ids });
        expect(await world.locks.heldBy(owner)).toEqual([{ model: book, ids: sortIds(ids) }]);
        expect(await guard({ model: book, ids: [ids[700] ?? ""] })).toMatchObject({ isGranted: false });
      });

      it("holds any text: quotes, braces, separators, all of Unicode", async () => {
        const [owner, book] = [newOwner(), newModel()];
        expect(await acquire(owner, { model: book, ids: ODD_IDS })).toEqual(GRANTED);
        expect(await world.locks.heldBy(owner)).toEqual([{ model: book, ids: sortIds(ODD_IDS) }]);
        expect(await world.locks.owners(book, ODD_IDS)).toEqual(new Map(ODD_IDS.map((id) => [id, owner])));
        const conflictOf = (id: string): AcquireResult => ({
          isGranted: false,
          conflicts: [{ model: book, id, owner }],
          totalConflicts: 1,
        });
        for (const id of ODD_IDS) {
          expect(await guard({ model: book, ids: [id] })).toEqual(conflictOf(id));
          expect(await acquire(newOwner(), { model: book, ids: [id, "free"] })).toEqual(conflictOf(id));
        }
      });

      it("holds an odd id alone as well as among others", async () => {
        for (const id of ["", ...ODD_IDS]) {
          const [owner, book] = [newOwner(), newModel()];
          await acquire(owner, { model: book, ids: [id] });
          expect(await world.locks.heldBy(owner)).toEqual([{ model: book, ids: [id] }]);
          expect(await guard({ model: book, ids: [id] })).toMatchObject({ totalConflicts: 1 });
        }
      });

      it("keeps its order over every part of Unicode", async () => {
        // Segments of 500 whose bounds would be wrong if surrogates sorted as code units.
        const [owner, book] = [newOwner(), newModel()];
        const ids = [...numbers(600).map((id) => `\u{1f600}${id}`), ...numbers(600).map((id) => `\ufb01${id}`)];
        await acquire(owner, { model: book, ids });
        expect(await world.locks.owners(book, ids)).toEqual(new Map(ids.map((id) => [id, owner])));
        expect(await acquire(newOwner(), { model: book, ids })).toMatchObject({ totalConflicts: 1_200 });
        for (const id of ["\u{1f600}1", "\u{1f600}600", "\ufb011", "\ufb01600"]) {
          expect(await guard({ model: book, ids: [id] })).toMatchObject({ totalConflicts: 1 });
        }
      });
    });

    describe("release", () => {
      it("frees all of an owner's locks, and is a no-op the second time", async () => {
        const [owner, book, author] = [newOwner(), newModel(), newModel("Author")];
        await acquire(owner, { model: book, ids: ["1", "2"] }, { model: author, ids: "all" });
        await release(owner);
        await release(owner);
        expect(await world.locks.heldBy(owner)).toEqual([]);
        expect(await acquire(newOwner(), { model: book, ids: ["1", "2"] }, { model: author, ids: ["1"] })).toEqual(
          GRANTED,
        );
      });

      it("does nothing for who is not the owner, also after the record changed hands", async () => {
        const [first, second, stranger, book] = [newOwner(), newOwner(), newOwner(), newModel()];
        const claim = { model: book, ids: ["1"] };
        await acquire(first, claim);
        await release(stranger);
        await release(stranger, [claim]);
        await release(stranger, [{ model: book, ids: "all" }]);
        expect(await world.locks.owners(book, ["1"])).toEqual(new Map([["1", first]]));
        await release(first);
        await acquire(second, claim);
        await release(first);
        await release(first, [claim]);
        expect(await world.locks.owners(book, ["1"])).toEqual(new Map([["1", second]]));
      });

      it("frees some, and keeps the others", async () => {
        const [owner, book, author] = [newOwner(), newModel(), newModel("Author")];
        const ids = numbers(1_800);
        await acquire(owner, { model: book, ids }, { model: author, ids: ["1", "2"] });
        const freed = ids.filter((_, at) => at % 3 === 0);
        const kept = ids.filter((_, at) => at % 3 !== 0);
        await release(owner, [{ model: book, ids: [...freed, "not held"] }]);
        expect(await world.locks.heldBy(owner)).toEqual(
          [{ model: book, ids: sortIds(kept) }, { model: author, ids: ["1", "2"] }].toSorted((a, b) =>
            a.model < b.model ? -1 : 1,
          ),
        );
        expect(await acquire(newOwner(), { model: book, ids: freed })).toEqual(GRANTED);
        expect(await acquire(newOwner(), { model: book, ids: kept })).toMatchObject({ totalConflicts: kept.length });
      });

      it("frees all of one model", async () => {
        const [owner, book, author] = [newOwner(), newModel(), newModel("Author")];
        await acquire(owner, { model: book, ids: ["1", "2"] }, { model: author, ids: ["1"] });
        await release(owner, [{ model: book, ids: "all" }]);
        expect(await world.locks.heldBy(owner)).toEqual([{ model: author, ids: ["1"] }]);
      });

      it("does not let two releases at once undo each other", async () => {
        const [owner, book] = [newOwner(), newModel()];
        await acquire(owner, { model: book, ids: numbers(10) });
        await Promise.all(numbers(9).map((id) => release(owner, [{ model: book, ids: [id] }])));
        expect(await world.locks.heldBy(owner)).toEqual([{ model: book, ids: ["10"] }]);
      });
    });

    describe("whole models", () => {
      it("refuses record claims and guards while a model is held", async () => {
        const [owner, book] = [newOwner(), newModel()];
        expect(await acquire(owner, { model: book, ids: "all" })).toEqual(GRANTED);
        const refusal = {
          isGranted: false,
          conflicts: [{ model: book, id: null, owner }],
          totalConflicts: 1,
        };
        expect(await acquire(newOwner(), { model: book, ids: ["1", "2"] })).toEqual(refusal);
        expect(await acquire(newOwner(), { model: book, ids: "all" })).toEqual(refusal);
        expect(await guard({ model: book, ids: ["1"] })).toEqual(refusal);
        expect(await guard({ model: book, ids: ["1", "2"] })).toEqual(refusal);
        expect(await guard({ model: book, ids: "all" })).toEqual(refusal);
        expect(await world.locks.owners(book, ["1", "2"])).toEqual(new Map([["1", owner], ["2", owner]]));
        expect(await world.locks.heldBy(owner)).toEqual([{ model: book, ids: "all" }]);
        expect(await acquire(newOwner(), { model: newModel(), ids: ["1"] })).toEqual(GRANTED);
      });

      it("refuses a claim on a model while others hold records of it", async () => {
        const [first, second, book] = [newOwner(), newOwner(), newModel()];
        await acquire(first, { model: book, ids: ["1", "2"] });
        await acquire(second, { model: book, ids: ["3"] });
        expect(await acquire(newOwner(), { model: book, ids: "all" })).toEqual({
          isGranted: false,
          conflicts: [
            { model: book, id: "1", owner: first },
            { model: book, id: "2", owner: first },
            { model: book, id: "3", owner: second },
          ],
          totalConflicts: 3,
        });
      });

      it("takes an owner's record claims into its claim on the model", async () => {
        const [owner, book] = [newOwner(), newModel()];
        await acquire(owner, { model: book, ids: ["1"] });
        expect(await acquire(owner, { model: book, ids: "all" })).toEqual(GRANTED);
        expect(await acquire(owner, { model: book, ids: "all" })).toEqual(GRANTED);
        expect(await acquire(owner, { model: book, ids: ["1", "2"] })).toEqual(GRANTED);
        expect(await world.locks.heldBy(owner)).toEqual([{ model: book, ids: "all" }]);
        await release(owner, [{ model: book, ids: ["1"] }]);
        expect(await world.locks.heldBy(owner)).toEqual([{ model: book, ids: "all" }]);
        await release(owner, [{ model: book, ids: "all" }]);
        expect(await world.locks.heldBy(owner)).toEqual([]);
      });
    });

    describe("guards", () => {
      it("finds free records free, and names only those that are held", async () => {
        const [owner, book, author] = [newOwner(), newModel(), newModel("Author")];
        expect(await guard({ model: book, ids: ["1", "2", "3"] })).toEqual(GRANTED);
        await acquire(owner, { model: book, ids: ["2", "5"] });
        expect(await guard({ model: book, ids: ["1", "2", "3"] })).toEqual({
          isGranted: false,
          conflicts: [{ model: book, id: "2", owner }],
          totalConflicts: 1,
        });
        expect(await guard({ model: book, ids: ["1"] })).toEqual(GRANTED);
        expect(await guard({ model: author, ids: ["2"] })).toEqual(GRANTED);
        expect(await world.locks.heldBy(owner)).toEqual([{ model: book, ids: ["2", "5"] }]);
      });

      it("lets two guards of one record stand together", async () => {
        const book = newModel();
        const first = await openTransaction(world.unitOfWork);
        expect(await world.locks.guard(first.transaction, [{ model: book, ids: ["1"] }])).toEqual(GRANTED);
        expect(await guard({ model: book, ids: ["1"] })).toEqual(GRANTED);
        await first.commit();
      });

      it.each(["commit", "rollBack"] as const)("makes a claim wait until the guard's %s", async (end) => {
        const [owner, book] = [newOwner(), newModel()];
        const open = await openTransaction(world.unitOfWork);
        await world.locks.guard(open.transaction, [{ model: book, ids: ["1"] }]);
        let isDecided = false;
        const claim = acquire(owner, { model: book, ids: ["1", "2"] }).finally(() => (isDecided = true));
        await world.untilWaiting();
        expect(isDecided).toBe(false);
        await open[end]();
        expect(await claim).toEqual(GRANTED);
      });

      it("makes a guard wait for an open claim, and then refuses it", async () => {
        const [owner, book] = [newOwner(), newModel()];
        const open = await openTransaction(world.unitOfWork);
        await world.locks.acquire(open.transaction, owner, [{ model: book, ids: ["1"] }]);
        let isDecided = false;
        const single = guard({ model: book, ids: ["1"] }).finally(() => (isDecided = true));
        const several = guard({ model: book, ids: ["1", "2"] });
        await world.untilWaiting(2);
        expect(isDecided).toBe(false);
        await open.commit();
        const refusal = { isGranted: false, conflicts: [{ model: book, id: "1", owner }], totalConflicts: 1 };
        expect(await single).toEqual(refusal);
        expect(await several).toEqual(refusal);
      });

      it("makes a guard wait for an open claim, and lets it go on when that is rolled back", async () => {
        const [owner, book] = [newOwner(), newModel()];
        const open = await openTransaction(world.unitOfWork);
        await world.locks.acquire(open.transaction, owner, [{ model: book, ids: ["1"] }]);
        const single = guard({ model: book, ids: ["1"] });
        await world.untilWaiting();
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
              acquire(owner, { model: book, ids: ["shared", `own ${at}`] }, { model: author, ids: [`own ${at}`] }),
            ),
          );
          const winners = owners.filter((_, at) => results[at]?.isGranted);
          expect(winners).toHaveLength(1);
          const held = await Promise.all(owners.map((owner) => world.locks.heldBy(owner)));
          expect(held.filter((claims) => claims.length > 0)).toHaveLength(1);
          for (const result of results.filter(({ isGranted }) => !isGranted)) {
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
          expect(results.filter(({ isGranted }) => isGranted)).toHaveLength(1);
          await Promise.all(owners.map((owner) => release(owner)));
        }
      });

      it("grants who waited when the claim before it is rolled back", async () => {
        const [first, second, book] = [newOwner(), newOwner(), newModel()];
        const open = await openTransaction(world.unitOfWork);
        await world.locks.acquire(open.transaction, first, [{ model: book, ids: ["1"] }]);
        const waiting = acquire(second, { model: book, ids: ["1"] });
        await world.untilWaiting();
        await open.rollBack();
        expect(await waiting).toEqual(GRANTED);
      });
    });

    describe("transactions", () => {
      it("leaves no trace of what is rolled back", async () => {
        const [owner, other, book] = [newOwner(), newOwner(), newModel()];
        const claimed = await openTransaction(world.unitOfWork);
        await world.locks.acquire(claimed.transaction, owner, [{ model: book, ids: ["1"] }]);
        await claimed.rollBack();
        expect(await world.locks.heldBy(owner)).toEqual([]);
        await acquire(owner, { model: book, ids: ["1", "2"] });
        const released = await openTransaction(world.unitOfWork);
        await world.locks.release(released.transaction, owner, [{ model: book, ids: ["1"] }]);
        await world.locks.release(released.transaction, owner);
        await released.rollBack();
        expect(await acquire(other, { model: book, ids: ["1", "2"] })).toMatchObject({ totalConflicts: 2 });
      });

      it("shows locks to others only with the commit", async () => {
        const [owner, book] = [newOwner(), newModel()];
        const open = await openTransaction(world.unitOfWork);
        await world.locks.acquire(open.transaction, owner, [{ model: book, ids: ["1"] }]);
        expect(await world.locks.owners(book, ["1"])).toEqual(new Map());
        await open.commit();
        expect(await world.locks.owners(book, ["1"])).toEqual(new Map([["1", owner]]));
      });

      it("sees its own writes within a transaction", async () => {
        const [first, second, book] = [newOwner(), newOwner(), newModel()];
        const claims = [{ model: book, ids: ["1"] }];
        await world.unitOfWork.run(async (transaction) => {
          expect(await world.locks.acquire(transaction, first, claims)).toEqual(GRANTED);
          expect(await world.locks.acquire(transaction, second, claims)).toMatchObject({ totalConflicts: 1 });
          await world.locks.release(transaction, first);
          expect(await world.locks.acquire(transaction, second, claims)).toEqual(GRANTED);
        });
        expect(await world.locks.owners(book, ["1"])).toEqual(new Map([["1", second]]));
      });
    });
  });
}
