import { describe, expect, it, onTestFinished } from "vitest";
import { createTaskFeed } from "../../../../src/core/events/task-feed.ts";
import type { Task } from "../../../../src/core/tasks/task.ts";
import { createSilentLogger } from "../../../../src/kernel/logger.ts";
import { createManualClock } from "../../../support/manual-clock.ts";
import { createTaskWorld, progressAt, settled } from "./task-world.ts";

async function setUp() {
  const world = createTaskWorld();
  const feed = createTaskFeed({ ...world, clock: createManualClock(), logger: createSilentLogger() });
  await feed.start();
  onTestFinished(() => feed.stop());
  return { world, feed };
}

async function state(states: AsyncIterator<Task, undefined>): Promise<[string, number] | "END"> {
  const step = await states.next();
  return step.done === true ? "END" : [step.value.status, step.value.progress.processed];
}

describe("watching a task", () => {
  it("yields the state first, then the changes, and ends with the final state", async () => {
    const { world, feed } = await setUp();
    world.append(1, "CREATE");
    const states = feed.watch(world.id(1));
    expect(await state(states)).toEqual(["PENDING", 0]);
    world.append(1, "START", { status: "RUNNING", attempt: 1 });
    world.announce(1);
    expect(await state(states)).toEqual(["RUNNING", 0]);
    world.announceProgress(1, 40);
    expect(await state(states)).toEqual(["RUNNING", 40]);
    world.complete(1);
    expect(await state(states)).toEqual(["SUCCEEDED", 100]);
    expect(await state(states)).toBe("END");
  });

  it("yields a settled task's state and ends", async () => {
    const { world, feed } = await setUp();
    world.run(1);
    world.complete(1);
    const states = feed.watch(world.id(1));
    expect(await state(states)).toEqual(["SUCCEEDED", 100]);
    expect(await state(states)).toBe("END");
  });

  it.each(["00000000-0000-7000-8000-000000000099", "", "no such id", "' OR 1=1 --"])(
    "knows no task %j",
    async (taskId) => {
      const { feed } = await setUp();
      const states = feed.watch(taskId);
      await expect(states.next()).rejects.toMatchObject({ code: "NOT_FOUND" });
      expect(await state(states)).toBe("END");
    },
  );

  it("does not reveal a hidden task", async () => {
    const { world, feed } = await setUp();
    world.run(1);
    const states = feed.watch(world.id(1), { canSee: () => false });
    await expect(states.next()).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("misses nothing between subscribing and reading, and never goes back", async () => {
    const { world, feed } = await setUp();
    world.run(1);
    await settled();
    const states = feed.watch(world.id(1));
    world.announceProgress(1, 10);
    world.append(1, "COMPLETE", { status: "SUCCEEDED", progress: progressAt(100) });
    await settled();
    expect(await state(states)).toEqual(["SUCCEEDED", 100]);
    expect(await state(states)).toBe("END");
  });

  it("reads the state again after a gap", async () => {
    const { world, feed } = await setUp();
    world.run(1);
    await settled();
    const states = feed.watch(world.id(1));
    expect(await state(states)).toEqual(["RUNNING", 0]);
    world.append(2, "CREATE");
    world.change(1, { progress: progressAt(70) });
    world.loseConnection();
    expect(await state(states)).toEqual(["RUNNING", 70]);
    world.append(1, "COMPLETE", { status: "SUCCEEDED", progress: progressAt(100) });
    world.loseConnection();
    expect(await state(states)).toEqual(["SUCCEEDED", 100]);
  });

  it("resolves a pending next when the watcher leaves", async () => {
    const { world, feed } = await setUp();
    world.run(1);
    const states = feed.watch(world.id(1));
    await state(states);
    const pending = state(states);
    await settled();
    await states.return?.();
    expect(await pending).toBe("END");
  });
});
