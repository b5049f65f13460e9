import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { sweep } from "../../../src/core/sweeper/sweep.ts";
import type { AcquireResult } from "../../../src/core/locks/lock-store.ts";
import { defineTask } from "../../../src/core/tasks/define-task.ts";
import { pauseTask } from "../../../src/core/tasks/run/pause-task.ts";
import { resumeTask } from "../../../src/core/tasks/run/resume-task.ts";
import type { LaunchOutcome } from "../../../src/core/tasks/launch/launch-outcome.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, holdRecord } from "../../support/engine-fixture.ts";
import { lockOwners } from "../../support/lock-owners.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { PATIENT } from "../../support/sweep-options.ts";
import { emptying } from "../../support/empty-tables.ts";

const SKIP_FAILED = { errorPolicy: "SKIP_FAILED", mode: "ASYNC" } as const;
/** The longest time of a single write: Redis, which it does not use, would be waited for longer. */
const WRITE_MS = 2_500;
/** The longest time of a launch: it waits for the bus and for the queue, 3 s each. */
const LAUNCH_MS = 8_000;

let engine: EngineFixture;

async function fill(): Promise<void> {
  await engine.pool.query(emptying("part, seal, thing"));
  await insertThings(engine.session, 300);
  await engine.pool.query("UPDATE thing SET count = 0");
}

function launch(ids: readonly string[], options: object = SKIP_FAILED): Promise<LaunchOutcome> {
  return engine.launch({
    operation: "UPDATE",
    change: { count: { increment: 1 } },
    selection: { ids },
    options,
  });
}

async function increment(ids: readonly string[], options: object = SKIP_FAILED): Promise<Task> {
  const outcome = await launch(ids, options);
  if (outcome.kind !== "LAUNCHED") {
    throw new Error(`${outcome.kind}: ${outcome.message}`);
  }
  return outcome.task;
}

/** The guard of a single write. */
function guard(id: string): Promise<AcquireResult> {
  return withDeadline(
    engine.ports.unitOfWork.run((transaction) =>
      engine.ports.locks.guard(transaction, [{ model: "Thing", ids: [id] }]),
    ),
    WRITE_MS,
    "a guard",
  );
}

async function counts(): Promise<readonly number[]> {
  const rows = await engine.session.query<{ count: number }>(
    "SELECT DISTINCT count FROM thing ORDER BY count",
  );
  return rows.map(({ count }) => count);
}

async function countOf(id: string): Promise<number | undefined> {
  const [row] = await engine.session.query<{ count: number }>("SELECT count FROM thing WHERE id = $1::int", [
    id,
  ]);
  return row?.count;
}

async function untilFinal(taskId: string): Promise<Task> {
  const wait = async (): Promise<Task> => {
    for (;;) {
      const task = await engine.task(taskId);
      if (task.finishedAt !== null) {
        return task;
      }
    }
  };
  return withDeadline(wait(), 20_000, `settling of task ${taskId}`);
}

/** Repeats a launch until Redis is connected again. */
async function untilLaunched(ids: readonly string[]): Promise<Task> {
  const wait = async (): Promise<Task> => {
    for (;;) {
      const outcome = await launch(ids);
      if (outcome.kind === "LAUNCHED") {
        return outcome.task;
      }
      expect(outcome.kind).toBe("UNAVAILABLE");
    }
  };
  return withDeadline(wait(), 20_000, "a launch to be accepted again");
}

/** What ends the run of the task with that input. */
const ends = new Map<unknown, () => void>();
const alone = defineTask({
  kind: "alone",
  concurrency: { max: 1 },
  claims: ({ input }) => (input === "holds" ? [{ model: "Thing", ids: ["9"] }] : []),
  run: ({ input }) => new Promise<void>((resolve) => ends.set(input, resolve)),
});
const behind = defineTask({
  kind: "behind",
  claims: () => [{ model: "Thing", ids: ["9"] }],
  run: async () => "its turn",
});
const unlucky = defineTask({
  kind: "unlucky",
  retries: { max: 1, delayMs: 1 },
  run: async ({ attempt }) => (attempt === 1 ? Promise.reject(new Error("once")) : "luckier"),
});

const allIds = Array.from({ length: 300 }, (_, at) => String(at + 1));

