import { resolve } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import demoConfig from "../../../powercrud.config.ts";
import { createService, migrateDatabase } from "../../../src/index.ts";
import { createTestClient } from "../../support/graphql-client.ts";
import { createLogBook } from "../../support/log-book.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";

const WRITE = `mutation { createTag(data: { label: "NAME" }) { __typename } }`;
const LAUNCH = `mutation {
  bulkCreateTags(data: [{ label: "NAME" }], options: { mode: ASYNC }) { __typename }
}`;

/** A task that no process enqueued: the sweeper tries to. */
const LEFT_BEHIND = `
  INSERT INTO powercrud.task (id, kind, model, error_policy, viewer, input, input_hash, created_at, total)
  VALUES (gen_random_uuid(), 'bulkUpdate', 'Tag', 'SKIP_FAILED', '{"id": null}', '{}', 'left behind',
          now() - interval '1 minute', 0)`;

let redis: RedisServer;
let database: TestDatabase;
let sql: pg.Client;

beforeAll(async () => {
  redis = await startRedisServer({ appendonly: "yes" });
  database = await createTestDatabase({ isEmpty: true });
  await migrateDatabase({ databaseUrl: database.url, projectDir: resolve(import.meta.dirname, "../../..") });
  sql = new pg.Client(database.url);
  await sql.connect();
});
afterAll(async () => {
  await sql.end();
  await database.drop();
  await redis.stop();
});

it("an outage is logged only at its start and its end, and refuses no write", async () => {
  const book = createLogBook();
  const service = await createService({
    config: demoConfig,
    databaseUrl: database.url,
    settings: { port: 0, backend: "redis", redisUrl: redis.url, leaseMs: 600 },
    logger: book,
  });
  const count = (text: string): number => book.lines.filter(({ message }) => message === text).length;
  await service.start();
  try {
    book.lines.splice(0);
    await redis.halt();
    await sql.query(LEFT_BEHIND);
    const client = createTestClient(service.url);
    for (let round = 0; round < 3; round += 1) {
      const write = await client.request(WRITE.replace("NAME", `single ${round}`));
      expect(JSON.stringify(write)).toContain("CreateTagPayload");
      const launch = await client.request(LAUNCH.replace("NAME", `bulk ${round}`));
      expect(JSON.stringify(launch)).toContain("UnavailableError");
    }
    await expect.poll(() => count("a sweep failed again"), { timeout: 20_000 }).toBeGreaterThan(1);
    // No worker can run it, since its kind does not exist.
    await sql.query("DELETE FROM powercrud.task WHERE input_hash = 'left behind'");
    await redis.revive();
    await expect.poll(() => count("a sweep went well again"), { timeout: 20_000 }).toBe(1);
    expect(count("a write was refused: a store is out of reach")).toBe(0);
    expect(count("a launch was refused: a store is out of reach")).toBe(3);
    const loud = book.lines.filter(({ level }) => level === "warn" || level === "error");
    const said = loud.map(({ level, fields, message }) => {
      const { connection = "", reason = "" } = fields as Readonly<Record<string, string | undefined>>;
      return [`${level}:`, connection, message, reason].join(" ").trimEnd();
    });
    expect(said).toEqual([...new Set(said)]);
    expect(loud.filter(({ fields }) => "err" in fields)).toEqual([]);
    expect(said).toContainEqual(expect.stringContaining("warn:  a sweep failed; it is tried again"));
  } finally {
    await service.stop();
  }
});
