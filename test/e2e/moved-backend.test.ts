import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { withDeadline } from "../support/deadline.ts";
import { runPowerCrud, startRole } from "../support/powercrud-process.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";

let database: TestDatabase;
let sql: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase({ isEmpty: true });
  sql = new pg.Client(database.url);
  await sql.connect();
});
afterAll(async () => {
  await sql.end();
  await database.drop();
});

it("a process whose deployment moved to another backend ends with 1 and the reason, for its supervisor to restart", async () => {
  const env = {
    DATABASE_URL: database.url,
    POWERCRUD_BACKEND: "postgres",
    POWERCRUD_LEASE_MS: "600",
    PORT: "0",
  };
  await runPowerCrud(["migrate"], { DATABASE_URL: database.url });
  const processes = [await startRole("serve", env), await startRole("work", env)];
  await sql.query("UPDATE powercrud.backend SET name = 'redis'");
  for (const process of processes) {
    expect(await withDeadline(process.exited, 20_000, "the end")).toEqual({ code: 1, signal: null });
    expect(process.lines.at(-1)).toMatch(
      /^powercrud: the deployment has moved its locks and its queue to redis, .* it has to be started again$/,
    );
    expect(process.lines.filter((line) => line.includes("of no use any more"))).toHaveLength(1);
  }
});
