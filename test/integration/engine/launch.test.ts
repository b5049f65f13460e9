import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sweep } from "../../../src/core/sweeper/sweep.ts";
import { executeAttempt } from "../../../src/core/tasks/run/execute-attempt.ts";
import type { LaunchOutcome } from "../../../src/core/tasks/launch/launch-outcome.ts";
import type { QueuedTask, TaskQueue } from "../../../src/core/tasks/task-queue.ts";
import { AppError } from "../../../src/kernel/app-error.ts";
import { lockOwners } from "../../support/lock-owners.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, holdRecord } from "../../support/engine-fixture.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { idsFrom } from "../../support/ids-from.ts";
import { emptying } from "../../support/empty-tables.ts";

const INCREMENT = { operation: "UPDATE", change: { count: { increment: 1 } } } as const;
const SKIP_FAILED = { errorPolicy: "SKIP_FAILED" } as const;
const EAGER = { enqueueGraceMs: -1000, beginGraceMs: 60_000, leaseMs: 60_000, cleanGraceMs: -1000 };

let engine: EngineFixture;
/** How the queue answers the next launches. */
let queueMood: "WORKS" | "FAILS" | "LOSES_ANSWER" | "DIES" = "WORKS";

function moodyQueue(real: TaskQueue): TaskQueue {
  return {
    ...real,
    enqueue(tasks) {
      switch (queueMood) {
        case "WORKS":
          return real.enqueue(tasks);
        case "FAILS":
          return Promise.reject(new AppError("UNAVAILABLE", "The task queue cannot be reached."));
        case "LOSES_ANSWER":
          return enqueueUnheard(real, tasks);
        case "DIES":
          // Like a process that dies between its commit and the enqueueing: it never answers.
          return new Promise(() => undefined);
      }
    },
  };
}

/** The queue takes the tasks, a worker begins the first, and only then the connection is lost. */
async function enqueueUnheard(real: TaskQueue, tasks: readonly QueuedTask[]): Promise<never> {
  await real.enqueue(tasks);
  await expect
    .poll(async () => (await engine.task(tasks[0]?.id ?? "")).status, { timeout: 20_000 })
    .toBe("RUNNING");
  throw new AppError("UNAVAILABLE", "The task queue cannot be reached.");
}

beforeAll(async () => {
  engine = await createEngineFixture({ queue: moodyQueue });
});
afterAll(() => engine.stop());
beforeEach(async () => {
  queueMood = "WORKS";
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, 200);
});

async function countOf(id: number): Promise<number | undefined> {
  const [row] = await engine.session.query<{ count: number }>("SELECT count FROM thing WHERE id = $1", [id]);
  return row?.count;
}

async function taskCount(): Promise<number> {
  return engine.ports.tasks.count({});
}

function refusal<T extends LaunchOutcome["kind"]>(outcome: LaunchOutcome, expected: T) {
  expect(outcome.kind).toBe(expected);
  return outcome as Extract<LaunchOutcome, { kind: T }>;
}

describe("conflicts", () => {
  it("refuse the whole overlapping launch with record, holder and progress, and leave the holder alone", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await engine.launched({
      ...INCREMENT,
      selection: { ids: idsFrom(1, 50) },
      options: { ...SKIP_FAILED, label: "first" },
    });
    const before = await taskCount();
    const refused = refusal(
      await engine.launch({ ...INCREMENT, selection: { ids: idsFrom(50, 40) } }),
      "CONFLICT",
    );
    expect(refused.totalConflicts).toBe(1);
    expect(refused.conflicts).toEqual([
      expect.objectContaining({
        model: "Thing",
        id: "50",
        heldBy: expect.objectContaining({ id: holder.id, label: "first" }),
      }),
    ]);
    expect(refused.message).toMatch(new RegExp(`Thing 50 is held by task ${holder.id}`));
    expect(await taskCount()).toBe(before);
    expect((await engine.ports.locks.owners("Thing", idsFrom(51, 39))).size).toBe(0);
    expect((await engine.ports.locks.owners("Thing", idsFrom(1, 50))).size).toBe(50);
    await release();
    await engine.settled(holder.id);
    const free = refusal(
      await engine.launch({ ...INCREMENT, selection: { ids: idsFrom(50, 40) } }),
      "LAUNCHED",
    );
    expect(free.isDuplicate).toBe(false);
    await engine.settled(free.task.id);
  });

  it("accept exactly one of many overlapping launches", async () => {
    const release = await holdRecord(engine, 100);
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        engine.launch({
          ...INCREMENT,
          selection: { ids: [...idsFrom(1 + at, 30), "100"] },
          options: SKIP_FAILED,
        }),
      ),
    );
    const launched = outcomes.filter((outcome) => outcome.kind === "LAUNCHED");
    expect(launched).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome.kind === "CONFLICT")).toHaveLength(11);
    const [winner] = launched;
    expect(await lockOwners(engine.session)).toEqual([winner?.task.id]);
    await release();
    await engine.settled(winner?.task.id ?? "");
    expect(await lockOwners(engine.session)).toEqual([]);
  });

  it("hold for small, synchronous launches as well", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await engine.launched({
      ...INCREMENT,
      selection: { ids: idsFrom(1, 50) },
      options: SKIP_FAILED,
    });
    refusal(await engine.launch({ ...INCREMENT, selection: { ids: ["2"] } }), "CONFLICT");
    expect(await countOf(2)).toBe(2);
    await release();
    await engine.settled(holder.id);
  });
});

