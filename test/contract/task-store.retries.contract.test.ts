import { describe, expect, it } from "vitest";
import type { RecordBatch } from "../../src/core/tasks/record-batch.ts";
import { plainBatch } from "../../src/core/tasks/record-batch.ts";
import type { NewTaskError } from "../../src/core/tasks/task-error.ts";
import { MAX_LISTED_RETRIES } from "../../src/core/tasks/task-reads.ts";
import type { NewTask } from "../../src/core/tasks/new-tasks.ts";
import { describeWorlds } from "./describe-worlds.ts";
import { sampleTask } from "./sample-task.ts";
import { countsOf, taskVerbs } from "./task-verbs.ts";
import { runOrRollBack } from "../../src/core/transactions/run-or-roll-back.ts";

const failure = (recordId: string | null): NewTaskError => ({
  recordId,
  outcome: "FAILED",
  code: "CONSTRAINT_VIOLATED",
  message: "no",
});
const skip = (recordId: string): NewTaskError => ({ ...failure(recordId), outcome: "SKIPPED" });

describeWorlds("task store, retries", (world) => {
  const { created, begin, finishChunk, settle, found } = taskVerbs(world);

  describe("the records to retry", () => {
    /** Two chunks, one of them written, each with one failed record. */
    const settled = async (chunks: readonly RecordBatch[]): Promise<NewTask> => {
      const task = await created({ total: 7, chunks, skipped: [skip("left out")] });
      await begin(task);
      await finishChunk(task, 1, countsOf(1, 1, 1));
      const errors = [failure("b"), skip("c"), failure("e"), failure(null)];
      await settle(task, 1, { status: "CANCELLED", errors });
      return task;
    };
    const PLAIN = [
      ["a", "b", "c"],
      ["d", "e", "f"],
    ].map(plainBatch);
    const batch = (...ids: readonly string[]): RecordBatch => plainBatch(ids);

    it("are the failed ones, the unprocessed ones, or both", async () => {
      const { id } = await settled(PLAIN);
      const read = world().tasks.recordsToRetry;
      expect(await read(id, "FAILED")).toEqual([batch("b", "e")]);
      expect(await read(id, "UNPROCESSED")).toEqual([batch("d", "f")]);
      expect(await read(id, "FAILED_AND_UNPROCESSED")).toEqual([batch("b", "d", "e", "f")]);
      expect(await read(sampleTask().id, "FAILED_AND_UNPROCESSED")).toEqual([]);
    });

    it("are grouped by their fields", async () => {
      // A retry's chunks have no columns, so that every world can store them.
      const [first] = PLAIN;
      const source = await created({ chunks: first === undefined ? [] : [first] });
      const chunks = [
        { ids: ["a", "b"], fields: ["update:name"], columns: [] },
        { ids: ["c"], fields: ["update:name", ":index"], columns: [] },
        { ids: ["d"], fields: ["update:name"], columns: [] },
      ];
      const { id } = await created({ retryOf: source.id, chunks });
      expect(await world().tasks.recordsToRetry(id, "UNPROCESSED")).toEqual([
        { ids: ["a", "b", "d"], fields: ["update:name"], columns: [] },
        { ids: ["c"], fields: ["update:name", ":index"], columns: [] },
      ]);
    });

    it("are none for a task that changed all its records", async () => {
      const task = await created({ chunks: [plainBatch(["a"])] });
      await begin(task);
      await finishChunk(task, 1, countsOf(1));
      await settle(task, 1);
      expect(await world().tasks.recordsToRetry(task.id, "FAILED_AND_UNPROCESSED")).toEqual([]);
    });
  });

  describe("retries", () => {
    it("name the task that they retry, and are listed by it, oldest first", async () => {
      const [first, second, lonely] = [await created(), await created(), await created()];
      const retries = [
        await created({ retryOf: first.id }),
        await created({ retryOf: second.id }),
        await created({ retryOf: first.id }),
      ];
      const listed = await world().tasks.retries([first.id, second.id, lonely.id]);
      expect([...listed].map(([id, tasks]) => [id, tasks.map((task) => task.id)])).toEqual(
        expect.arrayContaining([
          [first.id, [retries[0]?.id, retries[2]?.id]],
          [second.id, [retries[1]?.id]],
        ]),
      );
      expect(listed.size).toBe(2);
      expect(listed.get(first.id)?.[0]).toMatchObject({ retryOf: first.id, status: "PENDING" });
      expect(await found(first)).toMatchObject({ retryOf: null });
    });

    it("are followed to the newest, over retries of retries", async () => {
      const [first, other] = [await created(), await created()];
      expect(await world().tasks.newestRetry(first.id)).toBeUndefined();
      const second = await created({ retryOf: first.id });
      await created({ retryOf: other.id });
      const third = await created({ retryOf: second.id });
      expect(await world().tasks.newestRetry(first.id)).toMatchObject({ id: third.id, status: "PENDING" });
      expect((await world().tasks.newestRetry(second.id))?.id).toBe(third.id);
      const branch = await created({ retryOf: first.id });
      expect((await world().tasks.newestRetry(first.id))?.id).toBe(branch.id);
      expect((await world().tasks.newestRetry(second.id))?.id).toBe(third.id);
    });

    it("are refused for a deleted task", async () => {
      const retry = sampleTask({ retryOf: sampleTask().id });
      const result = await runOrRollBack(world().unitOfWork, async (transaction) => ({
        rollBack: await world().tasks.create(transaction, retry),
      }));
      expect(result).toEqual({ kind: "RETRIED_TASK_GONE" });
    });

    it("are read up to a limit, the first ones", async () => {
      const first = await created();
      const retries = [];
      for (let made = 0; made <= MAX_LISTED_RETRIES; made += 1) {
        retries.push(await created({ retryOf: first.id }));
      }
      const listed = (await world().tasks.retries([first.id])).get(first.id);
      expect(listed?.map(({ id }) => id)).toEqual(retries.slice(0, MAX_LISTED_RETRIES).map(({ id }) => id));
    });
  });

  it("reads a task's own claims, in order", async () => {
    const own = [
      { model: "City", ids: "chunks", scope: "FR" },
      { model: "Tag", ids: ["1", "2"] },
      { model: "Country", ids: "all" },
    ] as const;
    const dependent = { model: "Tag", ids: ["3"], isDependent: true };
    const { id } = await created({ claims: [own[0], dependent, own[1], own[2]] });
    expect(await world().tasks.ownClaims(id)).toEqual(own);
    expect(await world().tasks.ownClaims(sampleTask().id)).toEqual([]);
  });

  it("stores whether a task is a dry run", async () => {
    expect(await found(await created({ isDryRun: true }))).toMatchObject({ isDryRun: true });
    expect(await found(await created())).toMatchObject({ isDryRun: false });
  });
});