describe("a Redis that is emptied", () => {
  beforeAll(async () => {
    engine = await createEngineFixture({
      redisUrl: inject("redisUrl"),
      chunkRecords: 50,
      tasks: [alone, behind, unlucky],
      queue: (real) => ({
        ...real,
        // What was to be delivered later is lost with the rest.
        enqueue: (tasks) => real.enqueue(tasks.filter(({ delayMs }) => delayMs === undefined)),
      }),
    });
  });
  afterAll(() => engine.stop());
  beforeEach(fill);

  it("loses no task's locks, and refuses no write to other records", async () => {
    const release = await holdRecord(engine, 1);
    const task = await increment(allIds.slice(0, 200));
    await engine.loseRedis();
    expect(await launch(["1", "300"])).toMatchObject({ kind: "CONFLICT", totalConflicts: 1 });
    expect(await guard("200")).toMatchObject({ kind: "CONFLICT", conflicts: [{ owner: task.id }] });
    expect(await guard("201")).toEqual({ kind: "GRANTED" });
    await release();
    expect((await engine.settled(task.id)).status).toBe("SUCCEEDED");
    expect(await counts()).toEqual([0, 1]);
    expect(await lockOwners(engine.session)).toEqual([]);
  });

  it("leaves tasks in line, in their order", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await increment(["1", "2"]);
    const first = await increment(["2", "3"], { ...SKIP_FAILED, onConflict: "WAIT" });
    await engine.loseRedis();
    const second = await increment(["3"], { ...SKIP_FAILED, onConflict: "WAIT" });
    expect([first.status, second.status, second.blockedBy]).toEqual(["WAITING", "WAITING", first.id]);
    await release();
    const settled = await Promise.all([holder, first, second].map(({ id }) => engine.settled(id)));
    expect(settled.map(({ status }) => status)).toEqual(["SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]);
    expect(await lockOwners(engine.session)).toEqual([]);
  });

  it("accepts many launches at once", async () => {
    const release = await holdRecord(engine, 1);
    const task = await increment(["1"]);
    await engine.loseRedis();
    const rivals = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        increment(["2"], { ...SKIP_FAILED, onConflict: "WAIT", label: String(at), allowDuplicate: true }),
      ),
    );
    const settled = await Promise.all(rivals.map(({ id }) => engine.settled(id)));
    expect(new Set(settled.map(({ status }) => status))).toEqual(new Set(["SUCCEEDED"]));
    await release();
    await engine.settled(task.id);
    expect(await countOf("2")).toBe(8);
  });

  it("gets its queue back from the tasks", async () => {
    const blockers = [await holdRecord(engine, 1), await holdRecord(engine, 2)];
    // Two tasks use up the worker's concurrency; the third waits in the queue.
    const tasks = [await increment(["1"]), await increment(["2"]), await increment(["3"])];
    await engine.loseRedis();
    await sweep(engine.ports, { ...PATIENT, beginGraceMs: -1000 });
    for (const release of blockers) {
      await release();
    }
    const settled = await Promise.all(tasks.map(({ id }) => engine.settled(id)));
    expect(settled.map(({ status }) => status)).toEqual(["SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]);
    expect(await counts()).toEqual([0, 1]);
  });

  it("loses no custom task: running, awaiting its slot, in line, paused or postponed, each runs once", async () => {
    const custom = async (kind: string, input: string): Promise<string> => {
      const options = { mode: "ASYNC", onConflict: "WAIT" } as const;
      const outcome = await engine.launchCustom({ kind, input, options });
      return outcome.kind === "LAUNCHED" ? outcome.task.id : outcome.message;
    };
    const running = await custom("alone", "holds");
    await expect.poll(() => ends.has("holds")).toBe(true);
    const inLine = await custom("behind", "");
    const postponed = await custom("unlucky", "");
    await expect.poll(() => engine.task(postponed)).toMatchObject({ status: "PENDING", failures: 1 });
    const awaiting = await custom("alone", "second");
    const paused = await custom("alone", "third");
    await pauseTask(engine.ports, { taskId: paused, viewer: ANONYMOUS });
    await engine.loseRedis();
    await resumeTask(engine.ports, { taskId: paused });
    ends.get("holds")?.();
    for (const input of ["second", "third"]) {
      await expect
        .poll(async () => {
          await sweep(engine.ports, { ...PATIENT, enqueueGraceMs: -1000, beginGraceMs: -1000 });
          return ends.has(input);
        })
        .toBe(true);
      ends.get(input)?.();
    }
    const settled = await Promise.all(
      [running, inLine, postponed, awaiting, paused].map((id) => engine.settled(id)),
    );
    expect(settled.map(({ status, attempt }) => [status, attempt])).toEqual(
      [1, 1, 2, 1, 1].map((attempt) => ["SUCCEEDED", attempt]),
    );
    expect(await lockOwners(engine.session)).toEqual([]);
  });
});

/** The ways in which Redis fails and comes back. */
const OUTAGES = [
  {
    name: "stopped",
    begin: (redis: RedisServer) => redis.halt(),
    end: (redis: RedisServer) => redis.revive(),
  },
  {
    name: "paused",
    begin: async (redis: RedisServer) => redis.pause(),
    end: async (redis: RedisServer) => redis.resume(),
  },
] as const;

describe.each(OUTAGES)("a Redis that is $name", ({ begin, end }) => {
  let redis: RedisServer;
  let isAway = false;
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis.stop());

  const goAway = async (): Promise<void> => {
    await begin(redis);
    isAway = true;
  };
  const comeBack = async (): Promise<void> => {
    if (isAway) {
      isAway = false;
      await end(redis);
    }
  };

  describe("with launches withdrawn", () => {
    beforeAll(async () => {
      engine = await createEngineFixture({ redisUrl: redis.url, chunkRecords: 50 });
    });
    beforeEach(fill);
    afterEach(comeBack);
    afterAll(() => engine.stop());

    it("refuses no single write and no synchronous launch, and running tasks settle", async () => {
      const release = await holdRecord(engine, 1);
      const task = await increment(allIds.slice(0, 200));
      await goAway();
      expect(await guard("201")).toEqual({ kind: "GRANTED" });
      expect(await guard("1")).toMatchObject({ kind: "CONFLICT", conflicts: [{ owner: task.id }] });
      const inRequest = launch(["202"], { ...SKIP_FAILED, mode: "SYNC" });
      expect(await withDeadline(inRequest, LAUNCH_MS, "a launch in its request")).toMatchObject({
        kind: "LAUNCHED",
        task: { status: "SUCCEEDED" },
      });
      await release();
      expect((await untilFinal(task.id)).status).toBe("SUCCEEDED");
      expect(await counts()).toEqual([0, 1]);
    });

    it("withdraws an asynchronous launch with its locks, and accepts the next once Redis is back", async () => {
      await goAway();
      const outcome = await withDeadline(launch(["5"]), LAUNCH_MS, "a launch");
      expect(outcome).toMatchObject({
        kind: "UNAVAILABLE",
        message: expect.stringContaining("nothing was changed"),
      });
      expect(await lockOwners(engine.session)).toEqual([]);
      expect(await countOf("5")).toBe(0);
      expect(await guard("5")).toEqual({ kind: "GRANTED" });
      await comeBack();
      const task = await untilLaunched(["5"]);
      expect((await untilFinal(task.id)).status).toBe("SUCCEEDED");
      expect(await countOf("5")).toBe(1);
    });
  });

  describe("with launches run in their request", () => {
    beforeAll(async () => {
      engine = await createEngineFixture({
        redisUrl: redis.url,
        chunkRecords: 50,
        // setting: POWERCRUD_WHEN_QUEUE_DOWN
        whenQueueDown: "sync",
      });
    });
    beforeEach(fill);
    afterEach(comeBack);
    afterAll(() => engine.stop());

    it("refuses no launch", async () => {
      await goAway();
      const outcome = await withDeadline(launch(allIds), LAUNCH_MS, "a launch");
      expect(outcome).toMatchObject({ kind: "LAUNCHED", task: { status: "SUCCEEDED" } });
      expect(await counts()).toEqual([1]);
      expect(await lockOwners(engine.session)).toEqual([]);
    });
  });
});