describe("the queue", () => {
  it("that is unreachable refuses the launch, and nothing is held or changed", async () => {
    queueMood = "FAILS";
    const refused = refusal(
      await engine.launch({ ...INCREMENT, options: { idempotencyKey: "down" } }),
      "UNAVAILABLE",
    );
    expect(refused.message).toMatch(/nothing was changed/);
    expect(await lockOwners(engine.session)).toEqual([]);
    expect(await countOf(1)).toBe(1);
    queueMood = "WORKS";
    const again = refusal(
      await engine.launch({ ...INCREMENT, options: { idempotencyKey: "down" } }),
      "LAUNCHED",
    );
    expect(again.isDuplicate).toBe(false);
    expect(await engine.settled(again.task.id)).toMatchObject({ status: "SUCCEEDED" });
  });

  it("that is unreachable leaves the skipped records in the withdrawn task's counts", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await engine.launched({
      ...INCREMENT,
      selection: { ids: idsFrom(1, 50) },
      options: SKIP_FAILED,
    });
    queueMood = "FAILS";
    refusal(
      await engine.launch({
        ...INCREMENT,
        selection: { ids: idsFrom(50, 40) },
        options: { onConflict: "SKIP", label: "withdrawn" },
      }),
      "UNAVAILABLE",
    );
    const [row] = await engine.session.query<{ id: string }>(
      "SELECT id::text FROM powercrud.task WHERE label = 'withdrawn'",
    );
    expect(await engine.task(row?.id ?? "")).toMatchObject({
      status: "FAILED",
      progress: { total: 40, succeeded: 0, failed: 0, skipped: 1 },
    });
    await release();
    await engine.settled(holder.id);
  });

  it("that took the task, and whose answer was lost, has accepted it: nothing is withdrawn", async () => {
    const release = await holdRecord(engine, 1);
    queueMood = "LOSES_ANSWER";
    const { task } = refusal(await engine.launch({ ...INCREMENT, options: SKIP_FAILED }), "LAUNCHED");
    expect(task.status).toBe("RUNNING");
    await release();
    expect(await engine.settled(task.id)).toMatchObject({ status: "SUCCEEDED", attempt: 1 });
    expect(await countOf(1)).toBe(2);
  });

  it("gets the task of a launcher that died from the sweeper, and the task runs once", async () => {
    queueMood = "DIES";
    const known = await taskCount();
    void engine.launch({ ...INCREMENT, options: SKIP_FAILED });
    await expect.poll(taskCount).toBe(known + 1);
    const [task] = await engine.ports.tasks.list({ limit: 1 });
    expect(task?.status).toBe("PENDING");
    queueMood = "WORKS";
    const summaries = await Promise.all([sweep(engine.ports, EAGER), sweep(engine.ports, EAGER)]);
    expect(summaries.flatMap((summary) => summary.enqueued)).toContain(task?.id);
    expect(await engine.settled(task?.id ?? "")).toMatchObject({ status: "SUCCEEDED", attempt: 1 });
    expect(await countOf(1)).toBe(2);
    expect((await sweep(engine.ports, EAGER)).enqueued).toEqual([]);
  });

  it("may deliver twice: only one delivery runs", async () => {
    queueMood = "DIES";
    const known = await taskCount();
    void engine.launch({ ...INCREMENT, options: SKIP_FAILED });
    await expect.poll(taskCount).toBe(known + 1);
    const [task] = await engine.ports.tasks.list({ limit: 1 });
    const delivery = { id: task?.id ?? "", attempt: 0 };
    const outcomes = await Promise.all([
      executeAttempt(engine.ports, delivery),
      executeAttempt(engine.ports, delivery),
    ]);
    expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(["NOT_BEGUN", "SETTLED"]);
    expect(await countOf(1)).toBe(2);
  });
});

