import { afterEach, expect, it } from "vitest";
import type { QueuedTask } from "../../src/core/tasks/task-queue.ts";
import { createId } from "../../src/kernel/ids.ts";
import type { Service } from "../../src/kernel/service.ts";
import { withDeadline } from "../support/deadline.ts";
import { describeTransports } from "./describe-worlds.ts";
import type { ManualWork } from "./manual-work.ts";
import { createManualWork } from "./manual-work.ts";

const newTasks = (count: number): QueuedTask[] =>
  Array.from({ length: count }, () => ({ id: createId(new Date()), attempt: 0 }));

const byId = (a: QueuedTask, b: QueuedTask): number => a.id.localeCompare(b.id);

describeTransports("task queue", (world) => {
  /** Each test leaves the queue empty, and no consumer at work. */
  const open: { readonly consumer: Service; readonly work: ManualWork }[] = [];
  afterEach(async () => {
    open.forEach(({ work }) => work.endAll());
    await Promise.all(open.splice(0).map(({ consumer }) => consumer.stop()));
  });
  const startConsumer = async (
    concurrency: number,
    work: ManualWork = createManualWork(),
  ): Promise<ManualWork & Service> => {
    const consumer = world().queue.consume({ concurrency, work: work.work });
    open.push({ consumer, work });
    await consumer.start();
    return { ...work, ...consumer };
  };

  it("delivers each task once, with its attempt, to one of the consumers", async () => {
    const tasks = newTasks(20).map(({ id }, at) => ({ id, attempt: at % 3 }));
    const [last] = newTasks(1) as [QueuedTask];
    const work = createManualWork();
    work.endAll();
    await startConsumer(5, work);
    await startConsumer(5, work);
    await world().queue.enqueue(tasks);
    await work.untilStarted(tasks.length);
    // The queue delivers in order: a duplicate would come before the last task.
    await world().queue.enqueue([last]);
    const delivered = await work.untilStarted(tasks.length + 1);
    expect(delivered.toSorted(byId)).toEqual([...tasks, last].toSorted(byId));
  });

  it("does not duplicate a waiting delivery of the same attempt, and delivers the next attempt", async () => {
    const [task, last] = newTasks(2) as [QueuedTask, QueuedTask];
    const retried = { id: task.id, attempt: 1 };
    await world().queue.enqueue([task, task]);
    await world().queue.enqueue([task]);
    await world().queue.enqueue([retried]);
    await world().queue.enqueue([retried, last]);
    const { endAll, untilStarted } = await startConsumer(1);
    endAll();
    expect(await untilStarted(3)).toEqual([task, retried, last]);
  });

  it("does not deliver the attempt that runs a second time", async () => {
    const [task, last] = newTasks(2) as [QueuedTask, QueuedTask];
    const { untilStarted } = await startConsumer(2);
    await world().queue.enqueue([task]);
    await untilStarted(1);
    await world().queue.enqueue([task, last]);
    expect(await untilStarted(2)).toEqual([task, last]);
  });

  it("accepts a task again once its work has ended", async () => {
    const tasks = newTasks(1);
    const first = await startConsumer(1);
    await world().queue.enqueue(tasks);
    await first.untilStarted(1);
    first.endAll();
    await first.stop();
    await world().queue.enqueue(tasks);
    const second = await startConsumer(1);
    expect(await second.untilStarted(1)).toEqual(tasks);
  });

  it("delivers a postponed task when it is due, beside one that its worker still has", async () => {
    const [task, other] = newTasks(2) as [QueuedTask, QueuedTask];
    const postponed = { ...task, postponedUntil: 5, delayMs: 300 };
    const { untilStarted, endAll } = await startConsumer(4);
    await world().queue.enqueue([task]);
    await untilStarted(1);
    await world().queue.enqueue([postponed, { ...other, delayMs: 0 }]);
    // It is in the queue already, however soon it is asked for.
    await world().queue.enqueue([{ ...postponed, delayMs: 0 }]);
    expect(await untilStarted(2)).toMatchObject([task, other]);
    expect(await world().queue.count()).toBe(1);
    await world().queue.enqueue([{ ...task, postponedUntil: 5, occasion: "DUE" }]);
    const delivered = await untilStarted(4);
    expect(delivered.slice(0, 2)).toMatchObject([task, other]);
    expect(new Set(delivered.slice(2).map(({ id, occasion }) => [id, occasion].join()))).toEqual(
      new Set([`${task.id},`, `${task.id},DUE`]),
    );
    endAll();
  });

  it("runs as many tasks at a time as the consumer's concurrency allows", async () => {
    const { endOne, endAll, maxRunning, untilStarted } = await startConsumer(3);
    await world().queue.enqueue(newTasks(10));
    await untilStarted(3);
    endOne();
    await untilStarted(4);
    endAll();
    await untilStarted(10);
    expect(maxRunning()).toBe(3);
  });

  it("shares the work among consumers", async () => {
    const consumers = [await startConsumer(1), await startConsumer(1), await startConsumer(1)];
    await world().queue.enqueue(newTasks(3));
    // None of them ends, so each consumer can have only one.
    const begun = await Promise.all(consumers.map(({ untilStarted }) => untilStarted(1)));
    expect(new Set(begun.map(([task]) => task?.id)).size).toBe(3);
  });

  it("takes no new task when it stops, and waits for running work", async () => {
    const [running, next] = newTasks(2) as [QueuedTask, QueuedTask];
    const first = await startConsumer(1);
    await world().queue.enqueue([running, next]);
    await first.untilStarted(1);
    const order: string[] = [];
    const stopped = first.stop().then(() => order.push("stopped"));
    // Round trips to the store: time enough for a stop that does not wait.
    for (let trip = 0; trip < 20; trip += 1) {
      await world().queue.enqueue([next]);
    }
    order.push("ended");
    first.endAll();
    await stopped;
    expect(order).toEqual(["ended", "stopped"]);
    expect(first.started).toEqual([running]);
    const second = await startConsumer(1);
    expect(await second.untilStarted(1)).toEqual([next]);
  });

  it("takes further tasks after work that throws", async () => {
    const tasks = newTasks(3);
    const began: QueuedTask[] = [];
    let finish = (): void => undefined;
    const all = new Promise<void>((resolve) => (finish = resolve));
    const consumer = world().queue.consume({
      concurrency: 1,
      work: (task) => {
        began.push(task);
        if (began.length === tasks.length) {
          finish();
        }
        throw new Error("broken on purpose");
      },
    });
    await consumer.start();
    try {
      await world().queue.enqueue(tasks);
      await withDeadline(all, 10_000, "the last task");
      expect(began).toEqual(tasks);
    } finally {
      await consumer.stop();
    }
  });

  it("accepts no task and 5,000 tasks", async () => {
    const tasks = newTasks(5_000);
    await world().queue.enqueue([]);
    await world().queue.enqueue(tasks);
    const { endAll, untilStarted } = await startConsumer(10);
    endAll();
    const delivered = await untilStarted(tasks.length);
    expect(new Set(delivered.map(({ id }) => id))).toEqual(new Set(tasks.map(({ id }) => id)));
  });

  it("counts waiting tasks, without running ones", async () => {
    const tasks = newTasks(3);
    expect(await world().queue.count()).toBe(0);
    await world().queue.enqueue(tasks);
    expect(await world().queue.count()).toBe(3);
    const { untilStarted, endAll, endOne } = await startConsumer(1);
    await untilStarted(1);
    expect(await world().queue.count()).toBe(2);
    endOne();
    await untilStarted(2);
    expect(await world().queue.count()).toBe(1);
    endAll();
    await untilStarted(3);
    expect(await world().queue.count()).toBe(0);
  });

  it("allows a consumer to be stopped without a start, and twice", async () => {
    const consumer = world().queue.consume({ concurrency: 1, work: async () => undefined });
    await consumer.stop();
    await consumer.stop();
    await consumer.start();
    const { untilStarted, stop } = await startConsumer(1);
    const tasks = newTasks(1);
    await world().queue.enqueue(tasks);
    expect(await untilStarted(1)).toEqual(tasks);
    open.forEach(({ work }) => work.endAll());
    await Promise.all([stop(), stop()]);
  });
});
