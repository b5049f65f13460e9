import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import demoConfig from "../../../powercrud.config.ts";
import type { PowerCrud } from "../../../src/index.ts";
import { createPowerCrud } from "../../../src/index.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";

const KEY = "ours:deployment";

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
    config: demoConfig,
    databaseUrl: databases[at]?.url ?? "",
    settings: { backend, redisUrl: redis.url, redisKeyPrefix },
  });
  running.push(powercrud);
  await powercrud.start();
  return powercrud;
}

async function redisCheck({ health }: PowerCrud): Promise<unknown> {
  const { checks } = await health.read();
  return checks.find(({ name }) => name === "redis");
}

const refusal = {
  code: "START_FAILED",
  message: expect.stringMatching(/another database\. Set POWERCRUD_REDIS_KEY_PREFIX .* delete the key ours:/),
};

// setting: POWERCRUD_REDIS_KEY_PREFIX
it("a deployment on another database is refused the same prefix, and starts with another one or once it is free", async () => {
  const first = await startOn(0);
  await startOn(0);
  await expect(startOn(1)).rejects.toMatchObject(refusal);
  expect(await redisCheck(first)).toMatchObject({ status: "OK" });
  await startOn(1, "theirs:");
  await operator.del(KEY);
  const second = await startOn(1);
  expect(await redisCheck(second)).toMatchObject({ status: "OK" });
  expect(await redisCheck(first)).toMatchObject({
    status: "FAILED",
    message: "The keys of this service in Redis belong to a deployment on another database.",
  });
  const { checks } = await first.health.read();
  expect(checks.find(({ name }) => name === "redis")?.detail).toContain(KEY);
});

it("a deployment whose queue is in PostgreSQL does not take the prefix", async () => {
  await startOn(0, "ours:", "postgres");
  expect(await operator.get(KEY)).toBeNull();
  await startOn(1);
  expect(await operator.get(KEY)).not.toBeNull();
});

it("a Redis that lost everything is taken by the next process to start, of any deployment", async () => {
  const first = await startOn(0);
  const id = await operator.get(KEY);
  expect(id).toMatch(/^\d+\.\d+$/);
  await operator.flushall();
  expect(await redisCheck(first)).toMatchObject({ status: "OK" });
  await startOn(0);
  expect(await operator.get(KEY)).toBe(id);
  await operator.flushall();
  await startOn(1);
  expect(await redisCheck(first)).toMatchObject({ status: "FAILED" });
});
