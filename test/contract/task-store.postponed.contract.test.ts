import { describe, expect, it } from "vitest";
import type { NewTask } from "../../src/core/tasks/new-tasks.ts";
import type { AwaitedKind, PostponeResult } from "../../src/core/tasks/postponed-tasks.ts";
import { withDeadline } from "../support/deadline.ts";
import { describeWorlds } from "./describe-worlds.ts";
import { openTransaction } from "./open-transaction.ts";
import { after, sampleTask } from "./sample-task.ts";
import { taskVerbs } from "./task-verbs.ts";

describeWorlds("task store, postponed", (world) => {
  const { created, begin, beat, settle, found } = taskVerbs(world);

  const postpone = (task: NewTask, attempt: number, ms = 60_000): Promise<PostponeResult> =>
    world().unitOfWork.run((transaction) =>
      world().tasks.postpone(transaction, { taskId: task.id, attempt, until: after(task, ms) }),
    );
  const awaitKind = (
    task: NewTask,
    attempt: number,
    ms: number,
    maxDelayMs = 5_000,
  ): Promise<AwaitedKind | undefined> =>
    world().unitOfWork.run((transaction) =>
      world().tasks.awaitKind(transaction, {
        taskId: task.id,
        attempt,
        at: after(task, ms),
        minDelayMs: 100,
        maxDelayMs,
        maxWaitMs: 20_000,
      }),
    );
  /** Those of the tasks that the sweeper would enqueue at that moment, of those that the queue never had, or had. */
  const stranded = async (sort: "UNENQUEUED" | "UNBEGUN", moment: Date, tasks: readonly NewTask[]) => {
    const { findUnenqueued, findUnbegun } = world().tasks;
    const all = await (sort === "UNENQUEUED" ? findUnenqueued : findUnbegun)(moment, 1_000_000);
    return all.filter(({ id }) => tasks.some((task) => task.id === id));
  };

  describe("a failed attempt", () => {
    it("leaves its task PENDING until the time, with one more failure, and the next attempt begins", async () => {
      const task = await created();
      await begin(task);
      expect(await postpone(task, 1)).toEqual({ kind: "POSTPONED" });
      expect(await found(task)).toMatchObject({
        status: "PENDING",
        attempt: 1,
        failures: 1,
        postponedUntil: after(task, 60_000),
      });
      expect(await beat(task, 1, 2_000)).toMatchObject({ isCurrent: false });
      expect(await begin(task, 0)).toBeUndefined();
      expect(await begin(task, 1)).toMatchObject({ number: 2, task: { failures: 1, postponedUntil: null } });
      await postpone(task, 2);
      expect(await found(task)).toMatchObject({ failures: 2 });
    });

    it("changes nothing if it is not the current one, if its task is settled, or asked to stop", async () => {
      const task = await created();
      expect(await postpone(task, 0)).toEqual({ kind: "FENCED" });
      await begin(task);
      expect(await postpone(task, 2)).toEqual({ kind: "FENCED" });
      await world().tasks.requestCancel({ taskId: task.id, at: after(task, 2_000), by: null });
      expect(await postpone(task, 1)).toEqual({ kind: "CANCELLED" });
      expect(await found(task)).toMatchObject({ status: "RUNNING", failures: 0 });
      await settle(task, 1);
      expect((await postpone(task, 1)).kind).not.toBe("POSTPONED");
    });

    it("leaves its task to the sweeper once it is due, and not before", async () => {
      const lost = await created();
      const queued = await created({ createdAt: lost.createdAt });
      for (const task of [lost, queued]) {
        await world().tasks.markEnqueued([task.id], after(task, 500));
        await begin(task);
        await postpone(task, 1);
      }
      await world().tasks.markEnqueued([queued.id], after(queued, 2_000));
      const both = [lost, queued];
      for (const sort of ["UNENQUEUED", "UNBEGUN"] as const) {
        expect(await stranded(sort, after(lost, 59_999), both)).toEqual([]);
      }
      const due = { attempt: 1, postponedUntil: after(lost, 60_000).getTime() };
      expect(await stranded("UNENQUEUED", after(lost, 60_001), both)).toEqual([{ id: lost.id, ...due }]);
      expect(await stranded("UNBEGUN", after(lost, 60_001), both)).toEqual([{ id: queued.id, ...due }]);
    });
  });

  describe("a task of a kind that the worker does not know", () => {
    it("is not begun by it, and waits longer and longer, at most for the whole time", async () => {
      const task = await created({ kind: "rare" });
      const beginKnowing = (...kinds: string[]) =>
        world().unitOfWork.run((transaction) =>
          world().tasks.beginAttempt(transaction, {
            taskId: task.id,
            expectedAttempt: 0,
            workerId: "w",
            at: after(task, 9_000),
            kinds,
          }),
        );
      expect(await beginKnowing("common")).toBeUndefined();
      expect(await found(task)).toMatchObject({ status: "PENDING", attempt: 0 });
      const since = after(task, 1_000);
      expect(await awaitKind(task, 0, 1_000)).toEqual({ since, until: after(task, 1_100) });
      // Another delivery is on its way.
      expect(await awaitKind(task, 0, 1_050)).toBeUndefined();
      expect(await awaitKind(task, 0, 2_000)).toEqual({ since, until: after(task, 3_000) });
      expect(await awaitKind(task, 0, 11_000)).toEqual({ since, until: after(task, 16_000) });
      expect(await awaitKind(task, 0, 20_000)).toEqual({ since, until: after(task, 21_000) });
      expect(await found(task)).toMatchObject({ status: "PENDING", failures: 0 });
      expect(await beginKnowing("common", "rare")).toMatchObject({ number: 1 });
    });

    it("does not wait for longer than may be by now, since a worker has come that knows it", async () => {
      const task = await created({ kind: "sparse" });
      await awaitKind(task, 0, 1_000);
      expect(await awaitKind(task, 0, 6_000)).toMatchObject({ until: after(task, 11_000) });
      expect(await awaitKind(task, 0, 6_100)).toBeUndefined();
      expect(await awaitKind(task, 0, 6_100, 200)).toMatchObject({ until: after(task, 6_300) });
    });

    it("is found by a worker that knows it, until it is begun", async () => {
      const [task, other] = [await created({ kind: "seldom" }), await created({ kind: "odd" })];
      await created({ kind: "seldom" });
      await awaitKind(task, 0, 1_000);
      await awaitKind(other, 0, 1_000);
      const find = () => world().tasks.findAwaitingKinds(["seldom", "common"], 10);
      expect(await find()).toEqual([{ id: task.id, attempt: 0 }]);
      await begin(task);
      expect(await find()).toEqual([]);
    });

    it("is PENDING again if an attempt of another worker was cut short", async () => {
      const task = await created();
      await begin(task);
      expect(await awaitKind(task, 0, 2_000)).toBeUndefined();
      expect(await awaitKind(task, 1, 2_000)).toMatchObject({ since: after(task, 2_000) });
      expect(await found(task)).toMatchObject({ status: "PENDING", attempt: 1, failures: 0 });
      await settle(task, 1, { status: "CANCELLED" });
      expect(await awaitKind(task, 1, 90_000)).toBeUndefined();
    });
  });

  describe("a limit of concurrency", () => {
    /** Tasks of one key, oldest first. */
    const ofOneKey = async (count: number, max: number): Promise<readonly NewTask[]> => {
      const key = sampleTask().id;
      const tasks: NewTask[] = [];
      for (let at = 0; at < count; at += 1) {
        tasks.push(await created({ concurrency: { key, max } }));
      }
      return tasks;
    };
    const idsOf = async (given: Promise<readonly { readonly id: string }[]>) =>
      (await given).map(({ id }) => id);

    it("turns tasks away while its slots are taken, and gives a free one to the oldest of them", async () => {
      const tasks = await ofOneKey(5, 2);
      const [first, second, third, fourth, fifth] = tasks as [NewTask, NewTask, NewTask, NewTask, NewTask];
      expect(await begin(first)).toMatchObject({ number: 1 });
      expect(await begin(second)).toMatchObject({ number: 1 });
      for (const task of [fourth, third]) {
        expect(await begin(task)).toBeUndefined();
      }
      expect(await idsOf(world().tasks.giveSlots(first.id))).toEqual([]);
      await settle(first, 1);
      expect(await begin(fifth)).toBeUndefined();
      expect(await idsOf(world().tasks.giveSlots(first.id))).toEqual([third.id]);
      expect(await idsOf(world().tasks.giveSlots(first.id))).toEqual([]);
      expect(await begin(fourth)).toBeUndefined();
      expect(await begin(third)).toMatchObject({ number: 1 });
      // One in between attempts has no slot.
      await postpone(second, 1);
      expect(await idsOf(world().tasks.giveSlots(second.id))).toEqual([fourth.id]);
    });

    it("leaves tasks that were turned away to those that give slots, not to the sweeper's other rules", async () => {
      const [first, second] = (await ofOneKey(2, 1)) as [NewTask, NewTask];
      await begin(first);
      await begin(second);
      expect(await stranded("UNENQUEUED", after(second, 60_000), [second])).toEqual([]);
      await world().tasks.markEnqueued([second.id], after(second, 1_000));
      expect(await stranded("UNBEGUN", after(second, 60_000), [second])).toEqual([]);
      await settle(first, 1);
      expect(await idsOf(world().tasks.giveSlots())).toContain(second.id);
      expect(await stranded("UNENQUEUED", after(second, 60_000), [second])).toMatchObject([
        { id: second.id },
      ]);
    });

    it("does not keep a task from its next attempt, which has its slot already", async () => {
      const [first] = (await ofOneKey(1, 1)) as [NewTask];
      await begin(first);
      expect(await begin(first, 1)).toMatchObject({ number: 2 });
    });

    it("is kept by attempts that begin at the same time, and gives every slot once", async () => {
      const tasks = await ofOneKey(8, 3);
      const begun = await Promise.all(tasks.map((task) => begin(task)));
      const running = begun.flatMap((attempt) => attempt?.task.id ?? []);
      expect(running).toHaveLength(3);
      const ended = tasks.filter(({ id }) => running.includes(id));
      await Promise.all(ended.map((task) => settle(task, 1)));
      const given = await Promise.all(ended.map(({ id }) => idsOf(world().tasks.giveSlots(id))));
      expect(new Set(given.flat()).size).toBe(given.flat().length);
      expect(given.flat()).toHaveLength(3);
    });

    it("turns no task away while its last slot is being freed", async () => {
      const [first, second] = (await ofOneKey(2, 1)) as [NewTask, NewTask];
      await begin(first);
      const open = await openTransaction(world().unitOfWork);
      // It counts the first one, which is settled but for the commit.
      await world().tasks.beginAttempt(open.transaction, {
        taskId: second.id,
        expectedAttempt: 0,
        workerId: "w",
        at: after(second, 1_000),
      });
      await settle(first, 1);
      const given = idsOf(world().tasks.giveSlots(first.id));
      await world().untilWaiting();
      await open.commit();
      expect(await withDeadline(given, 5_000, "the slots")).toEqual([second.id]);
    });
  });
});
