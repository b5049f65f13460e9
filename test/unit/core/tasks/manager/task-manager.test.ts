import { describe, expect, it, onTestFinished } from "vitest";
import { createTaskFeed } from "../../../../../src/core/events/task-feed.ts";
import {
  createTaskManager,
  createTaskReads,
} from "../../../../../src/core/tasks/manager/create-task-manager.ts";
import type { TaskManager } from "../../../../../src/core/tasks/manager/task-manager.ts";
import { createSilentLogger } from "../../../../../src/kernel/logger.ts";
import { createManualClock } from "../../../../support/manual-clock.ts";
import { createTaskWorld, progressAt, settled } from "../../events/task-world.ts";

type Ports = Parameters<typeof createTaskManager>[0];

const notCalled = (): Promise<never> => Promise.reject(new Error("not called here"));

async function setUp() {
  const world = createTaskWorld();
  const clock = createManualClock();
  const feed = createTaskFeed({ ...world, clock, logger: createSilentLogger() });
  await feed.start();
  onTestFinished(() => feed.stop());
  const manager: TaskManager = createTaskManager({
    launching: { ...world, clock } as unknown as Ports["launching"],
    launchBulk: notCalled,
    launchOwn: notCalled,
    retryTask: notCalled,
    showPreviews: notCalled,
    controls: { cancelTask: notCalled, pauseTask: notCalled, resumeTask: notCalled },
    feed,
    reservations: { reserve: notCalled },
    sweep: notCalled,
  });
  return { world, feed, clock, manager };
}

/** What a promise rejects with. */
function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("waiting for a task", () => {
  it("resolves with the settled task, also when it was settled before", async () => {
    const { world, manager } = await setUp();
    world.run(1);
    const waited = manager.wait(world.id(1));
    await settled();
    world.announceProgress(1, 40);
    world.complete(1);
    expect(await waited).toMatchObject({ id: world.id(1), status: "SUCCEEDED", progress: progressAt(100) });
    expect(await manager.wait(world.task(1))).toMatchObject({ status: "SUCCEEDED" });
  });

  it.each(["00000000-0000-7000-8000-000000000099", "nothing"])("knows no task %j", async (id) => {
    const { manager } = await setUp();
    await expect(manager.wait(id)).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: `There is no task "${id}".`,
    });
  });

  it("ends with a TimeoutError that says how the task stands", async () => {
    const { world, clock, manager } = await setUp();
    world.run(1);
    const failure = failureOf(manager.wait(world.id(1), { timeoutMs: 500 }));
    await settled();
    clock.advance(499);
    await settled();
    clock.advance(1);
    expect(await failure).toMatchObject({
      name: "TimeoutError",
      message: `Task ${world.id(1)} is still RUNNING after 500 ms.`,
    });
  });

  it("ends with the signal's reason, before and during the wait", async () => {
    const { world, manager } = await setUp();
    world.run(1);
    const reason = new Error("the request was closed");
    const leaving = new AbortController();
    const failure = failureOf(manager.wait(world.id(1), { signal: leaving.signal }));
    await settled();
    leaving.abort(reason);
    expect(await failure).toBe(reason);
    await expect(manager.wait(world.id(1), { signal: leaving.signal })).rejects.toBe(reason);
  });

  it("ends with UNAVAILABLE when the engine stops", async () => {
    const { world, feed, manager } = await setUp();
    world.run(1);
    const failure = failureOf(manager.wait(world.id(1)));
    await settled();
    await feed.stop();
    expect(await failure).toMatchObject({ code: "UNAVAILABLE" });
  });

  it.each([-1, Number.NaN, 2 ** 31])("refuses a time limit of %d", async (timeoutMs) => {
    const { world, manager } = await setUp();
    world.run(1);
    await expect(manager.wait(world.id(1), { timeoutMs })).rejects.toMatchObject({
      code: "VALIDATION_FAILED",
      message: `timeoutMs: needs a number from 0 to 2147483647, not ${timeoutMs}.`,
    });
  });
});

