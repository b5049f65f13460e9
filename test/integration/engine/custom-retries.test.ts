import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { sweep } from "../../../src/core/sweeper/sweep.ts";
import type { RunContext } from "../../../src/core/tasks/define-task.ts";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import type { CustomLaunch } from "../../../src/core/tasks/launch/launch-custom.ts";
import { launchCustom } from "../../../src/core/tasks/launch/launch-custom.ts";
import type { LaunchOutcome } from "../../../src/core/tasks/launch/launch-outcome.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import type { QueuedTask } from "../../../src/core/tasks/task-queue.ts";
import { AppError } from "../../../src/kernel/app-error.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture } from "../../support/engine-fixture.ts";
import { ORPHANS_AT_ONCE, PATIENT } from "../../support/sweep-options.ts";

/** Whether deliveries of postponed tasks are lost. */
let isForgetful = false;
/** How often the schema of `hanging` was asked. It answers once, at the launch. */
let asked = 0;
/** How far the clock of the machine that takes deliveries is behind that of the one that enqueues them, in ms. */
let isBehindMs = 0;
/** What `run` does in each attempt; the last one counts for all that follow. */
let script: ((context: RunContext) => unknown)[] = [];
/** When each attempt began, in ms. */
let begun: number[] = [];

const act = async (context: RunContext): Promise<unknown> => {
  begun.push(Date.now());
  const step = script[Math.min(context.attempt, script.length) - 1];
  return step?.(context);
};
const fail = (message: string) => () => Promise.reject(new Error(message));

const claims = () => [{ model: "Thing", ids: ["1"] }] as const;
const TASKS = [
  // option: tasks.retries.max
  defineTask({ kind: "tenacious", claims, retries: { max: 3, delayMs: 100 }, run: act }),
  // option: tasks.retries.delayMs
  defineTask({ kind: "patient", claims, retries: { max: 1, delayMs: 3_600_000 }, run: act }),
  // option: tasks.retries.backoff
  defineTask({ kind: "steady", retries: { max: 2, backoff: "fixed", delayMs: 50 }, run: act }),
  defineTask({ kind: "eager", retries: { max: 1, delayMs: 3_600_000, maxDelayMs: 20 }, run: act }),
  defineTask({ kind: "slow", retries: { max: 1, delayMs: 1500 }, run: act }),
  defineTask({
    kind: "hanging",
    timeoutMs: 100,
    input: {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) => (++asked > 1 ? new Promise<never>(() => undefined) : { value }),
      },
    },
    run: act,
  }),
  // option: tasks.timeoutMs
  defineTask({ kind: "limited", timeoutMs: 100, run: act }),
  defineTask({ kind: "pressed", timeoutMs: 100, retries: { max: 1, delayMs: 1 }, run: act }),
];

const delayWrongly = (task: QueuedTask): QueuedTask =>
  task.delayMs === undefined || task.occasion !== undefined
    ? task
    : { ...task, delayMs: Math.max(0, task.delayMs + isBehindMs) };

let engine: EngineFixture;
beforeAll(async () => {
  engine = await createEngineFixture({
    tasks: TASKS,
    queue: (real) => ({
      ...real,
      enqueue: (tasks) => (isForgetful ? Promise.resolve() : real.enqueue(tasks.map(delayWrongly))),
    }),
  });
});
afterAll(() => engine.stop());
beforeEach(() => {
  [script, begun, isForgetful, isBehindMs] = [[], [], false, 0];
});

function launch(kind: string, parts: Partial<CustomLaunch> = {}): Promise<LaunchOutcome> {
  return launchCustom(engine.ports, { kind, input: null, options: { mode: "ASYNC" }, ...parts });
}

async function launched(kind: string, parts?: Partial<CustomLaunch>): Promise<Task> {
  const outcome = await launch(kind, parts);
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(`the launch was refused: ${outcome.kind} ${outcome.message}`);
  }
  return outcome.task;
}

async function untilPostponed({ id }: Task): Promise<Task> {
  await expect.poll(() => engine.task(id)).toMatchObject({ status: "PENDING", failures: 1 });
  return engine.task(id);
}

async function eventsOf({ id }: Task): Promise<readonly (readonly [string, string | null])[]> {
  const events = await engine.ports.log.replay({ after: 0, taskIds: [id], limit: 100 });
  return events.map(({ type, message }) => [type, message] as const);
}

