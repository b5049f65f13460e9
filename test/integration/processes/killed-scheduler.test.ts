import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createPowerCrud, defineConfig } from "../../../src/index.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";
import { scheduledConfig, SCHEDULED_SETTINGS } from "./killed-scheduler.ts";

let database: TestDatabase;
let sql: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = new pg.Client(database.url);
  await sql.connect();
});
afterAll(async () => {
  await sql.end();
  await database.drop();
});

interface LaunchedTask {
  readonly key: string;
  readonly status: string;
  readonly result: unknown;
}

async function tasks(): Promise<readonly LaunchedTask[]> {
  const { rows } = await sql.query<LaunchedTask>(
    "SELECT idempotency_key AS key, status, result FROM powercrud.task ORDER BY id",
  );
  return rows;
}

it("a due time whose process is killed -9 after the launch runs once, and the next ones follow", async () => {
  const child = fork(join(import.meta.dirname, "killed-scheduler.ts"), [database.url], {
    execArgv: ["--import", "tsx"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  expect(await withDeadline(once(child, "exit"), 60_000, "the kill")).toEqual([null, "SIGKILL"]);
  const [killed, ...others] = await tasks();
  expect([killed?.status, others]).toEqual(["PENDING", []]);
  const { rows } = await sql.query<{ due: Date; taken: Date | null }>(
    "SELECT next_run_at AS due, run_through AS taken FROM powercrud.schedule",
  );
  expect(rows[0]?.taken).not.toBeNull();
  expect(killed?.key).toBe(`schedule:busy:${rows[0]?.due.toISOString()}`);

  const powercrud = await createPowerCrud({
    config: defineConfig(scheduledConfig),
    databaseUrl: database.url,
    settings: SCHEDULED_SETTINGS,
  });
  try {
    await powercrud.start();
    await expect.poll(async () => (await tasks()).length).toBeGreaterThan(2);
    await powercrud.schedules.pause({ name: "busy", viewer: { id: null } });
    await expect
      .poll(async () => new Set((await tasks()).map(({ status }) => status)))
      .toEqual(new Set(["SUCCEEDED"]));
    const keys = (await tasks()).map(({ key }) => key);
    expect([keys[0], new Set(keys).size]).toEqual([killed?.key, keys.length]);
  } finally {
    await powercrud.stop();
  }
});