describe("the threshold", () => {
  it.each([
    [19, "AUTO", "SUCCEEDED"],
    [20, "AUTO", "PENDING"],
    [19, "ASYNC", "PENDING"],
    [50, "SYNC", "SUCCEEDED"],
  ] as const)("%i records in mode %s come back %s", async (count, mode, status) => {
    const release = status === "PENDING" ? await holdRecord(engine, 1) : undefined;
    const task = await engine.launched({
      ...INCREMENT,
      selection: { ids: idsFrom(1, count) },
      options: { ...SKIP_FAILED, mode },
    });
    expect(status === "PENDING" ? ["PENDING", "RUNNING"] : [status]).toContain(task.status);
    await release?.();
    expect(await engine.settled(task.id)).toMatchObject({ status: "SUCCEEDED" });
  });
});

describe("idempotency keys", () => {
  it("answer simultaneous and later launches of the same input with the first task, and refuse other input", async () => {
    const request = { ...INCREMENT, options: { ...SKIP_FAILED, idempotencyKey: "once" } };
    const together = await Promise.all(Array.from({ length: 6 }, () => engine.launch(request)));
    const launched = together.map((outcome) => refusal(outcome, "LAUNCHED"));
    expect(new Set(launched.map((outcome) => outcome.task.id)).size).toBe(1);
    expect(launched.filter((outcome) => !outcome.isDuplicate)).toHaveLength(1);
    const id = launched[0]?.task.id ?? "";
    await engine.settled(id);
    const later = refusal(await engine.launch(request), "LAUNCHED");
    expect(later).toMatchObject({ isDuplicate: true, task: { id, status: "SUCCEEDED" } });
    expect(await countOf(1)).toBe(2);
    const other = { ...request, change: { count: { increment: 2 } } };
    expect(refusal(await engine.launch(other), "IDEMPOTENCY_MISMATCH").task.id).toBe(id);
  });

  it("distinguish long lists of ids that differ in their last id", async () => {
    const options = { ...SKIP_FAILED, idempotencyKey: "long" };
    const ids = idsFrom(1, 1500);
    const task = await engine.launched({ ...INCREMENT, selection: { ids }, options });
    await engine.settled(task.id);
    const other = await engine.launch({
      ...INCREMENT,
      selection: { ids: [...ids.slice(0, -1), "1600"] },
      options,
    });
    expect(other.kind).toBe("IDEMPOTENCY_MISMATCH");
  });
});

describe("bad input", () => {
  it.each([
    ["no ids", { selection: { ids: [] } }, "INVALID", /holds no ids/],
    [
      "malformed ids",
      { selection: { ids: ["1", "x", "2.5"] } },
      "INVALID",
      /^2 of 3 ids are malformed; nothing was changed\. The first: "x" is not an id of Thing: expected /,
    ],
    [
      "an empty filter in disguise",
      { selection: { where: { NOT: { OR: [{}] } } }, options: { maxAffected: undefined } },
      "INVALID",
      /means every Thing/,
    ],
    [
      "an empty filter without maxAffected",
      { options: { maxAffected: undefined } },
      "INVALID",
      /means every Thing/,
    ],
    ["more records than maxAffected", { options: { maxAffected: 199 } }, "LIMIT", /More than 199 records/],
    [
      "more ids than maxAffected",
      { selection: { ids: ["1", "2"] }, options: { maxAffected: 1 } },
      "LIMIT",
      /2 records are selected/,
    ],
    ["a field that may not change", { change: { id: { set: 1 } } }, "INVALID", /Thing.id cannot be changed/],
    ["an empty idempotency key", { options: { idempotencyKey: "" } }, "INVALID", /1 to 200 characters/],
  ] as const)(
    "%s is refused with its reason, and changes nothing",
    async (_name, request, outcome, message) => {
      const known = await taskCount();
      const refused = await engine.launch({ ...INCREMENT, ...(request as object) });
      expect(refused.kind).toBe(outcome);
      expect("message" in refused && refused.message).toMatch(message);
      expect(await taskCount()).toBe(known);
      expect(await lockOwners(engine.session)).toEqual([]);
    },
  );
});

describe("the task record", () => {
  it("stores viewer, operation, input and outcome", async () => {
    const task = await engine.launched({
      ...INCREMENT,
      selection: { ids: idsFrom(1, 25) },
      viewer: { id: "ada", claims: { tenant: "a" } },
      options: { ...SKIP_FAILED, label: "a few" },
    });
    const settled = await engine.settled(task.id);
    expect(settled).toMatchObject({
      kind: "bulkUpdate",
      model: "Thing",
      label: "a few",
      viewer: { id: "ada", claims: { tenant: "a" } },
      input: { selection: { ids: idsFrom(1, 25) }, data: { count: { increment: 1 } } },
      status: "SUCCEEDED",
      message: null,
    });
    expect(settled.startedAt).toBeInstanceOf(Date);
    expect(settled.finishedAt).toBeInstanceOf(Date);
    await expect.poll(async () => (await engine.task(task.id)).isCleaned).toBe(true);
    expect((await engine.task(task.id)).status).toBe("SUCCEEDED");
  });
});
