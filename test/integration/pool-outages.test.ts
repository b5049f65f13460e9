import { expect, it } from "vitest";
import { createPool } from "../../src/adapters/postgres/connection/create-pool.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import { createLogBook } from "../support/log-book.ts";
import { createTestDatabase } from "../support/test-database.ts";

const END_OTHERS = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'watched'`;

it("a pool that loses its idle connections logs the outage once, and its end once", async () => {
  const database = await createTestDatabase();
  const book = createLogBook();
  const connectionString = database.url;
  const pool = createPool({ connectionString, applicationName: "watched", logger: book });
  const other = createPool({ connectionString, applicationName: "other", logger: createSilentLogger() });
  const clients = await Promise.all([1, 2, 3].map(() => pool.connect()));
  clients.forEach((client) => client.release());
  await other.query(END_OTHERS);
  await expect.poll(() => pool.totalCount).toBe(0);
  const lost = {
    level: "warn",
    fields: { connection: "watched", reason: expect.stringContaining("terminat") },
    message: "idle database connections were lost",
  };
  expect(book.lines).toEqual([lost]);
  await pool.query("SELECT 1");
  expect(book.lines).toEqual([
    lost,
    {
      level: "info",
      fields: { connection: "watched" },
      message: "the database is connected again",
    },
  ]);
  await pool.end();
  await other.end();
  await database.drop();
});

it("callers wait in line while connections come back, and are refused when none does", async () => {
  const database = await createTestDatabase();
  const pool = createPool({
    connectionString: database.url,
    applicationName: "line",
    maxConnections: 1,
    connectTimeoutMs: 300,
    logger: createSilentLogger(),
  });
  const calls = Array.from({ length: 20 }, () => pool.query("SELECT pg_sleep(0.05)"));
  expect(await Promise.all(calls)).toHaveLength(20);
  const held = await pool.connect();
  const refused = await Promise.allSettled([pool.query("SELECT 1"), pool.connect()]);
  expect(refused.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  held.release();
  expect((await pool.query("SELECT 1")).rows).toHaveLength(1);
  await pool.end();
  await database.drop();
});
