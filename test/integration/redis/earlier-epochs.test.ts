import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { createRedisLockTable } from "../../../src/adapters/redis/lock-table.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { EngineFixture } from "../../support/engine-fixture.ts";
import { createEngineFixture, holdRecord } from "../../support/engine-fixture.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { insertThings } from "../../support/thing-fixture.ts";
import { untilEvent } from "../../support/until-event.ts";

const IDS = Array.from({ length: 100 }, (_, at) => String(at + 1));

let redis: RedisServer;
let onlooker: Redis;
let engine: EngineFixture;

beforeAll(async () => {
  redis = await startRedisServer({ appendonly: "yes" });
  onlooker = new Redis(redis.url);
  onlooker.on("error", () => undefined);
  engine = await createEngineFixture({ redisUrl: redis.url });
  await insertThings(engine.session, 100);
});
afterAll(async () => {
  await engine.stop();
  onlooker.disconnect();
  await redis.stop();
});

/** The keys of the locks, without whose turn it was last: who only rebuilds has none. */
async function lockKeys(): Promise<readonly string[]> {
  return (await onlooker.keys("*{lock}:*")).filter((key) => !key.endsWith(":turns")).toSorted();
}

async function untilKeys(count: number): Promise<void> {
  while ((await lockKeys()).length !== count);
}

async function untilLocksAreThere(): Promise<readonly string[]> {
  for (;;) {
    const owners = await engine.ports.locks.listOwners().catch(() => undefined);
    if (owners !== undefined) {
      return owners;
    }
  }
}

it("leaves nothing of earlier epochs, however often Redis restarts with all that it had", async () => {
  const release = await holdRecord(engine, 1);
  const task = await engine.launched({
    operation: "UPDATE",
    change: { count: { set: 1 } },
    selection: { ids: IDS },
    options: { errorPolicy: "SKIP_FAILED", mode: "ASYNC" },
  });
  const before = await lockKeys();
  expect(before.length).toBeGreaterThan(4);
  for (let restart = 1; restart <= 3; restart += 1) {
    const back = untilEvent(onlooker, "ready");
    await redis.halt();
    await redis.revive();
    await back;
    expect(await untilLocksAreThere()).toEqual([task.id]);
    // Whoever noticed the loss first may still be removing them.
    await withDeadline(untilKeys(before.length), 10_000, `${before.length} keys`);
    expect(await lockKeys()).not.toEqual(before);
  }
  await release();
  expect((await engine.settled(task.id)).status).toBe("SUCCEEDED");
});

it("removes what a builder left that died, never what is being built, nor what others keep there", async () => {
  const key = `[a*]?:${randomUUID()}{lock}:epoch`;
  const table = createRedisLockTable(onlooker, key);
  const stranger = key.replace("[a*]?", "axx");
  await onlooker.set(`${stranger}:x`, "1");
  const [dead, current, next] = [randomUUID(), randomUUID(), randomUUID()];
  const batch = { model: "Thing", scope: "", ids: ["1"], text: "1", separator: "," };
  onTestFinished(async () => void (await onlooker.del(`${stranger}:x`)));
  const keysOf = async (epoch: string): Promise<number> => (await onlooker.keys(`*${epoch}*`)).length;

  await table.build(dead);
  await table.acquireRecords(dead, randomUUID(), batch, "take", 0);
  await table.build(current);
  expect(await table.open(dead)).toBe(false);
  expect(await table.open(current)).toBe(true);
  await table.build(next);
  await table.acquireRecords(next, randomUUID(), batch, "take", 0);
  const before = [await keysOf(dead), await keysOf(next)];
  expect(Math.min(...before)).toBeGreaterThan(3);

  await table.removeOthers(current);
  expect([await keysOf(dead), await keysOf(next)]).toEqual([0, before[1]]);
  expect(await table.isCurrent(current)).toBe(true);
  expect(await table.open(next)).toBe(true);
  await table.removeOthers(next);
  expect([await keysOf(current), await keysOf(next)]).toEqual([0, before[1]! - 1]);
  await expect(table.removeOthers(current)).rejects.toThrow("lost");
  expect(await onlooker.get(`${stranger}:x`)).toBe("1");
});
