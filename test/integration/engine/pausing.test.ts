/* oxlint-disable eslint/max-lines -- one fixture serves all cases */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { sweep, sweepNow } from "../../../src/core/sweeper/sweep.ts";
import type { RunContext } from "../../../src/core/tasks/define-task.ts";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import { launchCustom } from "../../../src/core/tasks/launch/launch-custom.ts";
import { NO_COUNTS, progressOf } from "../../../src/core/tasks/progress.ts";
import { plainBatch } from "../../../src/core/tasks/record-batch.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import { pauseTask } from "../../../src/core/tasks/run/pause-task.ts";
import { resumeTask } from "../../../src/core/tasks/run/resume-task.ts";
import { settleTask } from "../../../src/core/tasks/settle/settle-task.ts";
import type { TaskStatus } from "../../../src/core/tasks/task-status.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import { createId } from "../../../src/kernel/ids.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { EngineFixture, HeldThings } from "../../support/engine-fixture.ts";
import { createEngineFixture, createHeldThings, createWriterOf } from "../../support/engine-fixture.ts";
import { ORPHANS_AT_ONCE, PATIENT } from "../../support/sweep-options.ts";
import { insertThings, THING } from "../../support/thing-fixture.ts";
import { untilWaiting } from "../../support/until-waiting.ts";
import { emptying } from "../../support/empty-tables.ts";

/** Attempts that a pause ended do not count. */
const MAX_ATTEMPTS = 2;
const INCREMENT = { operation: "UPDATE", change: { count: { increment: 1 } } } as const;
const ADA = { id: "ada" };

let engine: EngineFixture;
let held: HeldThings;
let sumBefore = 0;
/** Receives the context of each custom task that runs. */
let onStart: (context: RunContext) => void = () => undefined;
/** Lets the custom task that runs return. */
let finish: () => void = () => undefined;

const untilStopped = defineTask({
  kind: "untilStopped",
  run(context) {
    return new Promise<void>((resolve, reject) => {
      context.signal.addEventListener("abort", () => reject(new Error("I had to stop")));
      finish = resolve;
      context.progress.add(3, "three");
      onStart(context);
    });
  },
});
const deaf = defineTask({
  kind: "deaf",
  run: (context) =>
    new Promise<string>((resolve) => {
      finish = () => resolve("I did not listen");
      onStart(context);
    }),
});

const failing = defineTask({
  kind: "failing",
  retries: { max: 1, delayMs: 60_000 },
  run: () => Promise.reject(new Error("not now")),
});

beforeAll(async () => {
  engine = await createEngineFixture({
    tasks: [untilStopped, deaf, failing],
    chunkRecords: 50,
    maxAttempts: MAX_ATTEMPTS,
    leaseMs: 1500,
  });
  held = createHeldThings(() => engine);
});
afterAll(() => engine.stop());
beforeEach(async () => {
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, 400);
  sumBefore = 0;
  sumBefore = await total();
});
afterEach(() => held.releaseAll());

const pause = (taskId: string) => pauseTask(engine.ports, { taskId, viewer: ADA });
const resume = (taskId: string) => resumeTask(engine.ports, { taskId });

