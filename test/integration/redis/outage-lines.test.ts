import { resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import powerCrudApp from "../../../powercrud.config.ts";
import { createService, migrateDatabase } from "../../../src/index.ts";
import { createTestClient } from "../../support/graphql-client.ts";
import { createLogBook } from "../../support/log-book.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";

const WRITES = [
  `mutation { updateCity(id: "1", data: { notes: "x" }) { __typename } }`,
  `mutation { bulkUpdateCities(selection: { ids: ["1"] }, data: { notes: { set: "x" } }) { __typename } }`,
];

let redis: RedisServer;
let database: TestDatabase;

beforeAll(async () => {
  redis = await startRedisServer({ appendonly: "yes" });
  database = await createTestDatabase({ isEmpty: true });
  await migrateDatabase({ databaseUrl: database.url, projectDir: resolve(import.meta.dirname, "../../..") });
});
afterAll(async () => {
  await database.drop();
  await redis.stop();
});

it("an outage is logged at its begin and its end, not with every refused write and every sweep", async () => {
  const book = createLogBook();
  const service = await createService({
    app: powerCrudApp,
    databaseUrl: database.url,
    config: { port: 0, backend: "redis", redisUrl: redis.url, leaseMs: 600 },
    logger: book,
  });
  const count = (text: string): number => book.lines.filter(({ message }) => message === text).length;
  await service.start();
  try {
    book.lines.splice(0);
    await redis.halt();
    const client = createTestClient(service.url);
    for (let round = 0; round < 3; round += 1) {
      for (const write of WRITES) {
        expect(JSON.stringify(await client.request(write))).toContain("UnavailableError");
      }
    }
    await expect.poll(() => count("a sweep failed again"), { timeout: 20_000 }).toBeGreaterThan(1);
    await redis.revive();
    await expect.poll(() => count("a sweep went well again"), { timeout: 20_000 }).toBe(1);
    expect(count("a write was refused: a store is out of reach")).toBe(3);
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