describe("a Redis that is restored from an old copy", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedisServer();
    engine = await createEngineFixture({ redisUrl: redis.url, chunkRecords: 50 });
  });
  beforeEach(fill);
  afterAll(async () => {
    await engine.stop();
    await redis.stop();
  });

  it("brings back no lock and no finished work, and lost deliveries are repeated", async () => {
    const releases = [await holdRecord(engine, 1), await holdRecord(engine, 2)];
    // Two tasks use up the worker's concurrency, so the old task is in the queue when the copy is made.
    const running = [await increment(["1"]), await increment(["2"])];
    const old = await increment(["3"]);
    const operator = new Redis(redis.url);
    await operator.save();
    operator.disconnect();
    for (const release of releases.splice(0)) {
      await release();
    }
    for (const task of [...running, old]) {
      expect((await untilFinal(task.id)).status).toBe("SUCCEEDED");
    }
    releases.push(await holdRecord(engine, 1), await holdRecord(engine, 2));
    const busy = [await increment(["1"]), await increment(["2"])];
    const late = await increment(["4"]);
    await redis.halt();
    await redis.revive();
    expect(await guard("3")).toEqual({ kind: "GRANTED" });
    expect(await guard("4")).toMatchObject({ kind: "CONFLICT", conflicts: [{ owner: late.id }] });
    await sweep(engine.ports, { ...PATIENT, beginGraceMs: -1000 }).catch(() => undefined);
    for (const release of releases) {
      await release();
    }
    const next = await untilLaunched(["3"]);
    await sweep(engine.ports, { ...PATIENT, beginGraceMs: -1000 });
    for (const task of [...busy, late, next]) {
      expect((await untilFinal(task.id)).status).toBe("SUCCEEDED");
    }
    expect(await Promise.all(["1", "2", "3", "4"].map(countOf))).toEqual([2, 2, 2, 1]);
    expect(await lockOwners(engine.session)).toEqual([]);
  });
});
