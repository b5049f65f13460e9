import { describe, expect, it } from "vitest";
import { plainBatch } from "../../src/core/tasks/record-batch.ts";
import { progressOf } from "../../src/core/tasks/progress.ts";
import type { NewTask } from "../../src/core/tasks/new-tasks.ts";
import type { PauseResult } from "../../src/core/tasks/task-pauses.ts";
import { describeWorlds } from "./describe-worlds.ts";
import { openTransaction } from "./open-transaction.ts";
import { after, sampleTask } from "./sample-task.ts";
import { countsOf, settlementOf, taskVerbs } from "./task-verbs.ts";

describeWorlds("task store, paused", (world) => {
  const { created, begin, beat, finishChunk, lockDone, settle, found } = taskVerbs(world);

  const request = (task: NewTask, by: string | null = "ada", ms = 2_000) => ({
    taskId: task.id,
    at: after(task, ms),
    by,
  });
  const pausePending = (task: NewTask): Promise<boolean> =>
    world().unitOfWork.run((transaction) => world().tasks.pausePending(transaction, request(task)));
  const requestPause = (task: NewTask): Promise<boolean> => world().tasks.requestPause(request(task));
  const endOf = (task: NewTask, attempt: number) => ({
    taskId: task.id,
    attempt,
    at: after(task, 3_000),
    progress: progressOf(10, countsOf(4), { message: "half way" }),
  });
  const pauseRunning = (task: NewTask, attempt = 1): Promise<PauseResult> =>
    world().unitOfWork.run(async (transaction) => {
      await world().tasks.lockDone(transaction, task.id, attempt);
      return world().tasks.pauseRunning(transaction, endOf(task, attempt));
    });
  const resume = (task: NewTask) =>
    world().unitOfWork.run((transaction) => world().tasks.resume(transaction, task.id));
  const paused = async (): Promise<NewTask> => {
    const task = await created({ total: 10 });
    await begin(task);
    await requestPause(task);
    expect(await pauseRunning(task)).toEqual({ kind: "PAUSED" });
    return task;
  };

  describe("a queued task", () => {
    it("is paused at once, with who asked for it and since when, and begins no attempt", async () => {
      const task = await created();
      expect(await pausePending(task)).toBe(true);
      expect(await found(task)).toMatchObject({
        status: "PAUSED",
        attempt: 0,
        pauseRequestedAt: after(task, 2_000),
        pauseRequestedBy: "ada",
        pausedAt: after(task, 2_000),
        pauses: 0,
      });
      expect(await pausePending(task)).toBe(false);
      expect(await begin(task)).toBeUndefined();
    });

    it("is not paused by a transaction that rolls back", async () => {
      const task = await created();
      const open = await openTransaction(world().unitOfWork);
      await world().tasks.pausePending(open.transaction, request(task));
      await open.rollBack();
      expect(await found(task)).toMatchObject({ status: "PENDING", pauseRequestedAt: null, pausedAt: null });
    });

    it("is resumed as it was, to be enqueued again", async () => {
      const task = await created();
      await world().tasks.markEnqueued([task.id], after(task, 1_000));
      await pausePending(task);
      expect(await resume(task)).toMatchObject({ id: task.id, attempt: 0 });
      expect(await found(task)).toMatchObject({
        status: "PENDING",
        pauseRequestedAt: null,
        pauseRequestedBy: null,
        pausedAt: null,
      });
      const unenqueued = await world().tasks.findUnenqueued(after(task, 1_000), 100);
      expect(unenqueued).toContainEqual(expect.objectContaining({ id: task.id, attempt: 0 }));
      expect(await resume(task)).toBeUndefined();
      expect((await begin(task))?.number).toBe(1);
    });
  });

  describe("a running task", () => {
    it("runs on until its attempt ends, and shows that it is to be paused", async () => {
      const task = await created();
      await begin(task);
      expect(await beat(task, 1, 1_500)).toMatchObject({ isPauseRequested: false });
      expect(await requestPause(task)).toBe(true);
      expect(await world().tasks.requestPause(request(task, null, 9_000))).toBe(true);
      expect(await found(task)).toMatchObject({
        status: "RUNNING",
        pauseRequestedAt: after(task, 2_000),
        pauseRequestedBy: "ada",
        pausedAt: null,
      });
      expect(await beat(task, 1, 2_500)).toMatchObject({ isCurrent: true, isPauseRequested: true });
      expect((await begin(task, 1))?.task).toMatchObject({ pauseRequestedAt: after(task, 2_000) });
    });

    it("is not asked while it is queued, paused or settled", async () => {
      const task = await created();
      expect(await requestPause(task)).toBe(false);
      await pausePending(task);
      expect(await requestPause(task)).toBe(false);
      await settle(task, 0, { status: "CANCELLED" });
      expect(await requestPause(task)).toBe(false);
      expect(await pausePending(task)).toBe(false);
      expect(await resume(task)).toBeUndefined();
      expect(await requestPause(sampleTask())).toBe(false);
    });

    it("is asked without waiting for a chunk that is being written", async () => {
      const task = await created({ total: 1, chunks: [plainBatch(["1"])] });
      await begin(task);
      const open = await openTransaction(world().unitOfWork);
      await world().finishChunk(open.transaction, task.id, 1, countsOf(1));
      expect(await requestPause(task)).toBe(true);
      await open.commit();
    });

    it("is paused with what it had done, and its attempt is over", async () => {
      const task = await paused();
      expect(await found(task)).toMatchObject({
        status: "PAUSED",
        attempt: 1,
        pauses: 1,
        pausedAt: after(task, 3_000),
        progress: endOf(task, 1).progress,
      });
      expect(await beat(task, 1, 4_000, progressOf(10, countsOf(9)))).toMatchObject({ isCurrent: false });
      expect(await found(task)).toMatchObject({ progress: { processed: 4 } });
      expect(await settle(task, 1, { byAttempt: true, status: "FAILED" })).toBe(false);
      expect(await begin(task, 1)).toBeUndefined();
      expect(await world().tasks.findOrphans(after(task, 60_000), 100)).not.toContainEqual(
        expect.objectContaining({ id: task.id }),
      );
    });

    it("keeps its DONE chunks, and goes on with its next attempt", async () => {
      const task = await created({ total: 3, chunks: [["1", "2"], ["3"]].map(plainBatch) });
      await begin(task);
      await finishChunk(task, 1, countsOf(2));
      await requestPause(task);
      await pauseRunning(task);
      expect(await resume(task)).toMatchObject({ id: task.id, attempt: 1 });
      expect(await settle(task, 1, { byAttempt: true, status: "FAILED" })).toBe(false);
      const next = await begin(task, 1);
      expect(next).toMatchObject({ number: 2, task: { pauses: 1, pauseRequestedAt: null } });
      expect(next?.task.progress).toMatchObject({ succeeded: 2 });
      expect(await lockDone(task, 2)).toEqual({ counts: countsOf(2) });
    });

    it("goes on if the request is taken back before the attempt has stopped", async () => {
      const task = await created();
      await begin(task);
      await requestPause(task);
      expect(await world().tasks.withdrawPause(task.id)).toBe(true);
      expect(await world().tasks.withdrawPause(task.id)).toBe(false);
      expect(await pauseRunning(task)).toEqual({ kind: "WITHDRAWN" });
      expect(await found(task)).toMatchObject({ status: "RUNNING", pauses: 1, pauseRequestedAt: null });
      expect((await begin(task, 1))?.number).toBe(2);
    });

    it("is not paused by an attempt that lost it", async () => {
      const task = await created();
      await begin(task);
      await begin(task, 1);
      await requestPause(task);
      expect(await pauseRunning(task, 1)).toEqual({ kind: "FENCED" });
      await settle(task, 2);
      expect(await pauseRunning(task, 2)).toEqual({ kind: "FENCED" });
      expect(await found(task)).toMatchObject({
        status: "SUCCEEDED",
        pauseRequestedAt: null,
        pausedAt: null,
      });
    });

    it("is left to the request to cancel, if there is one", async () => {
      const task = await created();
      await begin(task);
      await requestPause(task);
      await world().tasks.requestCancel(request(task));
      expect(await pauseRunning(task)).toEqual({ kind: "CANCELLED" });
      expect(await found(task)).toMatchObject({ status: "RUNNING", pausedAt: null });
    });
  });

  it("a paused task can be cancelled, and is settled with its counts", async () => {
    const task = await paused();
    expect(await lockDone(task, 1)).toEqual({ counts: null });
    expect(await settle(task, 1, { status: "SUCCEEDED" })).toBe(false);
    expect(await settle(task, 1, { ...settlementOf(task), status: "CANCELLED", counts: countsOf(4) })).toBe(
      true,
    );
    expect(await found(task)).toMatchObject({ status: "CANCELLED", pauseRequestedAt: null, pausedAt: null });
  });
});
