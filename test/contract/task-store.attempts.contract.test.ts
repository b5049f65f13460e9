import { describe, expect, it } from "vitest";
import { plainBatch } from "../../src/core/tasks/record-batch.ts";
import { progressOf } from "../../src/core/tasks/progress.ts";
import { withDeadline } from "../support/deadline.ts";
import { describeWorlds } from "./describe-worlds.ts";
import { openTransaction } from "./open-transaction.ts";
import { after, sampleTask } from "./sample-task.ts";
import { countsOf, settlementOf, taskVerbs } from "./task-verbs.ts";

describeWorlds("task store, running", (world) => {
  const { created, begin, beat, finishChunk, settle, found } = taskVerbs(world);

  describe("attempts", () => {
    it("begins the next attempt, once", async () => {
      const task = await created();
      const attempt = await begin(task);
      expect(attempt).toMatchObject({
        number: 1,
        task: { id: task.id, status: "RUNNING", attempt: 1, startedAt: after(task, 1_000) },
      });
      expect(await begin(task)).toBeUndefined();
      expect(await found(task)).toEqual(attempt?.task);
    });

    it("counts the attempts that were handed over, each while it is the current one", async () => {
      const task = await created();
      await world().tasks.noteHandOver(task.id, 0);
      await begin(task);
      await world().tasks.noteHandOver(task.id, 1);
      await world().tasks.noteHandOver(task.id, 2);
      expect(await found(task)).toMatchObject({ handOvers: 1 });
    });

    it("begins for only one of many deliveries", async () => {
      const task = await created();
      const attempts = await Promise.all(Array.from({ length: 10 }, () => begin(task)));
      expect(attempts.filter((attempt) => attempt !== undefined)).toHaveLength(1);
    });

    it("begins again after an orphaned attempt, with its committed work, and keeps the first start", async () => {
      const task = await created({ total: 3, chunks: [plainBatch(["1", "2"]), plainBatch(["3"])] });
      await begin(task);
      await finishChunk(task, 1, countsOf(1, 1));
      await beat(task, 1, 2_000, progressOf(3, countsOf(3)));
      const second = await begin(task, 1, after(task, 60_000));
      expect(second).toMatchObject({
        number: 2,
        task: { attempt: 2, startedAt: after(task, 1_000), progress: progressOf(3, countsOf(1, 1)) },
      });
    });

    it("does not begin an unknown task, a settled one, or one in another attempt", async () => {
      expect(await begin(sampleTask())).toBeUndefined();
      const task = await created();
      expect(await begin(task, 1)).toBeUndefined();
      await begin(task);
      await settle(task, 1);
      expect(await begin(task, 1)).toBeUndefined();
    });

    it("does not block the note that the queue has the task", async () => {
      const task = await created();
      const open = await openTransaction(world().unitOfWork);
      await world().tasks.beginAttempt(open.transaction, {
        taskId: task.id,
        expectedAttempt: 0,
        workerId: "w",
        at: after(task, 1),
      });
      await withDeadline(world().tasks.markEnqueued([task.id], after(task, 1)), 5000, "the note");
      await open.commit();
      expect(await found(task)).toMatchObject({ status: "RUNNING", attempt: 1 });
    });

    it("leaves no trace of a begin that is rolled back", async () => {
      const task = await created();
      const open = await openTransaction(world().unitOfWork);
      await world().tasks.beginAttempt(open.transaction, {
        taskId: task.id,
        expectedAttempt: 0,
        workerId: "w",
        at: after(task, 1),
      });
      await open.rollBack();
      expect(await found(task)).toMatchObject({ status: "PENDING", attempt: 0 });
      expect(await begin(task)).toMatchObject({ number: 1 });
    });
  });

  describe("heartbeats and progress", () => {
    it("tell an attempt whether it is the current one", async () => {
      const task = await created();
      expect(await beat(task, 0, 1)).toMatchObject({ isCurrent: false });
      await begin(task);
      expect(await beat(task, 1, 2_000)).toMatchObject({ isCurrent: true });
      await begin(task, 1);
      expect(await beat(task, 1, 3_000)).toMatchObject({ isCurrent: false });
      expect(await beat(task, 2, 3_000)).toMatchObject({ isCurrent: true });
      await settle(task, 2);
      expect(await beat(task, 2, 4_000)).toMatchObject({ isCurrent: false });
    });

    it("do not wait for a transaction that holds the task", async () => {
      const task = await created();
      await begin(task);
      const open = await openTransaction(world().unitOfWork);
      await world().tasks.settle(open.transaction, task.id, 1, settlementOf(task));
      expect(await beat(task, 1, 2_000)).toMatchObject({ isCurrent: true });
      await open.commit();
    });

    it("show the attempt's report, but not as the task's message", async () => {
      const task = await created({ total: 10 });
      await begin(task);
      const reported = progressOf(10, countsOf(3, 1), {
        elapsedMs: 2_000,
        attempted: 4,
        message: "working",
      });
      await beat(task, 1, 2_000, reported);
      expect(await found(task)).toMatchObject({ message: null, progress: reported });
      await beat(task, 1, 3_000);
      expect(await found(task)).toMatchObject({ progress: reported });
      await settle(task, 1, { message: "done", counts: countsOf(9, 1) });
      expect(await found(task)).toMatchObject({
        message: "done",
        progress: progressOf(10, countsOf(9, 1)),
      });
      await beat(task, 1, 9_000, progressOf(10, countsOf(1), { message: "late" }));
      expect(await found(task)).toMatchObject({
        status: "SUCCEEDED",
        message: "done",
        progress: progressOf(10, countsOf(9, 1)),
      });
    });

    it("show the greater of committed and reported progress", async () => {
      const task = await created({
        total: 4,
        chunks: [plainBatch(["1", "2"]), plainBatch(["3", "4"])],
      });
      await begin(task);
      const reported = progressOf(4, countsOf(1), { elapsedMs: 1_000, attempted: 1, message: "one" });
      await beat(task, 1, 2_000, reported);
      await finishChunk(task, 1, countsOf(1, 0, 1));
      expect(await found(task)).toMatchObject({
        progress: { ...reported, ...countsOf(1, 0, 1), processed: 2, percent: 50 },
      });
      await beat(task, 1, 3_000, progressOf(4, countsOf(3)));
      expect(await found(task)).toMatchObject({ progress: progressOf(4, countsOf(3)) });
    });

    it("show a total that the handler set", async () => {
      const task = await created({ total: null });
      await begin(task);
      await beat(task, 1, 2_000, progressOf(8, countsOf(2)));
      expect(await found(task)).toMatchObject({ progress: progressOf(8, countsOf(2)) });
      await settle(task, 1, { counts: countsOf(8), total: 8 });
      expect(await found(task)).toMatchObject({ progress: progressOf(8, countsOf(8)) });
    });
  });
});
