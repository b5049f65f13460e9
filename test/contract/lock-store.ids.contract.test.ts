import { describe, expect, it } from "vitest";
import type { AcquireResult } from "../../src/core/locks/lock-store.ts";
import { sortIds } from "../../src/core/locks/claim.ts";
import { describeLocks } from "./describe-worlds.ts";
import { GRANTED, lockVerbs, newModel, newOwner, numbers, refusedBy } from "./lock-verbs.ts";

/** Any canonical id: a text without NUL that is not empty. */
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

describeLocks("lock store, any id", (world) => {
  const { acquire, guard, release } = lockVerbs(world);

  describe("sizes and kinds of ids", () => {
    it.each([1_000, 10_000, 100_000])("holds all %i records of one claim", async (count) => {
      const [owner, other, book] = [newOwner(), newOwner(), newModel()];
      const ids = numbers(count);
      expect(await acquire(owner, { model: book, ids })).toEqual(GRANTED);
      expect(await world().locks.heldBy(owner)).toEqual([{ model: book, ids: sortIds(ids) }]);
      expect(await acquire(other, { model: book, ids: numbers(count, count + 1) })).toEqual(GRANTED);
      const refused = await acquire(newOwner(), {
        model: book,
        ids: numbers(count, Math.ceil(count / 2) + 1),
      });
      expect(refused).toMatchObject({ kind: "CONFLICT", totalConflicts: count });
      await release(owner);
      expect(await world().locks.heldBy(owner)).toEqual([]);
    });

    it("counts a model that is held as a whole once, for any number of records", async () => {
      const [owner, book] = [newOwner(), newModel()];
      await acquire(owner, { model: book, ids: "all" });
      expect(await acquire(newOwner(), { model: book, ids: numbers(50_000) })).toEqual(
        refusedBy({ model: book, id: null, owner }),
      );
    });

    it("finds no conflict between claims whose ids interleave", async () => {
      const [even, odd, book] = [newOwner(), newOwner(), newModel()];
      const ids = numbers(20_000);
      expect(await acquire(even, { model: book, ids: ids.filter((_, at) => at % 2 === 0) })).toEqual(GRANTED);
      expect(await acquire(odd, { model: book, ids: ids.filter((_, at) => at % 2 === 1) })).toEqual(GRANTED);
      expect(await world().locks.owners(book, ["7777", "7778"])).toEqual(
        new Map([
          ["7777", even],
          ["7778", odd],
        ]),
      );
    });

    it("holds UUIDs", async () => {
      const [owner, book] = [newOwner(), newModel()];
      const ids = Array.from({ length: 1_500 }, newOwner);
      await acquire(owner, { model: book, ids });
      expect(await world().locks.heldBy(owner)).toEqual([{ model: book, ids: sortIds(ids) }]);
      expect(await guard({ model: book, ids: [ids[700] ?? ""] })).toMatchObject({ kind: "CONFLICT" });
    });

    it("holds any text: quotes, braces, separators, all of Unicode", async () => {
      const [owner, book] = [newOwner(), newModel()];
      expect(await acquire(owner, { model: book, ids: ODD_IDS })).toEqual(GRANTED);
      expect(await world().locks.heldBy(owner)).toEqual([{ model: book, ids: sortIds(ODD_IDS) }]);
      expect(await world().locks.owners(book, ODD_IDS)).toEqual(new Map(ODD_IDS.map((id) => [id, owner])));
      const conflictOf = (id: string): AcquireResult => ({
        kind: "CONFLICT",
        conflicts: [{ model: book, id, owner }],
        totalConflicts: 1,
      });
      for (const id of ODD_IDS) {
        expect(await guard({ model: book, ids: [id] })).toEqual(conflictOf(id));
        expect(await acquire(newOwner(), { model: book, ids: [id, "free"] })).toEqual(conflictOf(id));
      }
    });

    it("holds an unusual id alone and among others", async () => {
      for (const id of ["", ...ODD_IDS]) {
        const [owner, book] = [newOwner(), newModel()];
        await acquire(owner, { model: book, ids: [id] });
        expect(await world().locks.heldBy(owner)).toEqual([{ model: book, ids: [id] }]);
        expect(await guard({ model: book, ids: [id] })).toMatchObject({ totalConflicts: 1 });
      }
    });

    it("orders ids of every part of Unicode", async () => {
      // Segments of 500 whose bounds would be wrong if surrogates sorted as code units.
      const [owner, book] = [newOwner(), newModel()];
      const ids = [...numbers(600).map((id) => `\u{1f600}${id}`), ...numbers(600).map((id) => `\ufb01${id}`)];
      await acquire(owner, { model: book, ids });
      expect(await world().locks.owners(book, ids)).toEqual(new Map(ids.map((id) => [id, owner])));
      expect(await acquire(newOwner(), { model: book, ids })).toMatchObject({ totalConflicts: 1_200 });
      for (const id of ["\u{1f600}1", "\u{1f600}600", "\ufb011", "\ufb01600"]) {
        expect(await guard({ model: book, ids: [id] })).toMatchObject({ totalConflicts: 1 });
      }
    });
  });
});
