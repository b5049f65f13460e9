import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { sweep } from "../../../src/core/sweeper/sweep.ts";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { cancelTask } from "../../../src/core/tasks/run/cancel-task.ts";
import type { Task } from "../../../src/core/tasks/task.ts";
import { createId } from "../../../src/kernel/ids.ts";
import { openTransaction } from "../../contract/open-transaction.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, holdRecord } from "../../support/engine-fixture.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { PATIENT } from "../../support/sweep-options.ts";

const SKIP_FAILED = { errorPolicy: "SKIP_FAILED", mode: "ASYNC" } as const;

let engine: EngineFixture;

async function fill(): Promise<void> {
  await engine.pool.query("TRUNCATE part, seal, thing CASCADE");
  await insertThings(engine.session, 300);
  await engine.pool.query("UPDATE thing SET count = 0");
}

function increment(ids: readonly string[], options: object = SKIP_FAILED): Promise<Task> {
  return engine.launched({
    operation: "UPDATE",
    change: { count: { increment: 1 } },
    selection: { ids },
    options,
  });
}

async function counts(): Promise<readonly number[]> {
  const rows = await engine.session.query<{ count: number }>(
    "SELECT DISTINCT count FROM thing ORDER BY count",
  );
  return rows.map(({ count }) => count);
}

const allIds = Array.from({ length: 300 }, (_, at) => String(at + 1));

describe("a Redis that forgets", () => {
  beforeAll(async () => {
    engine = await createEngineFixture({ redisUrl: inject("redisUrl"), maxChunkRecords: 50 });
  });
  afterAll(() => engine.stop());
  beforeEach(fill);
  afterEach(settleLeftovers);

  it("takes no record from a task that runs: the locks are built anew before anything is granted", async () => {
    const release = await holdRecord(engine, 1);
    const task = await increment(allIds);
    await engine.backend.loseMemory();
    const refused = await engine.launch({
      operation: "UPDATE",
      change: { count: { set: 100 } },
      selection: { ids: ["1", "300"] },
      options: SKIP_FAILED,
    });
    expect(refused).toMatchObject({ kind: "CONFLICT", totalConflicts: 2 });
    expect(await engine.ports.locks.heldBy(task.id)).toEqual([{ model: "Thing", ids: allIds.toSorted() }]);
    await release();
    expect((await engine.settled(task.id)).status).toBe("SUCCEEDED");
    expect(await counts()).toEqual([1]);
    expect(await engine.ports.locks.listOwners()).toEqual([]);
  });

  it("keeps those who wait in line, and their places", async () => {
    const release = await holdRecord(engine, 1);
    const holder = await increment(["1", "2"]);
    const first = await increment(["2", "3"], { ...SKIP_FAILED, onConflict: "WAIT" });
    await engine.backend.loseMemory();
    const second = await increment(["3"], { ...SKIP_FAILED, onConflict: "WAIT" });
    expect([first.status, second.status, second.blockedBy]).toEqual(["WAITING", "WAITING", first.id]);
    await release();
    const settled = await Promise.all([holder, first, second].map(({ id }) => engine.settled(id)));
    expect(settled.map(({ status }) => status)).toEqual(["SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]);
    expect(await engine.ports.locks.listOwners()).toEqual([]);
  });

  it("refuses a single write to a held record, and lets the others through", async () => {
    const release = await holdRecord(engine, 1);
    const task = await increment(["1"]);
    await engine.backend.loseMemory();
    const guard = (id: string) =>
      engine.ports.unitOfWork.run((transaction) =>
        engine.ports.locks.guard(transaction, [{ model: "Thing", ids: [id] }]),
      );
    await expect(guard("1")).rejects.toMatchObject({ code: "UNAVAILABLE", details: { isRetryable: true } });
    expect(await guard("1")).toMatchObject({ kind: "CONFLICT", conflicts: [{ owner: task.id }] });
    expect(await guard("2")).toEqual({ kind: "GRANTED" });
    await release();
    await engine.settled(task.id);
  });

  it("waits for a claim under way before it is built anew, and counts it", async () => {
    const first = createId(new Date());
    const claims = [{ model: "Thing", ids: ["7"] }];
    const open = await openTransaction(engine.ports.unitOfWork);
    await createTask(open.transaction, first);
    expect(await engine.ports.locks.acquire(open.transaction, first, claims)).toEqual({ kind: "GRANTED" });
    await engine.backend.loseMemory();
    let isDecided = false;
    const rival = engine
      .launch({ operation: "UPDATE", change: { count: { set: 1 } }, selection: { ids: ["7"] } })
      .finally(() => (isDecided = true));
    await untilSomebodyWaits();
    expect(isDecided).toBe(false);
    await open.commit();
    expect(await rival).toMatchObject({ kind: "CONFLICT", conflicts: [{ id: "7", owner: first }] });
  });

  it("is noticed by many at once, and rebuilt once", async () => {
    const release = await holdRecord(engine, 1);
    const task = await increment(["1"]);
    await engine.backend.loseMemory();
    const rivals = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        increment(["2"], { ...SKIP_FAILED, onConflict: "WAIT", label: String(at), allowDuplicate: true }),
      ),
    );
    const settled = await Promise.all(rivals.map(({ id }) => engine.settled(id)));
    expect(new Set(settled.map(({ status }) => status))).toEqual(new Set(["SUCCEEDED"]));
    await release();
    await engine.settled(task.id);
    const [row] = await engine.session.query<{ count: number }>("SELECT count FROM thing WHERE id = 2");
    expect(row?.count).toBe(8);
  });

  it("has its lost queue filled again from the tasks", async () => {
    const blockers = [await holdRecord(engine, 1), await holdRecord(engine, 2)];
    // Both places of the worker are taken; the third waits in the queue.
    const tasks = [await increment(["1"]), await increment(["2"]), await increment(["3"])];
    await engine.backend.loseMemory();
    await sweep(engine.ports, { ...PATIENT, beginGraceMs: -1000 });
    for (const release of blockers) {
      await release();
    }
    const settled = await Promise.all(tasks.map(({ id }) => engine.settled(id)));
    expect(settled.map(({ status }) => status)).toEqual(["SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]);
    expect(await counts()).toEqual([0, 1]);
  });
});

describe("locks of nobody", () => {
  beforeAll(async () => {
    engine = await createEngineFixture({ redisUrl: inject("redisUrl") });
  });
  afterAll(() => engine.stop());
  beforeEach(fill);
  afterEach(settleLeftovers);

  /** As a process leaves them that dies between its claim and its commit: in Redis, and nowhere else. */
  async function leaveLocks(owner: string): Promise<void> {
    const open = await openTransaction(engine.ports.unitOfWork);
    const forgetful = { ...open.transaction, onRollback: () => undefined };
    await engine.ports.locks.acquire(forgetful, owner, [{ model: "Thing", ids: ["1", "2"] }]);
    await open.rollBack();
  }

  it("are in nobody's way", async () => {
    const nobody = createId(new Date());
    await leaveLocks(nobody);
    expect(await engine.ports.locks.owners("Thing", ["1"])).toEqual(new Map([["1", nobody]]));
    const task = await increment(["1"]);
    expect((await engine.settled(task.id)).status).toBe("SUCCEEDED");
    expect(await engine.ports.locks.listOwners()).toEqual([]);
  });

  it("are swept away, and those of the living are not", async () => {
    const nobody = createId(new Date());
    await leaveLocks(nobody);
    const release = await holdRecord(engine, 3);
    const task = await increment(["3"]);
    expect((await sweep(engine.ports, PATIENT)).released).toEqual([nobody]);
    expect(await engine.ports.locks.listOwners()).toEqual([task.id]);
    expect((await sweep(engine.ports, PATIENT)).released).toEqual([]);
    await release();
    await engine.settled(task.id);
  });

  it("are not taken for nobody's while their launch is under way", async () => {
    const owner = createId(new Date());
    const open = await openTransaction(engine.ports.unitOfWork);
    await createTask(open.transaction, owner);
    await engine.ports.locks.acquire(open.transaction, owner, [{ model: "Thing", ids: ["7"] }]);
    const sweeping = sweep(engine.ports, PATIENT);
    await untilSomebodyWaits();
    await open.commit();
    expect((await sweeping).released).toEqual([]);
    expect(await engine.ports.locks.listOwners()).toEqual([owner]);
  });
});

describe("a Redis that is away", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedisServer();
    engine = await createEngineFixture({ redisUrl: redis.url, maxChunkRecords: 50 });
  });
  afterAll(async () => {
    await engine.stop();
    await redis.stop();
  });
  beforeEach(fill);

  it("has launches and single writes refused, while what runs runs on, and is caught up with", async () => {
    const release = await holdRecord(engine, 1);
    const task = await increment(allIds);
    await redis.halt();
    const refused = await engine.launch({
      operation: "UPDATE",
      change: { count: { set: 9 } },
      selection: { ids: ["1"] },
    });
    expect(refused).toMatchObject({ kind: "UNAVAILABLE" });
    await expect(
      engine.ports.unitOfWork.run((transaction) =>
        engine.ports.locks.guard(transaction, [{ model: "Thing", ids: ["300"] }]),
      ),
    ).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await release();
    await withDeadline(untilFinal(task.id), 20_000, "the task to settle without Redis");
    expect(await counts()).toEqual([1]);
    await redis.revive();
    const next = await withDeadline(untilLaunched(), 20_000, "a launch to be accepted again");
    expect((await engine.settled(next.id)).status).toBe("SUCCEEDED");
    expect(await engine.ports.locks.listOwners()).toEqual([]);
  });
});

