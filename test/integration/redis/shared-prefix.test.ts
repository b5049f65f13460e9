import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import powerCrudApp from "../../../powercrud.config.ts";
import type { PowerCrud } from "../../../src/index.ts";
import { createPowerCrud } from "../../../src/index.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";

const KEY = "ours:{lock}:deployment";

let databases: readonly TestDatabase[];
let redis: RedisServer;
let operator: Redis;
const running: PowerCrud[] = [];

beforeAll(async () => {
  redis = await startRedisServer({ appendonly: "yes" });
  operator = new Redis(redis.url);
  databases = [await createTestDatabase(), await createTestDatabase()];
});
afterEach(async () => {
  for (const powercrud of running.splice(0)) {
    await powercrud.stop();
  }
  await operator.flushall();
});
afterAll(async () => {
  operator.disconnect();
  await redis.stop();
  for (const database of databases) {
    await database.drop();
  }
});

async function startOn(
  at: number,
  redisKeyPrefix = "ours:",
  backend: "redis" | "postgres" = "redis",
): Promise<PowerCrud> {
  const powercrud = await createPowerCrud({
    app: powerCrudApp,
    databaseUrl: databases[at]?.url ?? "",
    config: { backend, redisUrl: redis.url, redisKeyPrefix },
  });
  running.push(powercrud);
  await powercrud.start();
  return powercrud;
}

const refusal = {
  code: "START_FAILED",
  message: expect.stringMatching(/another database\. Set POWERCRUD_REDIS_KEY_PREFIX .* delete the key ours:/),
};

it("a deployment on another database is refused the same keys, and starts with others, or once they are nobody's", async () => {
  const first = await startOn(0);
  await startOn(0);
  await expect(startOn(1)).rejects.toMatchObject(refusal);
  expect(await first.health.readVital()).not.toContainEqual(expect.objectContaining({ status: "FAILED" }));
  await startOn(1, "theirs:");
  await operator.del(KEY);
  const second = await startOn(1);
  expect(await second.health.readVital()).not.toContainEqual(expect.objectContaining({ status: "FAILED" }));
  expect(await first.health.readVital()).toContainEqual(
    expect.objectContaining({
      name: "redis",
      status: "FAILED",
      message: "The keys of this service in Redis belong to a deployment on another database.",
      detail: expect.stringContaining(KEY),
    }),
  );
});

it("a process that its own deployment refuses leaves the keys to whoever may have them", async () => {
  await startOn(0, "ours:", "postgres");
  await expect(startOn(0)).rejects.toMatchObject({
    code: "START_FAILED",
    message: expect.stringContaining("would keep its locks in redis"),
  });
  expect(await operator.get(KEY)).toBeNull();
  await startOn(1);
  expect(await operator.get(KEY)).not.toBeNull();
});

it("a process that finds another's keys does not move its deployment's locks to them", async () => {
  await startOn(1);
  await (await startOn(0, "ours:", "postgres")).stop();
  await expect(startOn(0)).rejects.toMatchObject(refusal);
  await expect(startOn(0, "ours:", "postgres")).resolves.toBeDefined();
});

it("a Redis that lost everything is taken again by whoever builds the locks, or else left to who took it", async () => {
  const first = await startOn(0);
  // Each launch names a record of its own: a task whose job was lost keeps its claim until it is found again.
  let launched = 0;
  const launch = (): ReturnType<PowerCrud["launchBulk"]> =>
    first.launchBulk({
      model: "City",
      viewer: { id: null },
      operation: "DELETE",
      selection: { ids: [String((launched += 1))] },
      options: { mode: "ASYNC" },
    });
  expect(await launch()).toMatchObject({ kind: "LAUNCHED" });
  const id = await operator.get(KEY);
  expect(id).toMatch(/^\d+\.\d+$/);

  await operator.flushall();
  // The first look finds the loss, and the locks are built anew.
  const again = [await launch(), await launch()].map(({ kind }) => kind);
  expect(again).toContain("LAUNCHED");
  expect(await operator.get(KEY)).toBe(id);

  await operator.flushall();
  await operator.set(KEY, "another");
  for (let tries = 0; tries < 2; tries += 1) {
    expect(await launch()).toMatchObject({ kind: "UNAVAILABLE" });
  }
  expect(await operator.get(KEY)).toBe("another");
});
