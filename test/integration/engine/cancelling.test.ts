import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { sweep } from "../../../src/core/sweeper/sweep.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import type { CancelOutcome } from "../../../src/core/tasks/run/cancel-task.ts";
import type { RunContext } from "../../../src/core/tasks/define-task.ts";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import { launchCustom } from "../../../src/core/tasks/launch/launch-custom.ts";
import { progressOf } from "../../../src/core/tasks/progress.ts";
import { plainBatch } from "../../../src/core/tasks/record-batch.ts";
import type { NewTask } from "../../../src/core/tasks/new-tasks.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import { createId } from "../../../src/kernel/ids.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { untilWaiting } from "../../support/until-waiting.ts";
import { createEngineFixture, holdRecord } from "../../support/engine-fixture.ts";
import { withDeadline } from "../../support/deadline.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { ORPHANS_AT_ONCE } from "../../support/sweep-options.ts";
import { emptying } from "../../support/empty-tables.ts";

let engine: EngineFixture;
let sumBefore = 0;
/** Receives the context of the next custom task that runs. */
let onStart: (context: RunContext) => void = () => undefined;

const untilAborted = defineTask({
  kind: "untilAborted",
  claims: () => [{ model: "Thing", ids: ["1"] }],
  run(context) {
    return new Promise((_resolve, reject) => {
      context.signal.addEventListener("abort", () => reject(new Error("I had to stop")));
      context.progress.add(3);
      onStart(context);
    });
  },
});

beforeAll(async () => {
  engine = await createEngineFixture({ tasks: [untilAborted], chunkRecords: 50 });
});
afterAll(() => engine.stop());
beforeEach(async () => {
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, 400);
  sumBefore = 0;
  sumBefore = await total();
});

function cancel(taskId: string): Promise<CancelOutcome> {
  return cancelTask(engine.ports, { taskId, viewer: ANONYMOUS });
}

function increment(errorPolicy: "SKIP_FAILED" | "ALL_OR_NOTHING"): Promise<Task> {
  return engine.launched({
    operation: "UPDATE",
    change: { count: { increment: 1 } },
    options: { errorPolicy, mode: "ASYNC" },
  });
}

/** How many records were incremented. */
async function total(): Promise<number> {
  const [row] = await engine.session.query<{ sum: number }>("SELECT sum(count)::int AS sum FROM thing");
  return (row?.sum ?? 0) - sumBefore;
}

/** A task writes two chunks at a time. With a row of each of the first two locked, it stops there. */
async function holdBothLanes(): Promise<() => Promise<void>> {
  const [first, second] = [await holdRecord(engine, 1), await holdRecord(engine, 51)];
  return async () => {
    await first();
    await second();
  };
}

/** All events of a settled task. The last one follows the settlement. */
async function lifecycle(taskId: string): Promise<readonly string[]> {
  const read = async (): Promise<readonly string[]> => {
    const events = await engine.ports.log.replay({ after: 0, taskIds: [taskId], limit: 100 });
    const types = events.map(({ type }) => type);
    return types.includes("CLEANUP") ? types : read();
  };
  return withDeadline(read(), 10_000, "the task to be cleaned");
}

async function startCustom(): Promise<{ readonly id: string; readonly context: RunContext }> {
  const started = new Promise<RunContext>((resolve) => {
    onStart = resolve;
  });
  const outcome = await launchCustom(engine.ports, {
    kind: "untilAborted",
    input: null,
    options: { mode: "ASYNC" },
  });
  const context = await withDeadline(started, 10_000, "the task to start");
  return { id: outcome.kind === "LAUNCHED" ? outcome.task.id : "", context };
}