/** Tasks that nobody runs hold what they claim. */
async function settleLeftovers(): Promise<void> {
  for (const taskId of await engine.ports.locks.listOwners()) {
    await cancelTask(engine.ports, { taskId, viewer: ANONYMOUS });
  }
}

async function untilFinal(taskId: string): Promise<void> {
  while ((await engine.task(taskId)).finishedAt === null);
}

/** Redis has to be connected with again first. */
async function untilLaunched(): Promise<Task> {
  for (;;) {
    const outcome = await engine.launch({
      operation: "UPDATE",
      change: { count: { increment: 1 } },
      selection: { ids: ["1"] },
      options: SKIP_FAILED,
    });
    if (outcome.kind === "LAUNCHED") {
      return outcome.task;
    }
    expect(outcome.kind).toBe("UNAVAILABLE");
  }
}

async function untilSomebodyWaits(): Promise<void> {
  const wait = async (): Promise<void> => {
    for (let waiting = 0; waiting === 0;) {
      const rows = await engine.session.query(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      );
      waiting = rows.length;
    }
  };
  await withDeadline(wait(), 10_000, "somebody to wait");
}

/** A task that nobody runs. */
async function createTask(
  transaction: Parameters<EngineFixture["ports"]["tasks"]["create"]>[0],
  id: string,
): Promise<void> {
  await engine.ports.tasks.create(transaction, {
    id,
    kind: "bulkUpdate",
    model: "Thing",
    label: null,
    viewer: { id: null },
    errorPolicy: "SKIP_FAILED",
    isDryRun: false,
    retryOf: null,
    input: { data: {} },
    idempotencyKey: null,
    duplicateKey: null,
    inputHash: id,
    createdAt: new Date(),
    total: 1,
    chunks: [],
    claims: [{ model: "Thing", ids: ["7"] }],
    skipped: [],
  });
}
