import { describe, expect, it } from "vitest";
import { plainBatch } from "../../src/core/tasks/record-batch.ts";
import { progressOf } from "../../src/core/tasks/progress.ts";
import type { NewTaskError } from "../../src/core/tasks/task-error.ts";
import { isFinal, TASK_STATUSES, TRANSITIONS } from "../../src/core/tasks/task-status.ts";
import type { FinalStatus, TaskStatus } from "../../src/core/tasks/task-status.ts";
import type { NewTask } from "../../src/core/tasks/new-tasks.ts";
import { describeWorlds } from "./describe-worlds.ts";
import { openTransaction } from "./open-transaction.ts";
import { after, sampleTask } from "./sample-task.ts";
import { countsOf, settlementOf, taskVerbs } from "./task-verbs.ts";

const FINAL_STATUSES = TASK_STATUSES.filter((status): status is FinalStatus => isFinal(status));

describeWorlds("task store, settled", (world) => {
  const { created, begin, beat, finishChunk, lockDone, settle, markCleaned, found } = taskVerbs(world);

  describe("settlement", () => {
    /** Brings a new task to a status over allowed transitions. */
    const taskIn = async (status: TaskStatus): Promise<{ task: NewTask; attempt: number }> => {
      const task = await created();
      if (status === "PENDING") {
        return { task, attempt: 0 };
      }
      await begin(task);
      if (status === "PAUSED") {
        await world().tasks.requestPause({ taskId: task.id, at: after(task, 2_000), by: null });
        const end = {
          taskId: task.id,
          attempt: 1,
          at: after(task, 3_000),
          progress: progressOf(1, countsOf(0)),
        };
        await world().unitOfWork.run((transaction) => world().tasks.pauseRunning(transaction, end));
      }
      if (isFinal(status)) {
        await settle(task, 1, { status });
      }
      return { task, attempt: 1 };
    };

    // Only launches that wait for locks are WAITING, and only imports RECEIVING.
    const reachable = TASK_STATUSES.filter((status) => status !== "WAITING" && status !== "RECEIVING");
    const pairs = reachable.flatMap((from) => FINAL_STATUSES.map((to) => ({ from, to })));

    it.each(pairs)("follows the table of transitions from $from to $to", async ({ from, to }) => {
      const { task, attempt } = await taskIn(from);
      const isAllowed = TRANSITIONS[from].includes(to);
      expect(await settle(task, attempt, { status: to })).toBe(isAllowed);
      expect((await found(task))?.status).toBe(isAllowed ? to : from);
    });

    it("stores the outcome and the errors", async () => {
      const task = await created({ total: 4 });
      await begin(task);
      const errors: NewTaskError[] = [
        {
          recordId: "1",
          outcome: "FAILED",
          code: "CONSTRAINT_VIOLATED",
          message: "taken, 'x'",
          field: "name",
        },
        { recordId: null, outcome: "SKIPPED", code: "RECORD_MISSING", message: "gone {1}" },
        { recordId: "FR", model: "Country", outcome: "FAILED", code: "RECORD_LOCKED", message: "held" },
      ];
      const result = { affected: [1, 2], text: '"' };
      expect(
        await settle(task, 1, {
          status: "PARTIAL",
          message: "two",
          result,
          counts: countsOf(2, 1, 1),
          errors,
        }),
      ).toBe(true);
      expect(await found(task)).toMatchObject({
        status: "PARTIAL",
        message: "two",
        result,
        finishedAt: after(task, 5_000),
        progress: progressOf(4, countsOf(2, 1, 1)),
      });
      const stored = await world().tasks.errors(task.id, 0, 10);
      expect(stored).toEqual(errors.map((error) => ({ ...error, position: expect.any(Number) })));
      expect(await world().tasks.countErrors(task.id)).toBe(3);
      expect(await world().tasks.errors(task.id, 0, 1)).toEqual(stored.slice(0, 1));
      expect(await world().tasks.errors(task.id, stored[0]?.position ?? 0, 10)).toEqual(stored.slice(1));
      expect(await world().tasks.errors(sampleTask().id, 0, 10)).toEqual([]);
      expect(await world().tasks.countErrors(sampleTask().id)).toBe(0);
    });

    it("does nothing for an attempt that lost the task", async () => {
      const task = await created();
      await begin(task);
      await begin(task, 1);
      const errors: NewTaskError[] = [
        { recordId: "1", outcome: "FAILED", code: "TASK_FAILED", message: "late" },
      ];
      expect(await settle(task, 1, { status: "FAILED", errors })).toBe(false);
      expect(await found(task)).toMatchObject({ status: "RUNNING", attempt: 2, finishedAt: null });
      expect(await world().tasks.countErrors(task.id)).toBe(0);
      expect(await settle(task, 2)).toBe(true);
      expect(await settle(task, 2, { status: "FAILED" })).toBe(false);
      expect(await settle(sampleTask(), 0, { status: "CANCELLED" })).toBe(false);
    });

    it("returns the sums of the DONE chunks, and null for a task without chunks", async () => {
      const chunks = [["1", "2"], ["3"], ["4"]].map(plainBatch);
      const task = await created({ total: 4, chunks });
      expect(await lockDone(task, 0)).toEqual({ counts: countsOf(0) });
      await begin(task);
      await beat(task, 1, 1_500, progressOf(4, countsOf(4)));
      await finishChunk(task, 1, countsOf(1, 1));
      await finishChunk(task, 2, countsOf(0, 0, 1));
      expect(await lockDone(task, 1)).toEqual({ counts: countsOf(1, 1, 1) });
      const bare = await created({ total: 4, chunks: [] });
      expect(await lockDone(bare, 0)).toEqual({ counts: null });
      const held = { recordId: "1", outcome: "SKIPPED", code: "RECORD_LOCKED", message: "held" } as const;
      const allSkipped = await created({ total: 1, chunks: [], skipped: [held] });
      expect(await lockDone(allSkipped, 0)).toEqual({ counts: countsOf(0, 0, 1) });
    });

    it("returns sums only for the current attempt of an unsettled task", async () => {
      const task = await created();
      await begin(task);
      await begin(task, 1);
      expect(await lockDone(task, 1)).toBeUndefined();
      await settle(task, 2);
      expect(await lockDone(task, 2)).toBeUndefined();
      expect(await lockDone(sampleTask(), 0)).toBeUndefined();
    });

    it("waits for a chunk that is being committed, and counts it", async () => {
      const task = await created({ total: 2, chunks: [["1"], ["2"]].map(plainBatch) });
      await begin(task);
      await finishChunk(task, 1, countsOf(1));
      const open = await openTransaction(world().unitOfWork);
      await world().finishChunk(open.transaction, task.id, 2, countsOf(1));
      const done = lockDone(task, 1);
      await world().untilWaiting();
      await open.commit();
      expect(await done).toEqual({ counts: countsOf(2) });
    });

    it("makes other settlements wait for the transaction that read them", async () => {
      const task = await created();
      await begin(task);
      const open = await openTransaction(world().unitOfWork);
      await world().tasks.lockDone(open.transaction, task.id, 1);
      const settling = settle(task, 1);
      await world().untilWaiting();
      expect((await found(task))?.status).toBe("RUNNING");
      await open.commit();
      expect(await settling).toBe(true);
    });

    it("lets only one of two settlements at once settle the task", async () => {
      const task = await created();
      await begin(task);
      const outcomes = await Promise.all(FINAL_STATUSES.map((status) => settle(task, 1, { status })));
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect((await found(task))?.status).toBe(FINAL_STATUSES[outcomes.indexOf(true)]);
    });

    it("leaves no trace of a rolled-back settlement", async () => {
      const task = await created({ total: 2 });
      await begin(task);
      await beat(task, 1, 1_500, progressOf(2, countsOf(1)));
      const open = await openTransaction(world().unitOfWork);
      await world().tasks.settle(open.transaction, task.id, 1, settlementOf(task));
      await open.rollBack();
      expect(await found(task)).toMatchObject({ status: "RUNNING", progress: progressOf(2, countsOf(1)) });
      expect(await settle(task, 1)).toBe(true);
    });
  });

  describe("cleaning", () => {
    it("is noted once, for settled tasks only, and does not change the status", async () => {
      const task = await created();
      expect(await markCleaned(task)).toBe(false);
      await begin(task);
      expect(await markCleaned(task)).toBe(false);
      await settle(task, 1, { status: "FAILED" });
      expect(await markCleaned(task)).toBe(true);
      expect(await markCleaned(task)).toBe(false);
      expect(await found(task)).toMatchObject({ status: "FAILED", isCleaned: true });
      expect(await markCleaned(sampleTask())).toBe(false);
    });

    it("is noted by only one of two calls at once", async () => {
      const task = await created();
      await settle(task, 0, { status: "CANCELLED" });
      const outcomes = await Promise.all([markCleaned(task), markCleaned(task), markCleaned(task)]);
      expect(outcomes.filter(Boolean)).toHaveLength(1);
    });
  });
});
