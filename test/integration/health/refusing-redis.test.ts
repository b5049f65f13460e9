import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import demoConfig from "../../../powercrud.config.ts";
import type { PowerCrudService, ServiceOptions } from "../../../src/index.ts";
import { createService } from "../../../src/index.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";

let database: TestDatabase;
let redis: RedisServer;
let operator: Redis;
const running: PowerCrudService[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});
beforeEach(async () => {
  redis = await startRedisServer({ appendonly: "yes" });
  operator = new Redis(redis.url);
});
afterEach(async () => {
  for (const service of running.splice(0)) {
    await service.stop();
  }
  operator.disconnect();
  await redis.stop();
});
afterAll(() => database.drop());

async function start(settings: ServiceOptions["settings"]): Promise<PowerCrudService> {
  const service = await createService({
    config: demoConfig,
    databaseUrl: database.url,
    settings: { port: 0, redisUrl: redis.url, ...settings },
  });
  running.push(service);
  await service.start();
  return service;
}

async function readiness({ url }: PowerCrudService): Promise<unknown> {
  const response = await fetch(`${url}/health/ready`);
  return [response.status, await response.json()];
}

describe("a Redis that answers, and refuses writes", () => {
  it.each([
    ["maxmemory", "1", "Redis refuses writes: its memory is full."],
    ["min-replicas-to-write", "1", "Redis refuses writes: it has too few replicas."],
  ])("with %s of %s is reported, and keeps the service ready", async (setting, value, problem) => {
    // setting: POWERCRUD_BACKEND
    const service = await start({ backend: "redis" });
    const examined = async (): Promise<unknown> => {
      const { checks } = await service.powercrud.health.read();
      return checks.find(({ name }) => name === "redis");
    };
    expect(await examined()).toMatchObject({ status: "OK" });
    await operator.config("SET", setting, value);
    expect(await readiness(service)).toMatchObject([200, { isReady: true }]);
    expect(await examined()).toMatchObject({ status: "FAILED", message: problem });
    await operator.config("SET", setting, "0");
    expect(await examined()).toMatchObject({ status: "OK" });
  });
});

describe("a Redis that answers, and does not let the service in", () => {
  const refused = (message: string): object => ({
    code: "START_FAILED",
    message: expect.stringContaining(message),
  });

  it("is no reason to take PostgreSQL instead: its password is wrong", async () => {
    await operator.config("SET", "requirepass", "hush");
    for (const redisUrl of [redis.url, redis.url.replace("//", "//:wrong@")]) {
      // setting: REDIS_URL
      const failing = start({ backend: "auto", redisUrl });
      await expect(failing).rejects.toMatchObject(refused("Redis "));
      await expect(failing).rejects.toMatchObject({ message: expect.stringMatching(/NOAUTH|WRONGPASS/) });
    }
  });

  it("is no reason to take PostgreSQL instead: its user may not write", async () => {
    await operator.call("ACL", "SETUSER", "reader", "on", ">hush", "~*", "&*", "+@all", "-@write");
    const redisUrl = redis.url.replace("//", "//reader:hush@");
    await expect(start({ backend: "auto", redisUrl })).rejects.toMatchObject(refused("does not permit"));
  });

  it("is no reason to take PostgreSQL instead: it has too many clients", async () => {
    await operator.config("SET", "maxclients", "1");
    await expect(start({ backend: "auto" })).rejects.toMatchObject(refused("takes no more connections"));
  });
});
