import { Redis } from "ioredis";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { createTestDatabase, type TestDatabase } from "../support/test-database.ts";
import { createTestRedis } from "../support/test-redis.ts";

async function rows(url: string, sql: string): Promise<unknown[]> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: "array" })).rows.flat();
  } finally {
    await client.end();
  }
}

describe("a test file's database", () => {
  let own: TestDatabase;
  let other: TestDatabase;

  beforeAll(async () => {
    [own, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  });

  afterAll(async () => {
    await Promise.all([own.drop(), other.drop()]);
  });

  test("is migrated", async () => {
    expect(await rows(own.url, "SELECT to_regclass('powercrud.task')::text")).toEqual(["powercrud.task"]);
  });

  test("is a real PostgreSQL 18", async () => {
    expect(await rows(own.url, "SHOW server_version")).toEqual([expect.stringMatching(/^18\./)]);
  });

  test("is not visible to another file's", async () => {
    await rows(own.url, "CREATE TABLE mine (id int)");
    expect(await rows(own.url, "SELECT to_regclass('mine')::text")).toEqual(["mine"]);
    expect(await rows(other.url, "SELECT to_regclass('mine')::text")).toEqual([null]);
  });

  test("has no tables when asked for an empty one, and is gone when dropped, connections or not", async () => {
    const empty = await createTestDatabase({ isEmpty: true });
    expect(await rows(empty.url, "SELECT to_regclass('powercrud.task')::text")).toEqual([null]);
    const idle = new Client(empty.url);
    idle.on("error", () => undefined);
    await idle.connect();
    await empty.drop();
    await expect(rows(empty.url, "SELECT 1")).rejects.toThrow(/does not exist/);
    await idle.end();
  });
});

test("dropping a test file's Redis keys keeps the keys of others", async () => {
  const [own, other] = [createTestRedis(), createTestRedis()];
  const redis = new Redis(own.url);
  try {
    await redis.mset(`${own.keyPrefix}a`, 1, `${own.keyPrefix}b`, 2, `${other.keyPrefix}a`, 3);
    await own.drop();
    expect(await redis.keys(`${own.keyPrefix}*`)).toEqual([]);
    expect(await redis.keys(`${other.keyPrefix}*`)).toEqual([`${other.keyPrefix}a`]);
    await other.drop();
  } finally {
    redis.disconnect();
  }
});