function increment(errorPolicy: "SKIP_FAILED" | "ALL_OR_NOTHING"): Promise<Task> {
  return engine.launched({
    ...INCREMENT,
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
  const [first, second] = [await held.hold(1), await held.hold(51)];
  return async () => {
    await first();
    await second();
  };
}

async function until(taskId: string, status: TaskStatus): Promise<Task> {
  for await (const task of engine.feed.watch(taskId)) {
    if (task.status === status) {
      return task;
    }
  }
  throw new Error(`the task ended without being ${status}`);
}
const untilPaused = (taskId: string) => withDeadline(until(taskId, "PAUSED"), 10_000, "the pause");

async function eventsOf(taskId: string): Promise<readonly string[]> {
  const events = await engine.ports.log.replay({ after: 0, taskIds: [taskId], limit: 100 });
  return events.map(({ type }) => type);
}

async function startCustom(kind = "untilStopped"): Promise<{ id: string; context: RunContext }> {
  const started = nextStart();
  const outcome = await launchCustom(engine.ports, { kind, input: null, options: { mode: "ASYNC" } });
  return { id: outcome.kind === "LAUNCHED" ? outcome.task.id : "", context: await started };
}

function nextStart(): Promise<RunContext> {
  const started = new Promise<RunContext>((resolve) => {
    onStart = resolve;
  });
  return withDeadline(started, 10_000, "the task to start");
}

/** A task that a worker began, and whose pause was asked for, when the worker died. */
async function pausedWithoutWorker(): Promise<string> {
  const id = createId(new Date());
  await engine.ports.unitOfWork.run(async (transaction) => {
    await engine.ports.tasks.create(transaction, {
      id,
      kind: "bulkUpdate",
      model: "Thing",
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
      input: { data: { count: { increment: 1 } } },
      idempotencyKey: null,
      duplicateKey: null,
      inputHash: id,
      createdAt: new Date(),
      total: 2,
      chunks: [plainBatch(["1"]), plainBatch(["2"])],
      claims: [],
      skipped: [],
    });
    const begin = { taskId: id, expectedAttempt: 0, workerId: "dead", at: new Date() };
    await engine.ports.tasks.beginAttempt(transaction, begin);
  });
  expect(await pause(id)).toMatchObject({ kind: "PAUSED", task: { status: "RUNNING" } });
  return id;
}

describe("pausing a bulk task", () => {
  it("stops it before its next chunk, keeps the DONE chunks and its locks, and goes on when it is resumed", async () => {
    const release = await holdBothLanes();
    const { id } = await increment("SKIP_FAILED");
    await untilWaiting(engine.session, { count: 2 });
    const outcome = await pause(id);
    expect(outcome).toMatchObject({
      kind: "PAUSED",
      task: {
        status: "RUNNING",
        pauseRequestedAt: expect.any(Date),
        pauseRequestedBy: "ada",
        pausedAt: null,
      },
    });
    await release();
    const paused = await untilPaused(id);
    // The two chunks that were being written.
    expect(paused).toMatchObject({ attempt: 1, finishedAt: null, progress: { succeeded: 100, total: 400 } });
    expect(paused.pausedAt).toBeInstanceOf(Date);
    expect(await total()).toBe(100);
    expect(await engine.ports.locks.heldBy(id)).toHaveLength(1);
    expect(await eventsOf(id)).toEqual(["CREATE", "START", "PAUSE"]);
    expect(await pause(id)).toMatchObject({ kind: "PAUSED", task: { status: "PAUSED" } });

    expect(await resume(id)).toMatchObject({
      kind: "RESUMED",
      task: { pausedAt: null, pauseRequestedAt: null },
    });
    expect(await engine.settled(id)).toMatchObject({
      status: "SUCCEEDED",
      attempt: 2,
      failures: 0,
      pauses: 1,
      progress: { succeeded: 400 },
    });
    expect(await total()).toBe(400);
    expect((await eventsOf(id)).slice(0, 6)).toEqual([
      "CREATE",
      "START",
      "PAUSE",
      "RESUME",
      "START",
      "COMPLETE",
    ]);
  });

  it("rolls an ALL_OR_NOTHING task back, which begins again when it is resumed", async () => {
    const release = await held.hold(101);
    const { id } = await increment("ALL_OR_NOTHING");
    await untilWaiting(engine.session);
    await pause(id);
    await release();
    expect(await untilPaused(id)).toMatchObject({ progress: { succeeded: 0, processed: 0, total: 400 } });
    expect(await total()).toBe(0);
    await resume(id);
    expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED", progress: { succeeded: 400 } });
    expect(await total()).toBe(400);
  });

  it("is noticed at the next chunk if the message is lost", async () => {
    const release = await holdBothLanes();
    const { id } = await increment("SKIP_FAILED");
    await untilWaiting(engine.session, { count: 2 });
    await engine.ports.tasks.requestPause({ taskId: id, at: new Date(), by: null });
    await release();
    expect(await untilPaused(id)).toMatchObject({ progress: { succeeded: 100 } });
    await resume(id);
    expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED" });
    expect(await total()).toBe(400);
  });

  it("shows each state to those who watch it, live", async () => {
    const release = await holdBothLanes();
    const { id } = await increment("SKIP_FAILED");
    const seen: string[] = [];
    let goOn: () => Promise<void> = async () => undefined;
    let showRunning = (): void => undefined;
    const isRunningShown = new Promise<void>((resolve) => (showRunning = resolve));
    const watching = (async () => {
      for await (const { status } of engine.feed.watch(id)) {
        if (seen.at(-1) !== status) {
          seen.push(status);
        }
        if (status === "RUNNING") {
          showRunning();
          await goOn();
        }
        if (status === "PAUSED") {
          // Of several changes together only the latest is shown.
          goOn = await held.hold(201);
          await resume(id);
        }
      }
    })();
    await untilWaiting(engine.session, { count: 2 });
    await withDeadline(isRunningShown, 20_000, "the task's start");
    await pause(id);
    await release();
    await withDeadline(watching, 20_000, "the end of the task");
    expect(seen.filter((status) => status !== "PENDING")).toEqual([
      "RUNNING",
      "PAUSED",
      "RUNNING",
      "SUCCEEDED",
    ]);
  });

  it("keeps the tasks behind it waiting, which name it, and lets them go on in their turn", async () => {
    const release = await holdBothLanes();
    const { id } = await increment("SKIP_FAILED");
    await untilWaiting(engine.session, { count: 2 });
    await pause(id);
    await release();
    await untilPaused(id);
    const behind = await engine.launched({
      operation: "UPDATE",
      selection: { ids: ["400"] },
      change: { count: { increment: 1 } },
      options: { mode: "ASYNC", onConflict: "WAIT" },
    });
    expect(behind).toMatchObject({ status: "WAITING", blockedBy: id });
    expect(await pause(behind.id)).toMatchObject({ kind: "NOT_PAUSABLE", task: { id: behind.id } });
    const { leftAlone, summary } = await sweepNow(engine.ports, { ...ORPHANS_AT_ONCE, retentionMs: -1000 });
    expect(summary).toMatchObject({ rescued: [], paused: [], promoted: [], released: [] });
    expect(summary.pruned).not.toContain(id);
    expect(leftAlone).toContainEqual({ taskId: id, reason: expect.stringMatching(/^It is paused since 20/) });
    await resume(id);
    await engine.settled(id);
    expect(await engine.settled(behind.id)).toMatchObject({ status: "SUCCEEDED" });
    expect(await total()).toBe(401);
  });
});

describe("pausing a custom task", () => {
  it("aborts its signal; what it throws then is no failure, and its next attempt runs", async () => {
    const { id, context } = await startCustom();
    await pause(id);
    expect(await untilPaused(id)).toMatchObject({
      progress: { succeeded: 3, message: "three" },
      message: null,
    });
    expect(context.signal.reason).toMatchObject({ code: "PAUSED" });
    const restarted = nextStart();
    await resume(id);
    expect((await restarted).attempt).toBe(2);
    finish();
    expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED", failures: 0 });
  });

  it("does not stop one that returns anyway", async () => {
    const { id } = await startCustom("deaf");
    await pause(id);
    finish();
    expect(await engine.settled(id)).toMatchObject({
      status: "SUCCEEDED",
      result: "I did not listen",
      pauseRequestedAt: null,
    });
    expect(await pause(id)).toMatchObject({ kind: "SETTLED", task: { status: "SUCCEEDED" } });
    expect(await resume(id)).toMatchObject({ kind: "SETTLED" });
  });

  it("is noticed by the heartbeat if the message is lost", async () => {
    const { id } = await startCustom();
    await engine.ports.tasks.requestPause({ taskId: id, at: new Date(), by: null });
    await untilPaused(id);
    expect(await cancelTask(engine.ports, { taskId: id, viewer: ADA })).toMatchObject({
      kind: "CANCELLED",
      task: { status: "CANCELLED", message: "Cancelled after 3 records.", pausedAt: null },
    });
    expect(await eventsOf(id)).toEqual(["CREATE", "START", "PAUSE", "CANCEL", "CLEANUP"]);
  });

  it("does not count against its attempts", async () => {
    const { id } = await startCustom();
    for (let round = 0; round <= MAX_ATTEMPTS; round += 1) {
      await pause(id);
      await untilPaused(id);
      const restarted = nextStart();
      await resume(id);
      await restarted;
    }
    finish();
    expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED", pauses: MAX_ATTEMPTS + 1 });
  });

  it("that was postponed still waits for its time when it is resumed", async () => {
    const outcome = await launchCustom(engine.ports, { kind: "failing", input: null });
    const id = outcome.kind === "LAUNCHED" ? outcome.task.id : "";
    await expect.poll(async () => (await engine.task(id)).postponedUntil).not.toBeNull();
    const { postponedUntil } = await engine.task(id);
    expect(await pause(id)).toMatchObject({ task: { status: "PAUSED", failures: 1 } });
    expect(await resume(id)).toMatchObject({ task: { status: "PENDING", attempt: 1, postponedUntil } });
    expect(await engine.ports.queue.count()).toBe(1);
    expect(await sweep(engine.ports, { ...ORPHANS_AT_ONCE, enqueueGraceMs: -1000 })).toMatchObject({
      enqueued: [],
    });
    await cancelTask(engine.ports, { taskId: id, viewer: ADA });
  });

  it("that is resumed before it has stopped runs on, or again", async () => {
    const { id, context } = await startCustom();
    expect(await resume(id)).toMatchObject({ kind: "NOT_PAUSED", task: { status: "RUNNING" } });
    await engine.ports.tasks.requestPause({ taskId: id, at: new Date(), by: null });
    expect(await resume(id)).toMatchObject({
      kind: "RESUMED",
      task: { status: "RUNNING", pauseRequestedAt: null },
    });
    const restarted = nextStart();
    // Aborts the signal, as a message does that arrives late.
    await engine.ports.bus.publish("powercrud_pauses", { taskId: id });
    expect((await restarted).attempt).toBe(context.attempt + 1);
    finish();
    expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED", pauses: 1 });
  });
});

describe("a paused task whose worker died before it stopped", () => {
  it("is paused by the sweeper, and the worker, should it come back, neither writes nor settles", async () => {
    const id = await pausedWithoutWorker();
    expect(await sweep(engine.ports, PATIENT)).toMatchObject({ paused: [], rescued: [] });
    expect(await sweep(engine.ports, ORPHANS_AT_ONCE)).toMatchObject({ paused: [id], rescued: [] });
    expect(await engine.task(id)).toMatchObject({ status: "PAUSED", attempt: 1 });
    expect(await eventsOf(id)).toEqual(["PAUSE"]);
    const ending = { status: "FAILED", message: "late", result: null, counts: NO_COUNTS } as const;
    const settlement = {
      taskId: id,
      kind: "bulkUpdate",
      attempt: 1,
      total: 2,
      settle: ending,
      byAttempt: true,
    };
    expect(await settleTask(engine.ports, settlement)).toBeUndefined();
    const beat = { taskId: id, attempt: 1, at: new Date(), progress: progressOf(2, NO_COUNTS) };
    expect(await engine.ports.tasks.heartbeat(beat)).toMatchObject({ isCurrent: false });
    const { writeNextChunk } = createWriterOf(engine);
    const work = { ...INCREMENT, taskId: id, attempt: 1, model: THING, scope: undefined };
    expect(await writeNextChunk(work)).toEqual({ kind: "FENCED" });
    await resume(id);
    expect(await engine.settled(id)).toMatchObject({ status: "SUCCEEDED", attempt: 2 });
    expect(await total()).toBe(2);
  });
});

describe("while a task is being paused", () => {
  it("requests to cancel and to resume wait, and find it PAUSED", async () => {
    const { id } = await startCustom("deaf");
    const { tasks, unitOfWork } = engine.ports;
    await tasks.requestPause({ taskId: id, at: new Date(), by: null });
    const requests = await unitOfWork.run(async (transaction) => {
      await tasks.lockDone(transaction, id, 1);
      const end = { taskId: id, attempt: 1, at: new Date(), progress: progressOf(null, NO_COUNTS) };
      await tasks.pauseRunning(transaction, end);
      const both = Promise.all([
        tasks.withdrawPause(id),
        tasks.requestCancel({ taskId: id, at: new Date(), by: null }),
      ]);
      await untilWaiting(engine.session, { count: 2 });
      return { both };
    });
    expect(await requests.both).toEqual([false, false]);
    expect(await engine.task(id)).toMatchObject({ status: "PAUSED", cancelRequestedAt: null });
    finish();
    expect(await cancelTask(engine.ports, { taskId: id, viewer: ADA })).toMatchObject({
      task: { status: "CANCELLED" },
    });
  });
});
