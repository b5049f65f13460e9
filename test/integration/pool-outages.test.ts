import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { createPool, useOf } from "../../src/adapters/postgres/connection/create-pool.ts";
import { createPgSession } from "../../src/adapters/postgres/connection/pg-session.ts";
import { createStatementNames, createTextRows } from "../../src/adapters/postgres/connection/text-rows.ts";
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
  // Its first connection may take longer on a busy machine.
  const isConnected = (): Promise<boolean> =>
    pool.query("SELECT").then(
      () => true,
      () => false,
    );
  await expect.poll(isConnected).toBe(true);
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

it("a connection that came back goes to the next caller, unless it is lost, and counts as unused", async () => {
  const database = await createTestDatabase();
  const logger = createSilentLogger();
  const pool = createPool({ connectionString: database.url, applicationName: "turn", logger });
  const first = await pool.connect();
  first.release();
  expect(() => first.release()).toThrow("back in the pool already");
  expect(useOf("turn", pool)).toMatchObject({ busy: 0, idle: 1 });
  await setImmediate();
  const next = await pool.connect();
  expect(next).toBe(first);
  expect(useOf("turn", pool)).toMatchObject({ busy: 1, idle: 0 });
  next.release();
  next.emit("error", new Error("lost"));
  const other = await pool.connect();
  expect(other).not.toBe(first);
  expect((await other.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
  other.release();
  await pool.end();
  await database.drop();
});

it("rows are read as texts, also after the connections have forgotten the prepared statements", async () => {
  const database = await createTestDatabase();
  const logger = createSilentLogger();
  const pool = createPool({
    connectionString: database.url,
    applicationName: "rows",
    maxConnections: 1,
    logger,
  });
  const rows = createTextRows(pool);
  const text = "SELECT $1::text, $2::int, $3::bool, item FROM unnest($4::text[]) AS item";
  const items = ['"', "\\", "a,b", "{}", "", "NULL", null, "ü"];
  const read = () => rows.read(text, ["it's", 7, false, items]);
  const expected = items.map((item) => ["it's", "7", "f", item]);
  for (let time = 0; time < 3; time += 1) {
    expect(await read()).toEqual(expected);
  }
  await pool.query("DEALLOCATE ALL");
  expect(await read()).toEqual(expected);
  expect(await rows.read("SELECT $1::text WHERE FALSE", [null])).toEqual([]);
  await expect(rows.read("SELECT 1 / $1::int", [0])).rejects.toMatchObject({ code: "22012" });
  await pool.end();
  await database.drop();
});

it("a frequent statement is prepared from its second time on, and sent again where its connection has forgotten it", async () => {
  const database = await createTestDatabase();
  const logger = createSilentLogger();
  const pool = createPool({
    connectionString: database.url,
    applicationName: "frequent",
    maxConnections: 1,
    logger,
  });
  const session = createPgSession(pool, createStatementNames());
  const prepared = () => session.query<{ statement: string }>("SELECT statement FROM pg_prepared_statements");
  const text = "SELECT 6 / $1::int AS part";
  const run = (by: number) => session.query(text, [by], "FREQUENT");
  expect(await run(1)).toEqual([{ part: 6 }]);
  expect(await prepared()).toEqual([]);
  expect(await run(2)).toEqual([{ part: 3 }]);
  expect(await prepared()).toEqual([{ statement: text }]);
  await pool.query("DEALLOCATE ALL");
  expect(await run(3)).toEqual([{ part: 2 }]);
  expect(await prepared()).toEqual([]);
  await expect(run(0)).rejects.toMatchObject({ code: "22012" });
  await pool.end();
  await database.drop();
});