describe("the progress of a task", () => {
  it("comes as it is now, then with each change, and ends with the task", async () => {
    const { world, manager } = await setUp();
    world.append(1, "CREATE");
    const progress = manager.progress(world.id(1));
    expect((await progress.next()).value).toMatchObject({ processed: 0 });
    world.append(1, "START", { status: "RUNNING", attempt: 1 });
    world.announce(1);
    await settled();
    world.announceProgress(1, 40);
    // START changed the status, not the progress.
    expect((await progress.next()).value).toMatchObject({ processed: 40, percent: 40 });
    world.complete(1);
    expect((await progress.next()).value).toMatchObject({ processed: 100, percent: 100 });
    expect(await progress.next()).toEqual({ done: true, value: undefined });
  });

  it("throws for a task that is not there", async () => {
    const { manager } = await setUp();
    await expect(manager.progress("nothing").next()).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("the events of tasks", () => {
  it("go on after a cursor, and end with the signal", async () => {
    const { world, manager } = await setUp();
    world.run(1);
    await settled();
    const leaving = new AbortController();
    const filter = { taskIds: [world.id(1)] };
    const first = manager.events({ filter });
    world.complete(1);
    const { value } = await first.next();
    expect(value?.event.type).toBe("COMPLETE");
    await first.return?.();
    const rest = manager.events({ filter, after: value?.cursor ?? "", signal: leaving.signal });
    expect((await rest.next()).value?.event.type).toBe("CLEANUP");
    leaving.abort();
    expect(await rest.next()).toEqual({ done: true, value: undefined });
  });

  it("refuse a text that is no cursor", async () => {
    const { manager } = await setUp();
    expect(() => manager.events({ after: "yesterday" })).toThrow('"after" is not the cursor of an event.');
  });
});

describe("looking tasks up", () => {
  const asked: unknown[] = [];
  const record =
    <Answer>(name: string, answer: Answer) =>
    (...given: readonly unknown[]): Promise<Answer> => {
      asked.push([name, ...given]);
      return Promise.resolve(answer);
    };
  const reads = createTaskReads({
    find: record("find", new Map()),
    list: record("list", []),
    count: record("count", 0),
    errors: record("errors", []),
    recordPages: record("recordPages", new Map()),
  });
  const ID = "0195F8F0-0000-7000-8000-00000000000A";

  it("asks for the ids as they are stored, and for 50 unless told otherwise", async () => {
    await reads.get(ID);
    await reads.list({ ids: [ID, "no id"], statuses: ["RUNNING"], after: ID });
    await reads.count({ ids: ["no id"] });
    await reads.errors(ID, { after: 3, limit: 7 });
    await reads.records(ID);
    const id = ID.toLowerCase();
    expect(asked.splice(0)).toEqual([
      ["find", [id]],
      ["list", { ids: [id], statuses: ["RUNNING"], after: id, limit: 50 }],
      ["count", { ids: [] }],
      ["errors", id, 3, 7],
      ["recordPages", [id], { limit: 50 }],
    ]);
  });

  it("finds nothing under a text that is no id, without asking", async () => {
    expect(await reads.get("no id")).toBeUndefined();
    expect(await reads.errors("no id")).toEqual([]);
    expect(await reads.records("no id")).toEqual([]);
    expect(asked).toEqual([]);
  });

  it.each([-1, 1.5, Number.NaN])("refuses a page of %d", async (limit) => {
    const message = `limit: needs a whole number of at least 0, not ${limit}.`;
    await expect(reads.list({ limit })).rejects.toThrow(message);
    await expect(reads.errors(ID, { limit })).rejects.toThrow(message);
    await expect(reads.list({ after: "page 2" })).rejects.toThrow(/^after: needs the id of a task/);
  });
});