describe("cancelling", () => {
  it("a task that is still in the queue settles it at once: its records are free, and its delivery begins nothing", async () => {
    // Two tasks that wait for locked rows use up the worker's concurrency.
    const releases = [await holdRecord(engine, 1), await holdRecord(engine, 2)];
    const change = { operation: "UPDATE", change: { count: { increment: 1 } } } as const;
    const launch = (id: string): Promise<Task> =>
      engine.launched({ ...change, selection: { ids: [id] }, options: { mode: "ASYNC" } });
    const blocked = [await launch("1"), await launch("2")];
    await untilWaiting(engine.session, { count: 2 });
    const queued = await launch("3");
    expect(await cancel(queued.id)).toMatchObject({
      kind: "CANCELLED",
      task: { status: "CANCELLED", attempt: 0, progress: { processed: 0, total: 1 } },
    });
    expect(await engine.ports.locks.heldBy(queued.id)).toEqual([]);
    await Promise.all(releases.map((release) => release()));
    const later = await launch("4");
    for (const { id } of [...blocked, later]) {
      expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED" });
    }
    expect(await engine.task(queued.id)).toMatchObject({ status: "CANCELLED", attempt: 0 });
    expect(await total()).toBe(3);
  });

  it("stops a running task before its next chunk, keeps the DONE chunks, and reports the rest as unprocessed", async () => {
    const release = await holdBothLanes();
    const task = await increment("SKIP_FAILED");
    await untilWaiting(engine.session, { count: 2 });
    const outcome = await cancel(task.id);
    expect(outcome).toMatchObject({ kind: "CANCELLED", task: { status: "RUNNING" } });
    expect(outcome.kind === "CANCELLED" && outcome.task.cancelRequestedAt).toBeInstanceOf(Date);
    await release();
    const settled = await engine.settled(task.id);
    expect(settled.status).toBe("CANCELLED");
    // The two chunks that were being written.
    expect(settled.progress).toMatchObject({ succeeded: 100, processed: 100, total: 400 });
    expect(settled.message).toBe(
      "Cancelled: 100 of 400 records were dealt with, 300 were left as they were.",
    );
    expect(await total()).toBe(100);
    expect(await engine.ports.locks.heldBy(task.id)).toEqual([]);
    expect(await lifecycle(task.id)).toEqual(["CREATE", "START", "CANCEL", "CLEANUP"]);
  });

  it("rolls an ALL_OR_NOTHING task back", async () => {
    const release = await holdBothLanes();
    const task = await increment("ALL_OR_NOTHING");
    await untilWaiting(engine.session);
    await cancel(task.id);
    await release();
    expect(await engine.settled(task.id)).toMatchObject({
      status: "CANCELLED",
      progress: { succeeded: 0, processed: 0, total: 400 },
    });
    expect(await total()).toBe(0);
  });

  it("counts no record as changed when the connection is lost after the request", async () => {
    const release = await holdRecord(engine, 101);
    const task = await increment("ALL_OR_NOTHING");
    await untilWaiting(engine.session);
    await cancel(task.id);
    await engine.pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    await release();
    await expect
      .poll(async () => {
        await sweep(engine.ports, ORPHANS_AT_ONCE);
        return engine.task(task.id);
      })
      .toMatchObject({ status: "CANCELLED", progress: { succeeded: 0, processed: 0, total: 400 } });
    expect(await total()).toBe(0);
  });

  it("aborts a handler's signal; any error after that counts as the cancellation", async () => {
    const { id, context } = await startCustom();
    await cancel(id);
    expect(await engine.settled(id)).toMatchObject({
      status: "CANCELLED",
      message: "Cancelled after 3 records.",
    });
    expect(context.signal.reason).toMatchObject({ code: "CANCELLED" });
  });

  it("is noticed by the heartbeat if the message is lost", async () => {
    const { id } = await startCustom();
    await engine.ports.tasks.requestCancel({ taskId: id, at: new Date(), by: null });
    expect((await engine.settled(id)).status).toBe("CANCELLED");
  });

  it("settles a task whose worker died, without running it again", async () => {
    const taskId = await beginWithoutWorker();
    expect(await cancel(taskId)).toMatchObject({ kind: "CANCELLED", task: { status: "RUNNING" } });
    expect((await sweep(engine.ports, ORPHANS_AT_ONCE)).cancelled).toEqual([taskId]);
    expect((await engine.task(taskId)).status).toBe("CANCELLED");
    expect(await sweep(engine.ports, ORPHANS_AT_ONCE)).toMatchObject({ cancelled: [], rescued: [] });
  });

  it("counts the DONE chunks of a task whose worker died, not its last report", async () => {
    const chunks = [plainBatch(["1", "2"])];
    const taskId = await beginWithoutWorker({ errorPolicy: "ALL_OR_NOTHING", total: 2, chunks });
    const progress = progressOf(2, { succeeded: 2, failed: 0, skipped: 0 });
    await engine.ports.tasks.heartbeat({ taskId, attempt: 1, at: new Date(), progress });
    await cancel(taskId);
    await sweep(engine.ports, ORPHANS_AT_ONCE);
    expect(await engine.task(taskId)).toMatchObject({ status: "CANCELLED", progress: { succeeded: 0 } });
  });

  it("is refused for settled and unknown tasks", async () => {
    const task = await increment("SKIP_FAILED");
    await engine.settled(task.id);
    expect(await cancel(task.id)).toMatchObject({ kind: "SETTLED", task: { status: "SUCCEEDED" } });
    expect(await cancel(createId(new Date()))).toMatchObject({ kind: "MISSING" });
    expect(await cancel("nonsense")).toMatchObject({ kind: "MISSING" });
    expect(await total()).toBe(400);
  });

  it("happens once if it is requested many times at once", async () => {
    const release = await holdBothLanes();
    const task = await increment("SKIP_FAILED");
    await untilWaiting(engine.session, { count: 2 });
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => cancel(task.id)));
    await release();
    expect((await engine.settled(task.id)).status).toBe("CANCELLED");
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(["CANCELLED"]));
    expect(await lifecycle(task.id)).toEqual(["CREATE", "START", "CANCEL", "CLEANUP"]);
  });
});

/** Begins the task as a worker that then died, so that its lease is not renewed. */
async function beginWithoutWorker(parts: Partial<NewTask> = {}): Promise<string> {
  const id = createId(new Date());
  await engine.ports.unitOfWork.run(async (transaction) => {
    await engine.ports.tasks.create(transaction, {
      id,
      kind: "untilAborted",
      model: null,
      label: null,
      viewer: ANONYMOUS,
      errorPolicy: "SKIP_FAILED",
      isDryRun: false,
      onConflict: "REJECT",
      retryOf: null,
      parent: null,
      schedule: null,
      notify: null,
      concurrency: null,
      input: null,
      idempotencyKey: null,
      duplicateKey: null,
      inputHash: id,
      createdAt: new Date(),
      total: null,
      chunks: [],
      claims: [],
      skipped: [],
      ...parts,
    });
    const begin = { taskId: id, expectedAttempt: 0, workerId: "dead", at: new Date() };
    await engine.ports.tasks.beginAttempt(transaction, begin);
  });
  return id;
}
