import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ChunkWork, ChunkWriter } from "../../../src/core/bulk/chunk-writer.ts";
import { sweep } from "../../../src/core/sweeper/sweep.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import { NO_COUNTS } from "../../../src/core/tasks/progress.ts";
import { launchTask } from "../../../src/core/tasks/launch/launch-task.ts";
import { plainBatch } from "../../../src/core/tasks/record-batch.ts";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { sampleTask } from "../../contract/sample-task.ts";
import { lockOwners } from "../../support/lock-owners.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { untilWaiting } from "../../support/until-waiting.ts";
import { createEngineFixture, createWriterOf, holdRecord } from "../../support/engine-fixture.ts";
import { insertThings, THING, thingsChangeableIn } from "../../support/thing-fixture.ts";
import { ORPHANS_AT_ONCE } from "../../support/sweep-options.ts";
import { emptying } from "../../support/empty-tables.ts";

const INCREMENT = { operation: "UPDATE", change: { count: { increment: 1 } } } as const;

let engine: EngineFixture;
let writer: ChunkWriter;
let allowedFields: readonly string[] | undefined;
const startedWith: string[] = [];

const TASKS = [
  defineTask({ kind: "boom", run: () => Promise.reject(new Error("boom")) }),
  defineTask({
    kind: "quick",
    async run({ task, input, progress }) {
      startedWith.push(task.id, JSON.stringify(input));
      progress.total(3);
      progress.add({ succeeded: 2, failed: 1 }, "nearly there");
      return { answer: 42 };
    },
  }),
];

beforeAll(async () => {
  engine = await createEngineFixture({
    models: thingsChangeableIn((field) => allowedFields?.includes(field) !== false),
    tasks: TASKS,
  });
  writer = createWriterOf(engine);
});
afterAll(() => engine.stop());
beforeEach(async () => {
  allowedFields = undefined;
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, 300);
});

async function launchCustom(kind: string): Promise<string> {
  const outcome = await launchTask(engine.ports, {
    kind,
    model: "Thing",
    viewer: ANONYMOUS,
    input: { hello: "world" },
    inputHash: "-",
    options: { mode: "ASYNC" },
    claims: [{ model: "Thing", ids: ["1", "2"] }],
    records: [],
    maxChunkRecords: 1,
    total: null,
  });
  return outcome.kind === "LAUNCHED" ? outcome.task.id : outcome.message;
}

/** Whether the store lets an attempt settle the task. */
async function settleAs(taskId: string, attempt: number): Promise<boolean> {
  const ending = { status: "FAILED", message: "late", result: null, counts: NO_COUNTS } as const;
  const settlement = { ...ending, finishedAt: new Date() };
  const settled = await engine.ports.unitOfWork.run((transaction) =>
    engine.ports.tasks.settle(transaction, taskId, attempt, settlement),
  );
  return settled !== undefined;
}

async function lifecycle(taskId: string): Promise<readonly (readonly [string, string | null])[]> {
  const events = await engine.ports.log.replay({ after: 0, taskIds: [taskId], limit: 100 });
  return events.map((event) => [event.type, event.message] as const);
}

describe("a handler", () => {
  it("makes the task FAILED with its message by throwing, and the locks are free", async () => {
    const id = await launchCustom("boom");
    expect(await engine.settled(id)).toMatchObject({ status: "FAILED", message: "boom" });
    await expect
      .poll(() => lifecycle(id))
      .toEqual([
        ["CREATE", null],
        ["START", null],
        ["FAIL", "boom"],
        ["CLEANUP", null],
      ]);
    expect(await lockOwners(engine.session)).toEqual([]);
  });

  it("gets its input and the task's id; its counts and result are kept", async () => {
    const id = await launchCustom("quick");
    expect(await engine.settled(id)).toMatchObject({
      status: "PARTIAL",
      message: "1 of 3 records failed; the others were dealt with.",
      result: { answer: 42 },
      progress: { total: 3, succeeded: 2, failed: 1, processed: 3, percent: 100 },
    });
    expect(startedWith).toEqual([id, '{"hello":"world"}']);
  });

  it("waits for a worker that knows its kind if this one does not, and can be cancelled meanwhile", async () => {
    const id = await launchCustom("unheardOf");
    const message = 'It waits for a worker that knows the kind "unheardOf".';
    await expect.poll(() => lifecycle(id)).toContainEqual(["POSTPONE", message]);
    expect(await cancelTask(engine.ports, { taskId: id, viewer: ANONYMOUS })).toMatchObject({
      task: { status: "CANCELLED", attempt: 0 },
    });
  });
});

