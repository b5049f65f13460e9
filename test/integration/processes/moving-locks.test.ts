import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import pg from "pg";
import { completeConfig } from "../../../src/config/config.ts";
import type { Deployment } from "../../../src/compose/open-deployment.ts";
import { openDeployment } from "../../../src/compose/open-deployment.ts";
import type { Claim } from "../../../src/core/locks/claim.ts";
import type { BackendName } from "../../../src/core/processes/process-register.ts";
import { NO_COUNTS } from "../../../src/core/tasks/progress.ts";
import { plainBatch } from "../../../src/core/tasks/record-batch.ts";
import type { NewTask } from "../../../src/core/tasks/new-tasks.ts";
import type { Transaction } from "../../../src/core/transactions/transaction.ts";
import { createId } from "../../../src/kernel/ids.ts";
import { createSilentLogger } from "../../../src/kernel/logger.ts";
import { createSystemClock } from "../../../src/kernel/system-clock.ts";
import { openTransaction } from "../../contract/open-transaction.ts";
import { sampleTask } from "../../contract/sample-task.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";
import type { TestRedis } from "../../support/test-redis.ts";
import { createTestRedis } from "../../support/test-redis.ts";

let database: TestDatabase;
let redis: TestRedis;
let sql: pg.Client;
/** The same deployment, as processes of both backends see it. */
let on: Record<BackendName, Deployment>;

const numbered = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, at) => String(first + at)).toSorted();

beforeAll(async () => {
  database = await createTestDatabase();
  redis = createTestRedis();
  sql = new pg.Client(database.url);
  await sql.connect();
  const config = completeConfig({ redisUrl: redis.url, redisKeyPrefix: redis.keyPrefix });
  const shared = {
    config,
    databaseUrl: database.url,
    clock: createSystemClock(),
    logger: createSilentLogger(),
  };
  on = {
    postgres: openDeployment({ ...shared, backend: { name: "postgres", reason: "test" } }),
    redis: openDeployment({ ...shared, backend: { name: "redis", reason: "test" } }),
  };
  await on.redis.ready();
});
beforeEach(async () => {
  await sql.query("TRUNCATE powercrud.task, powercrud.lock CASCADE");
  await moveTo("postgres");
});
afterAll(async () => {
  await on.postgres.close();
  await on.redis.close();
  await sql.end();
  await database.drop();
  await redis.drop();
});

/** As the first process to start does, when all others are gone. */
async function moveTo(backend: BackendName): Promise<void> {
  const now = new Date();
  const id = createId(now);
  const process = { id, role: "start", host: "test", pid: 1, concurrency: 1, startedAt: now } as const;
  await on[backend].processes.enlist({ ...process, backend }, now, now);
  await on[backend].processes.withdraw(id);
}

/** Writes a task and claims for it, as a launch does. */
async function launchWithin(
  backend: BackendName,
  transaction: Transaction,
  parts: Partial<NewTask>,
): Promise<string> {
  const task = sampleTask(parts);
  const { tasks, locks } = on[backend].ports;
  await tasks.create(transaction, task);
  const claims = task.claims.map((claim): Claim => ({
    ...claim,
    ids: claim.ids === "chunks" ? task.chunks.flatMap((chunk) => chunk.ids) : claim.ids,
  }));
  const { kind } = await locks.acquireOrWait(transaction, task.id, claims);
  if (kind !== "GRANTED") {
    await tasks.startWaiting(transaction, task.id, task.id);
  }
  return task.id;
}

function launch(backend: BackendName, parts: Partial<NewTask>): Promise<string> {
  const { unitOfWork } = on[backend].ports;
  return unitOfWork.run((transaction) => launchWithin(backend, transaction, parts));
}

async function settle(backend: BackendName, taskId: string): Promise<void> {
  const { unitOfWork, tasks, locks } = on[backend].ports;
  await unitOfWork.run(async (transaction) => {
    await tasks.settle(transaction, taskId, 0, {
      status: "CANCELLED",
      message: null,
      result: null,
      counts: NO_COUNTS,
      finishedAt: new Date(),
    });
    await locks.release(transaction, taskId);
  });
}

/** Who holds what. */
async function held(backend: BackendName): Promise<Record<string, readonly Claim[]>> {
  const { locks } = on[backend].ports;
  const owners = await locks.listOwners();
  return Object.fromEntries(
    await Promise.all(owners.map(async (owner) => [owner, await locks.heldBy(owner)] as const)),
  );
}

