import { describe, expect, it } from "vitest";
import type { Counts } from "../../src/core/tasks/progress.ts";
import { takeWindow } from "../../src/kernel/list-window.ts";
import { plainBatch } from "../../src/core/tasks/record-batch.ts";
import type { NewTaskError } from "../../src/core/tasks/task-error.ts";
import type { TaskRecord } from "../../src/core/tasks/task-results.ts";
import { BEFORE_RECORDS } from "../../src/core/tasks/task-results.ts";
import { describeWorlds } from "./describe-worlds.ts";
import { sampleTask } from "./sample-task.ts";
import { countsOf, taskVerbs } from "./task-verbs.ts";

const failed = (recordId: string | null, message = "Taken."): NewTaskError => ({
  recordId,
  outcome: "FAILED",
  code: "CONSTRAINT_VIOLATED",
  message,
  field: "name",
});
const skipped = (recordId: string): NewTaskError => ({
  recordId,
  outcome: "SKIPPED",
  code: "RECORD_LOCKED",
  message: "Held.",
});

describeWorlds("task store, results", (world) => {
  const { created, begin, finishChunk, settle } = taskVerbs(world);

  /** All records, read in pages of the size. */
  const readRecords = async (taskId: string, limit: number): Promise<readonly TaskRecord[]> => {
    const all: TaskRecord[] = [];
    for (let isLast = false; !isLast;) {
      const query = { after: all.at(-1)?.place ?? BEFORE_RECORDS, limit };
      const page = (await world().tasks.recordPages([taskId], query)).get(taskId) ?? [];
      expect(page.length).toBeLessThanOrEqual(limit);
      all.push(...page);
      isLast = page.length < limit;
    }
    return all;
  };
  const summaryOf = ({ id, outcome, code, message }: TaskRecord): string =>
    [id, outcome, code, message].filter((part) => part !== undefined).join(" ");

  describe("records", () => {
    it("say what a dry run would have done to each, if it tried all", async () => {
      const trial = async (counts: Counts): Promise<readonly string[]> => {
        const task = await created({
          isDryRun: true,
          total: 4,
          chunks: [["b", "a"], ["c"]].map(plainBatch),
          skipped: [skipped("z")],
        });
        expect((await readRecords(task.id, 10)).map(summaryOf).at(-1)).toBe("c UNPROCESSED");
        await begin(task);
        await settle(task, 1, { status: "PARTIAL", counts, errors: [failed("a", "No.")] });
        return (await readRecords(task.id, 2)).map(summaryOf);
      };
      const leftOut = "z SKIPPED RECORD_LOCKED Held.";
      const failure = "a FAILED CONSTRAINT_VIOLATED No.";
      expect(await trial(countsOf(2, 1, 1))).toEqual([leftOut, "b SUCCEEDED", failure, "c SUCCEEDED"]);
      // It stopped at the failure, or was cancelled: the results of the others are unknown.
      expect(await trial(countsOf(0, 1, 1))).toEqual([leftOut, "b UNPROCESSED", failure, "c UNPROCESSED"]);
    });

    it("say what became of each, in the order of the chunks, after the ones left out", async () => {
      const task = await created({
        total: 7,
        chunks: [["b", "a"], ["d", "c"], ["e"]].map(plainBatch),
        skipped: [skipped("z"), skipped("y")],
      });
      const unprocessed = ["b", "a", "d", "c", "e"].map((id) => `${id} UNPROCESSED`);
      const leftOut = ["z SKIPPED RECORD_LOCKED Held.", "y SKIPPED RECORD_LOCKED Held."];
      expect((await readRecords(task.id, 10)).map(summaryOf)).toEqual([...leftOut, ...unprocessed]);

      await begin(task);
      await finishChunk(task, 1, countsOf(1, 1));
      await finishChunk(task, 3, countsOf(1));
      expect((await readRecords(task.id, 10)).map(summaryOf)).toEqual([
        ...leftOut,
        "b SUCCEEDED",
        "a SUCCEEDED",
        "d UNPROCESSED",
        "c UNPROCESSED",
        "e SUCCEEDED",
      ]);

      const errors = [failed("a", "First."), failed("a", "Second."), failed("c"), failed(null)];
      await settle(task, 1, { status: "PARTIAL", errors });
      const all = await readRecords(task.id, 10);
      expect(all.map(summaryOf)).toEqual([
        ...leftOut,
        "b SUCCEEDED",
        "a FAILED CONSTRAINT_VIOLATED First.",
        "d UNPROCESSED",
        "c FAILED CONSTRAINT_VIOLATED Taken.",
        "e SUCCEEDED",
      ]);
      expect(all.map(({ place }) => [place.chunk, place.number])).toEqual([
        [0, 1],
        [0, 2],
        [1, 1],
        [1, 2],
        [2, 1],
        [2, 2],
        [3, 1],
      ]);
      expect(Object.keys(all[2] ?? {})).toEqual(["id", "outcome", "place"]);
    });

    it("come in pages of any size, each exactly once", async () => {
      const chunks = [4, 1, 7, 3, 1].map((size, chunk) =>
        plainBatch(Array.from({ length: size }, (_, at) => `${chunk}-${at}`)),
      );
      const task = await created({ total: 16, chunks });
      const ids = chunks.flatMap((batch) => batch.ids);
      for (const limit of [1, 2, 3, 4, 5, 7, 11, 15, 16, 17]) {
        expect((await readRecords(task.id, limit)).map(({ id }) => id)).toEqual(ids);
      }
    });

    it("have errors of their own task only, even for unusual and long ids", async () => {
      const long = "x".repeat(20_000);
      const odd = ['a"b', "", "日本", "{1,2}", long];
      const task = await created({ total: odd.length, chunks: [plainBatch(odd)] });
      const other = await created({ total: odd.length, chunks: [plainBatch(odd)] });
      await begin(task);
      await settle(task, 1, { status: "FAILED", errors: odd.map((id) => failed(id)) });
      expect((await readRecords(task.id, 2)).map(({ id, outcome }) => [id, outcome])).toEqual(
        odd.map((id) => [id, "FAILED"]),
      );
      expect((await readRecords(other.id, 2)).map(({ outcome }) => outcome)).toEqual(
        odd.map(() => "UNPROCESSED"),
      );
    });

    it("come by outcome, from either end, between any places, and are counted", async () => {
      const chunks = ["abcd", "e", "fgh", "ij", "klm"].map((ids) => plainBatch(ids.split("")));
      const task = await created({ total: 13, chunks, skipped: ["y", "z"].map(skipped) });
      const other = await created({ total: 1, chunks: [plainBatch(["a"])] });
      const custom = await created({ total: 3 });
      await begin(task);
      await finishChunk(task, 1, countsOf(1, 2, 1));
      await finishChunk(task, 3, countsOf(3));
      await finishChunk(task, 5, countsOf(2, 1));
      const errors = [failed("b"), skipped("c"), failed("d"), failed("i"), failed("m")];
      await settle(task, 1, { status: "PARTIAL", errors });
      const { recordPages, recordCounts } = world().tasks;
      const all = await readRecords(task.id, 100);
      expect(all.map(({ outcome }) => outcome.charAt(0)).join("")).toBe("SSSFSFUSSSFUSSF");
      for (const outcome of [undefined, "SUCCEEDED", "FAILED", "SKIPPED", "UNPROCESSED"] as const) {
        const wanted = all.filter((record) => outcome === undefined || record.outcome === outcome);
        const filter = outcome === undefined ? {} : { outcome };
        expect((await recordCounts([task.id, other.id, custom.id], outcome)).get(task.id)).toBe(
          wanted.length,
        );
        const places = [BEFORE_RECORDS, ...all.map(({ place }) => place)];
        const ends = [undefined, ...[0, 3, 5, 6, 9, 14].map((at) => places[at])];
        for (const [from, after] of ends.entries()) {
          for (const before of ends.slice(from)) {
            const within = takeWindow(
              wanted,
              { limit: 99, ...(after && { after }), ...(before && { before }) },
              ({ place }, end) => place.chunk - end.chunk || place.number - end.number,
            );
            for (const limit of [1, 4, 99]) {
              const window = { ...filter, ...(after && { after }), ...(before && { before }), limit };
              const first = await recordPages([task.id, custom.id], window);
              expect(first.get(task.id) ?? []).toEqual(within.slice(0, limit));
              const last = await recordPages([task.id], { ...window, isBackward: true });
              expect(last.get(task.id) ?? []).toEqual(within.slice(-limit));
            }
          }
        }
      }
      const both = await recordPages([other.id, task.id], { limit: 1, outcome: "UNPROCESSED" });
      expect([...both].map(([id, records]) => [id, records.map((record) => record.id)])).toEqual(
        expect.arrayContaining([
          [task.id, ["e"]],
          [other.id, ["a"]],
        ]),
      );
    });

    it("are empty for tasks without chunks, and for unknown tasks", async () => {
      const custom = await created({ total: 3 });
      expect(await readRecords(custom.id, 5)).toEqual([]);
      expect(await readRecords(sampleTask().id, 5)).toEqual([]);
    });
  });

  describe("errors of many tasks", () => {
    it("are read in one look-up: the first of each, and their number", async () => {
      const three = await created();
      const none = await created();
      const one = await created();
      await settle(three, 0, { status: "CANCELLED", errors: ["1", "2", "3"].map((id) => failed(id)) });
      await settle(one, 0, { status: "CANCELLED", errors: [{ ...failed("9"), index: 4 }] });
      const ids = [three.id, none.id, one.id, sampleTask().id];
      const firstTwo = await world().tasks.errorPages(ids, { limit: 2 });
      expect([...firstTwo.keys()].toSorted()).toEqual([three.id, one.id].toSorted());
      expect(firstTwo.get(three.id)).toEqual(await world().tasks.errors(three.id, 0, 2));
      expect(firstTwo.get(one.id)).toEqual([{ ...failed("9"), index: 4, position: expect.any(Number) }]);
      const backward = await world().tasks.errorPages(ids, { limit: 2, isBackward: true });
      expect(backward.get(three.id)?.map(({ recordId }) => recordId)).toEqual(["2", "3"]);
      const before = backward.get(three.id)?.[1]?.position ?? 0;
      const within = { before, after: firstTwo.get(three.id)?.[0]?.position ?? 0, limit: 9 };
      expect(await world().tasks.errorPages(ids, within)).toEqual(
        new Map([[three.id, firstTwo.get(three.id)?.slice(1)]]),
      );
      const counts = await world().tasks.errorCounts(ids);
      expect(Object.fromEntries(counts)).toEqual({ [three.id]: 3, [one.id]: 1 });
      expect(await world().tasks.countErrors(three.id)).toBe(3);
      expect(await world().tasks.countErrors(none.id)).toBe(0);
      expect(await world().tasks.errorPages([], { limit: 2 })).toEqual(new Map());
    });
  });
});
