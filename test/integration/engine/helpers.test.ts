import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Claim } from "../../../src/core/locks/claim.ts";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import { helpAttempt } from "../../../src/core/tasks/run/help-attempt.ts";
import { pauseTask } from "../../../src/core/tasks/run/pause-task.ts";
import { resumeTask } from "../../../src/core/tasks/run/resume-task.ts";
import type { Progress } from "../../../src/core/tasks/progress.ts";
import type { QueuedTask, TaskQueue } from "../../../src/core/tasks/task-queue.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, holdRecord } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

/** The fewest records of a task with helpers. */
const COUNT = 20_000;
const SKIP_FAILED = { errorPolicy: "SKIP_FAILED", mode: "ASYNC" } as const;
const NO_CLAIMS: readonly Claim[] = [];

let engine: EngineFixture;
/** The deliveries of helpers, in order. */
let asked: QueuedTask[] = [];
let helpersAre: "ENQUEUED" | "KEPT" = "ENQUEUED";

const listening = (real: TaskQueue): TaskQueue => ({
  ...real,
  async enqueue(tasks) {
    asked.push(...tasks.filter(({ helper }) => helper !== undefined));
    await real.enqueue(
      helpersAre === "ENQUEUED" ? tasks : tasks.filter(({ helper }) => helper === undefined),
    );
  },
});

beforeAll(async () => {
  engine = await createEngineFixture({
    queue: listening,
    chunkRecords: 500,
    // option: models.bulk.parallelism
    modelOptions: { Thing: { bulk: { parallelism: 3 } } },
  });
});
afterAll(() => engine.stop());
beforeEach(async () => {
  [asked, helpersAre] = [[], "ENQUEUED"];
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, COUNT);
  await engine.pool.query("UPDATE thing SET count = 0");
});

function increment(options: object = SKIP_FAILED): Promise<Task> {
  return engine.launched({ operation: "UPDATE", change: { count: { increment: 1 } }, options });
}

async function counts(): Promise<readonly unknown[]> {
  return engine.session.query("SELECT count, count(*)::int AS records FROM thing GROUP BY 1 ORDER BY 1");
}

describe("a large task", () => {
  it("is shared with other workers: each chunk is written once, and progress never falls", async () => {
    const { id } = await increment();
    const seen: Progress[] = [];
    for await (const task of engine.feed.watch(id)) {
      seen.push(task.progress);
    }
    expect(asked.map((task) => [task.id, task.attempt, task.helper])).toEqual([
      [id, 1, 1],
      [id, 1, 2],
    ]);
    expect(seen.at(-1)).toMatchObject({ total: COUNT, processed: COUNT, succeeded: COUNT });
    const processed = seen.map((progress) => progress.processed);
    expect(processed).toEqual(processed.toSorted((a, b) => a - b));
    expect(await counts()).toEqual([{ count: 1, records: COUNT }]);
    expect(await engine.ports.locks.heldBy(id)).toEqual(NO_CLAIMS);
  });

  it("is not shared under ALL_OR_NOTHING or if it is small", async () => {
    const whole = await increment({ errorPolicy: "ALL_OR_NOTHING", mode: "ASYNC" });
    await engine.settled(whole.id);
    const small = await engine.launched({
      operation: "UPDATE",
      change: { count: { increment: 1 } },
      selection: { ids: ["1", "2", "3"] },
      options: SKIP_FAILED,
    });
    await engine.settled(small.id);
    expect(asked).toEqual([]);
  });

  it("does not settle before a helper's chunk is written", async () => {
    helpersAre = "KEPT";
    const release = await holdRecord(engine, 1);
    const { id } = await increment();
    await expect.poll(() => asked.length).toBe(2);
    // At first the locked row blocks the attempt's lanes; then only that chunk is left for both.
    const helped = helpAttempt(engine.ports, asked[0] ?? { id, attempt: 1 });
    expect(await helped).toEqual({ kind: "HELPED" });
    expect((await engine.task(id)).status).toBe("RUNNING");
    await release();
    expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: COUNT } });
    expect(await counts()).toEqual([{ count: 1, records: COUNT }]);
  });

  it("stops its helpers when it is cancelled, and counts their chunks", async () => {
    helpersAre = "KEPT";
    const release = await holdRecord(engine, 1);
    const { id } = await increment();
    await expect.poll(() => asked.length).toBe(2);
    await cancelTask(engine.ports, { taskId: id, viewer: ANONYMOUS });
    expect(await helpAttempt(engine.ports, { id, attempt: 1, helper: 1 })).toEqual({
      kind: "STOPPED",
    });
    await release();
    const task = await engine.settled(id);
    expect(task.status).toBe("CANCELLED");
    const [{ records } = { records: 0 }] = await engine.session.query<{ records: number }>(
      "SELECT count(*)::int AS records FROM thing WHERE count = 1",
    );
    expect(task.progress.succeeded).toBe(records);
    expect(records).toBeLessThan(COUNT);
  });

  it("stops its helpers when it is paused, and its next attempt writes the rest once", async () => {
    helpersAre = "KEPT";
    const release = await holdRecord(engine, 1);
    const { id } = await increment();
    await expect.poll(() => asked.length).toBe(2);
    await pauseTask(engine.ports, { taskId: id, viewer: ANONYMOUS });
    expect(await helpAttempt(engine.ports, { id, attempt: 1, helper: 1 })).toEqual({ kind: "STOPPED" });
    await release();
    await expect.poll(async () => (await engine.task(id)).status).toBe("PAUSED");
    expect(await helpAttempt(engine.ports, { id, attempt: 1, helper: 2 })).toEqual({ kind: "NOT_NEEDED" });
    expect((await engine.task(id)).progress.succeeded).toBeLessThan(COUNT);
    await resumeTask(engine.ports, { taskId: id });
    expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: COUNT } });
    expect(await counts()).toEqual([{ count: 1, records: COUNT }]);
  });
});

describe("a late helper", () => {
  it("finds nothing to do", async () => {
    const { id } = await increment();
    await engine.settled(id);
    expect(await helpAttempt(engine.ports, { id, attempt: 1, helper: 1 })).toEqual({
      kind: "NOT_NEEDED",
    });
    expect(await counts()).toEqual([{ count: 1, records: COUNT }]);
  });

  it("writes nothing for an attempt that has lost the task", async () => {
    helpersAre = "KEPT";
    const release = await holdRecord(engine, 1);
    const { id } = await increment();
    await expect.poll(() => asked.length).toBe(2);
    expect(await helpAttempt(engine.ports, { id, attempt: 7, helper: 1 })).toEqual({
      kind: "NOT_NEEDED",
    });
    await release();
    expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED", attempt: 1 });
  });
});
