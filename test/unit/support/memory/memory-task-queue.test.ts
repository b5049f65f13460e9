import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createMemoryTaskQueue } from "../../../support/memory/memory-task-queue.ts";
import type { QueuedTask } from "../../../../src/core/tasks/task-queue.ts";
import { createSilentLogger } from "../../../../src/kernel/logger.ts";

const logger = createSilentLogger();

/** Work that goes on until it is told to end. */
function createManualWork(): {
  started: string[];
  work: (task: QueuedTask) => Promise<void>;
  end(id: string): Promise<void>;
} {
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  return {
    started,
    work: ({ id }) => {
      started.push(id);
      return new Promise((resolve) => ends.set(id, resolve));
    },
    async end(id) {
      ends.get(id)?.();
      await setImmediate();
    },
  };
}

const tasks = (...ids: string[]): QueuedTask[] => ids.map((id) => ({ id, attempt: 0 }));

describe("createMemoryTaskQueue", () => {
  it("hands tasks out in order, at most so many at a time", async () => {
    const queue = createMemoryTaskQueue({ logger });
    const { started, work, end } = createManualWork();
    await queue.enqueue(tasks("a", "b", "c"));
    const consumer = queue.consume({ concurrency: 2, work });
    await consumer.start();
    expect(started).toEqual(["a", "b"]);
    await end("b");
    expect(started).toEqual(["a", "b", "c"]);
  });

  it("does not double a task after the same attempt, waiting or worked on", async () => {
    const queue = createMemoryTaskQueue({ logger });
    const { started, work, end } = createManualWork();
    await queue.enqueue(tasks("a", "a"));
    await queue.enqueue(tasks("a"));
    await queue.consume({ concurrency: 5, work }).start();
    await queue.enqueue(tasks("a"));
    expect(started).toEqual(["a"]);
    await queue.enqueue([{ id: "a", attempt: 1 }]);
    expect(started).toEqual(["a", "a"]);
    await end("a");
  });

  it("takes a task again once it was worked on", async () => {
    const queue = createMemoryTaskQueue({ logger });
    const { started, work, end } = createManualWork();
    await queue.consume({ concurrency: 1, work }).start();
    await queue.enqueue(tasks("a"));
    await end("a");
    await queue.enqueue(tasks("a"));
    expect(started).toEqual(["a", "a"]);
  });

  it("goes on after work that throws", async () => {
    const queue = createMemoryTaskQueue({ logger });
    const started: string[] = [];
    const work = async ({ id }: QueuedTask): Promise<void> => {
      started.push(id);
      throw new Error("on purpose");
    };
    await queue.consume({ concurrency: 1, work }).start();
    await queue.enqueue(tasks("a", "b"));
    await setImmediate();
    expect(started).toEqual(["a", "b"]);
  });

  it("stops by taking nothing new and waiting for what runs", async () => {
    const queue = createMemoryTaskQueue({ logger });
    const { started, work, end } = createManualWork();
    const consumer = queue.consume({ concurrency: 1, work });
    await consumer.start();
    await queue.enqueue(tasks("a", "b"));
    let isStopped = false;
    const stopped = consumer.stop().then(() => (isStopped = true));
    await setImmediate();
    expect(isStopped).toBe(false);
    await end("a");
    await stopped;
    expect(started).toEqual(["a"]);
    await queue.consume({ concurrency: 1, work }).start();
    expect(started).toEqual(["a", "b"]);
  });

  it("shares the work among consumers", async () => {
    const queue = createMemoryTaskQueue({ logger });
    const [first, second] = [createManualWork(), createManualWork()];
    await queue.consume({ concurrency: 5, work: first.work }).start();
    await queue.consume({ concurrency: 5, work: second.work }).start();
    await queue.enqueue(tasks("a", "b", "c", "d"));
    expect([first.started.length, second.started.length]).toEqual([2, 2]);
  });

  it("refuses when it is full or closed", async () => {
    const queue = createMemoryTaskQueue({ logger, maxQueued: 2 });
    await queue.enqueue(tasks("a", "b"));
    await expect(queue.enqueue(tasks("c"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await queue.enqueue(tasks("a"));
    await queue.close();
    await expect(queue.enqueue(tasks("a"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });
});