describe("an attempt that fails", () => {
  it("is followed by others with growing delays, until one succeeds", async () => {
    script = [fail("first"), fail("second\u0000"), ({ attempt, task }) => [attempt, task.failures]];
    const task = await launched("tenacious");
    expect(await engine.settled(task.id)).toMatchObject({
      status: "SUCCEEDED",
      attempt: 3,
      failures: 2,
      result: [3, 2],
      postponedUntil: null,
    });
    await expect
      .poll(() => eventsOf(task))
      .toEqual([
        ["CREATE", null],
        ["START", null],
        ["POSTPONE", "first"],
        ["START", "attempt 2"],
        ["POSTPONE", "second\uFFFD"],
        ["START", "attempt 3"],
        ["COMPLETE", null],
        ["CLEANUP", null],
      ]);
    const [first = 0, second = 0, third = 0] = begun;
    expect(second - first).toBeGreaterThanOrEqual(100);
    expect(third - second).toBeGreaterThanOrEqual(200);
  });

  it("makes its task FAILED when no more may follow; a retry by hand has all of them again", async () => {
    script = [fail("never")];
    const task = await launched("steady");
    const failed = await engine.settled(task.id);
    expect(failed).toMatchObject({ status: "FAILED", message: "never", attempt: 3, failures: 2 });
    const again = await engine.retry({ taskId: task.id, viewer: ANONYMOUS });
    const retried = again.kind === "LAUNCHED" ? again.task.id : again.message;
    expect(await engine.settled(retried)).toMatchObject({ status: "FAILED", attempt: 3, retryOf: task.id });
  });

  // option: tasks.retries.maxDelayMs
  it("never waits longer than maxDelayMs", async () => {
    script = [fail("once")];
    expect(await engine.settled((await launched("eager")).id)).toMatchObject({ attempt: 2, failures: 1 });
  });

  it("leaves the locks with its task, which can be cancelled at once", async () => {
    script = [fail("later")];
    const task = await launched("patient");
    const { postponedUntil } = await untilPostponed(task);
    expect((postponedUntil?.getTime() ?? 0) - Date.now()).toBeGreaterThan(3_500_000);
    expect(await launch("tenacious")).toMatchObject({ kind: "CONFLICT", conflicts: [{ owner: task.id }] });
    expect(
      await sweep(engine.ports, { ...PATIENT, enqueueGraceMs: -1000, beginGraceMs: -1000 }),
    ).toMatchObject({
      enqueued: [],
    });
    expect(await cancelTask(engine.ports, { taskId: task.id, viewer: ANONYMOUS })).toMatchObject({
      kind: "CANCELLED",
      task: { status: "CANCELLED", attempt: 1 },
    });
    expect(await engine.ports.locks.heldBy(task.id)).toEqual([]);
  });

  it("makes its task CANCELLED if it is asked to stop while it fails", async () => {
    script = [
      async ({ task }) => {
        await engine.ports.tasks.requestCancel({ taskId: task.id, at: new Date(), by: null });
        throw new Error("too late");
      },
    ];
    const task = await launched("patient");
    expect(await engine.settled(task.id)).toMatchObject({ status: "CANCELLED", failures: 0 });
  });

  it("is followed by the next one if the queue lost its delivery", async () => {
    script = [
      () => {
        isForgetful = true;
        throw new Error("unlucky");
      },
      () => "made it",
    ];
    const task = await launched("tenacious");
    await untilPostponed(task);
    isForgetful = false;
    await expect
      .poll(async () => {
        await sweep(engine.ports, { ...PATIENT, beginGraceMs: 0 });
        return (await engine.task(task.id)).result;
      })
      .toBe("made it");
  });

  it("is followed by the next one when that is due, though another machine's clock is an hour ahead or behind", async () => {
    script = [fail("once"), ({ attempt }) => attempt];
    isBehindMs = 3_600_000;
    const late = await launched("tenacious");
    await untilPostponed(late);
    await expect
      .poll(async () => {
        await sweep(engine.ports, { ...PATIENT, beginGraceMs: 0 });
        return (await engine.task(late.id)).result;
      })
      .toBe(2);

    isBehindMs = -3_600_000;
    begun = [];
    const early = await launched("slow");
    expect((await engine.settled(early.id)).result).toBe(2);
    expect((begun[1] ?? 0) - (begun[0] ?? 0)).toBeGreaterThanOrEqual(1400);
  });

  it("does not count when a store is lost: the next one begins without a delay", async () => {
    script = [
      () => Promise.reject(new AppError("UNAVAILABLE", "The database cannot be reached.")),
      ({ task }) => task.failures,
    ];
    const task = await launched("patient");
    await expect
      .poll(async () => {
        await sweep(engine.ports, ORPHANS_AT_ONCE);
        return (await engine.task(task.id)).result;
      })
      .toBe(0);
  });
});

describe("an attempt that takes longer than it may", () => {
  it("is told so by its signal, and fails", async () => {
    let reason: unknown;
    script = [
      ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            ({ reason } = signal);
            reject(new Error("I had to stop"));
          });
        }),
    ];
    const task = await launched("limited");
    expect(await engine.settled(task.id)).toMatchObject({
      status: "FAILED",
      message: "The attempt took longer than 100 ms.",
    });
    expect(reason).toMatchObject({ code: "TIMED_OUT" });
  });

  it("fails also where its schema never answers", async () => {
    expect(await engine.settled((await launched("hanging")).id)).toMatchObject({
      status: "FAILED",
      message: "The attempt took longer than 100 ms.",
    });
  });

  it("is left behind if it does not heed that, and what it does later counts for nothing", async () => {
    let goOn: () => void = () => undefined;
    const isOver = new Promise<void>((resolve) => (goOn = resolve));
    let late: Promise<unknown> | undefined;
    script = [
      ({ progress }) => {
        late = isOver.then(() => {
          progress.add(7);
          throw new Error("too late");
        });
        return late;
      },
      ({ progress }) => {
        progress.add(2);
        return "in time";
      },
    ];
    const task = await launched("pressed");
    const settled = { status: "SUCCEEDED", result: "in time", failures: 1, progress: { succeeded: 2 } };
    expect(await engine.settled(task.id)).toMatchObject(settled);
    goOn();
    await expect(late).rejects.toThrow("too late");
    expect(await engine.task(task.id)).toMatchObject(settled);
  });
});