describe("locks that move between PostgreSQL and Redis", () => {
  it("are all kept, there and back: ids, chunks, whole models and scopes; so are the lines", async () => {
    const many = await launch("postgres", { claims: [{ model: "City", ids: numbered(1, 1200) }] });
    const chunked = await launch("postgres", {
      claims: [{ model: "Tag", ids: "chunks" }],
      chunks: [plainBatch(numbered(1, 700)), plainBatch(numbered(701, 5))],
    });
    const whole = await launch("postgres", {
      claims: [
        { model: "Country", ids: "all" },
        { model: "Language", ids: "all", scope: "north" },
      ],
    });
    const settled = await launch("postgres", { claims: [{ model: "City", ids: ["9000"] }] });
    const waiting = await launch("postgres", { claims: [{ model: "City", ids: ["7", "2000"] }] });
    await settle("postgres", settled);
    const before = {
      [many]: [{ model: "City", ids: numbered(1, 1200) }],
      [chunked]: [{ model: "Tag", ids: numbered(1, 705) }],
      [whole]: [
        { model: "Country", ids: "all" },
        { model: "Language", ids: "all", scope: "north" },
      ],
    };
    expect(await held("postgres")).toEqual(before);

    await moveTo("redis");
    expect(await held("redis")).toEqual(before);
    await expect(launch("postgres", { claims: [{ model: "City", ids: ["8000"] }] })).rejects.toMatchObject({
      code: "UNAVAILABLE",
    });
    const rival = await launch("redis", { claims: [{ model: "City", ids: ["2000"] }] });
    const added = await launch("redis", { claims: [{ model: "City", ids: ["8000"] }] });
    const during = { ...before, [added]: [{ model: "City", ids: ["8000"] }] };
    expect(await held("redis")).toEqual(during);

    await moveTo("postgres");
    expect(await held("postgres")).toEqual(during);
    await expect(launch("redis", { claims: [{ model: "City", ids: ["8001"] }] })).rejects.toMatchObject({
      code: "UNAVAILABLE",
    });
    // The line has kept its order: whoever came second waits for the first, though the record is free.
    const { unitOfWork, locks } = on.postgres.ports;
    const isGranted = async (owner: string): Promise<boolean> =>
      (await unitOfWork.run((transaction) => locks.acquireWaiting(transaction, owner))).kind === "GRANTED";
    expect([await isGranted(rival), await isGranted(waiting)]).toEqual([false, false]);
    await settle("postgres", many);
    expect([await isGranted(rival), await isGranted(waiting), await isGranted(rival)]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it("are not brought back from what Redis still has of an earlier time", async () => {
    const early = await launch("postgres", { claims: [{ model: "City", ids: ["1"] }] });
    await moveTo("redis");
    expect(Object.keys(await held("redis"))).toEqual([early]);
    await moveTo("postgres");
    await settle("postgres", early);
    const late = await launch("postgres", { claims: [{ model: "City", ids: ["2"] }] });
    await moveTo("redis");
    expect(await held("redis")).toEqual({ [late]: [{ model: "City", ids: ["2"] }] });
    const again = await launch("redis", { claims: [{ model: "City", ids: ["1"] }] });
    expect(Object.keys(await held("redis")).toSorted()).toEqual([late, again].toSorted());
  });

  it.each<[BackendName, BackendName]>([
    ["postgres", "redis"],
    ["redis", "postgres"],
  ])("wait for a claim that is under way, from %s to %s, and take it along", async (from, to) => {
    await moveTo(from);
    // The first look finds that Redis has no lock table, and builds it.
    expect(await held(from)).toEqual({});
    const open = await openTransaction(on[from].ports.unitOfWork);
    const owner = await launchWithin(from, open.transaction, {
      claims: [{ model: "City", ids: ["1", "2"] }],
    });
    let isMoved = false;
    const moving = moveTo(to).finally(() => (isMoved = true));
    await withDeadline(untilSomebodyWaits(), 10_000, "the move to wait");
    expect(isMoved).toBe(false);
    await open.commit();
    await moving;
    expect(await held(to)).toEqual({ [owner]: [{ model: "City", ids: ["1", "2"] }] });
  });
});

async function untilSomebodyWaits(): Promise<void> {
  for (let waiting = 0; waiting === 0;) {
    const { rows } = await sql.query(
      "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    waiting = rows.length;
  }
}