describe("an attempt whose task was taken over", () => {
  it("writes nothing more, and each chunk is applied once", async () => {
    const release = await holdRecord(engine, 300);
    const task = await engine.launched({ ...INCREMENT, options: { errorPolicy: "SKIP_FAILED" } });
    await expect.poll(async () => (await engine.task(task.id)).progress.processed).toBe(250);
    // To the sweeper the lease is over, but the first attempt is still writing its last chunk.
    expect((await sweep(engine.ports, ORPHANS_AT_ONCE)).rescued).toEqual([task.id]);
    await release();
    const settled = await engine.settled(task.id);
    expect(settled).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 300 } });
    expect(
      await engine.session.query("SELECT count(*)::int AS n FROM thing WHERE count <> id % 100 + 1"),
    ).toEqual([{ n: 0 }]);
    expect(await settleAs(task.id, 1)).toBe(false);
    expect(await settleAs(task.id, 2)).toBe(false);
    const zombie: ChunkWork = { ...INCREMENT, taskId: task.id, attempt: 1, model: THING, scope: undefined };
    await engine.pool.query("UPDATE powercrud.chunk SET status = 'PENDING' WHERE task_id = $1", [task.id]);
    expect(await writer.writeNextChunk(zombie)).toEqual({ kind: "FENCED" });
    expect(
      await writer.writeAllChunks(zombie, {
        onWritten: () => undefined,
        signal: new AbortController().signal,
      }),
    ).toEqual({ kind: "FENCED" });
    expect(
      await engine.session.query("SELECT count(*)::int AS n FROM thing WHERE count <> id % 100 + 1"),
    ).toEqual([{ n: 0 }]);
  });

  it("is refused in every way of writing while the next attempt has the task", async () => {
    const taskId = await begunTwice();
    const work = (attempt: number): ChunkWork => ({
      ...INCREMENT,
      taskId,
      attempt,
      model: THING,
      scope: undefined,
    });
    const careful = (attempt: number): ChunkWork => ({ ...work(attempt), scope: { count: { gte: 0 } } });
    const run = { onWritten: () => undefined, signal: new AbortController().signal };
    const fenced = { kind: "FENCED" };
    for (const zombie of [work(1), careful(1)]) {
      expect(await writer.writeNextChunk(zombie)).toEqual(fenced);
      expect(await writer.writeAllChunks(zombie, run)).toEqual(fenced);
      expect(await writer.tryAllChunks(zombie, "SKIP_FAILED", run)).toEqual(fenced);
    }
    const untouched = "SELECT count(*)::int AS n FROM thing WHERE count <> id % 100";
    expect(await engine.session.query(untouched)).toEqual([{ n: 0 }]);
    expect(await writer.writeNextChunk(work(2))).toMatchObject({ kind: "WRITTEN" });
    expect(await writer.writeNextChunk(careful(2))).toMatchObject({ kind: "WRITTEN" });
    expect(await engine.session.query(untouched)).toEqual([{ n: 2 }]);
  });

  it("under ALL_OR_NOTHING leaves all chunks to the next attempt, which waits for the first one's transaction", async () => {
    const release = await holdRecord(engine, 300);
    const task = await engine.launched({ ...INCREMENT, options: { errorPolicy: "ALL_OR_NOTHING" } });
    await expect.poll(async () => (await engine.task(task.id)).status).toBe("RUNNING");
    await untilWaiting(engine.session);
    await sweep(engine.ports, ORPHANS_AT_ONCE);
    await expect.poll(async () => (await engine.task(task.id)).attempt).toBe(2);
    expect(await settleAs(task.id, 1)).toBe(false);
    await release();
    expect(await engine.settled(task.id)).toMatchObject({
      status: "SUCCEEDED",
      attempt: 2,
      progress: { succeeded: 300 },
    });
    expect(
      await engine.session.query("SELECT count(*)::int AS n FROM thing WHERE count <> id % 100 + 1"),
    ).toEqual([{ n: 0 }]);
  });
});

describe("the worker", () => {
  it("checks the allow-list again: a field forbidden since the launch is not written", async () => {
    // Two tasks that wait for locked rows use up the worker's concurrency, so the third stays in the queue.
    const releases = [await holdRecord(engine, 1), await holdRecord(engine, 2)];
    const launch = (id: string) =>
      engine.launched({ ...INCREMENT, selection: { ids: [id] }, options: { mode: "ASYNC" } });
    const blocked = [await launch("1"), await launch("2")];
    const status = async (task: { id: string }) => (await engine.task(task.id)).status;
    await expect.poll(() => Promise.all(blocked.map(status))).toEqual(["RUNNING", "RUNNING"]);
    const third = await launch("3");
    allowedFields = ["name"];
    await Promise.all(releases.map((release) => release()));
    expect(await engine.settled(third.id)).toMatchObject({
      status: "FAILED",
      message: "Thing.count cannot be changed in bulk. Fields that can: name.",
    });
    expect(await engine.session.query("SELECT count FROM thing WHERE id = 3")).toEqual([{ count: 3 }]);
  });
});

/** A task of two records in two chunks whose second attempt has begun without a worker. */
async function begunTwice(): Promise<string> {
  const { unitOfWork, tasks } = engine.ports;
  const task = sampleTask({ total: 2, chunks: [plainBatch(["1"]), plainBatch(["2"])] });
  await unitOfWork.run((transaction) => tasks.create(transaction, task));
  for (const expectedAttempt of [0, 1]) {
    await unitOfWork.run((transaction) =>
      tasks.beginAttempt(transaction, { taskId: task.id, expectedAttempt, workerId: "w", at: new Date() }),
    );
  }
  return task.id;
}
