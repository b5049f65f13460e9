import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createPgSession } from "../../src/adapters/postgres/connection/pg-session.ts";
import { createPostgresRateStore, createRedisRateStore } from "../../src/adapters/rates/rate-stores.ts";
import type { RedisConnection } from "../../src/adapters/redis/redis-connection.ts";
import { createFailFastRedis } from "../../src/adapters/redis/redis-connection.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import type { PostgresWorld } from "./postgres-world.ts";
import { createPostgresWorld } from "./postgres-world.ts";

let world: PostgresWorld;
let redis: RedisConnection;
beforeAll(async () => {
  world = await createPostgresWorld();
  redis = createFailFastRedis({ url: inject("redisUrl"), name: "rates", logger: createSilentLogger() });
  await redis.ready();
});
afterAll(async () => {
  redis.close();
  await world.close();
});

describe.each([
  ["postgres", () => createPostgresRateStore({ session: createPgSession(world.pool) })],
  ["redis", () => createRedisRateStore({ client: redis.client, keyPrefix: `test:${randomUUID()}:` })],
] as const)("rate store: %s", (_name, open) => {
  it("adds to the counts of callers, whose minutes go on", async () => {
    const [store, key] = [open(), `viewer:${randomUUID()}`];
    const first = await store.add(key, 5);
    expect(first.count).toBe(5);
    expect(first.msLeft).toBeGreaterThan(50_000);
    expect(first.msLeft).toBeLessThanOrEqual(60_000);
    const second = await store.add(key, 1_000_000);
    expect(second.count).toBe(1_000_005);
    expect(second.msLeft).toBeLessThanOrEqual(first.msLeft);
    expect((await store.add(`viewer:${randomUUID()}`, 7)).count).toBe(7);
  });

  it("loses nothing of additions at once", async () => {
    const [store, key] = [open(), `address:${randomUUID()}`];
    const counts = await Promise.all(Array.from({ length: 20 }, () => store.add(key, 3)));
    expect(Math.max(...counts.map(({ count }) => count))).toBe(60);
  });
});
