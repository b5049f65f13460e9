import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { graphql } from "graphql";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Config } from "../../../src/config/config.ts";
import type { PowerCrud, Progress } from "../../../src/index.ts";
import { createPowerCrud } from "../../../src/index.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";
import type { TestRedis } from "../../support/test-redis.ts";
import { createTestRedis } from "../../support/test-redis.ts";
import { config, count } from "./counting-config.ts";

const SCRIPT = join(import.meta.dirname, "client-process.ts");

let database: TestDatabase;
let redis: TestRedis;
let sql: Client;
let client: PowerCrud;

beforeAll(async () => {
  redis = createTestRedis();
  database = await createTestDatabase();
  sql = new Client(database.url);
  await sql.connect();
  client = await createPowerCrud({ config, databaseUrl: database.url, role: "client" });
  await client.start();
});
afterAll(async () => {
  await client.stop();
  await sql.end();
  await database.drop();
  await redis.drop();
});

async function startService(settings: Partial<Config> = {}): Promise<PowerCrud> {
  const service = await createPowerCrud({ config, databaseUrl: database.url, settings });
  onTestFinished(() => service.stop());
  await service.start();
  return service;
}

describe("a client", () => {
  it("takes no part in the deployment: it is in no list, sweeps nothing, and runs nothing from the queue", async () => {
    const launched = await client.tasks.launch(count, 2);
    expect(launched).toMatchObject({ kind: "LAUNCHED", task: { status: "PENDING" } });
    const { processes } = await client.health.read();
    expect(processes).toEqual([]);
    expect((await sql.query("SELECT FROM powercrud.turn")).rowCount).toBe(0);
    expect((await sql.query("SELECT FROM powercrud.attempt")).rowCount).toBe(0);

    const service = await startService();
    const seen: (number | null)[] = [];
    const id = launched.kind === "LAUNCHED" ? launched.task.id : "";
    const watch = async (): Promise<void> => {
      for await (const { percent } of client.tasks.progress(id) as AsyncIterable<Progress>) {
        seen.push(percent);
      }
    };
    await withDeadline(watch(), 20_000, "the end of the task");
    expect(seen.at(-1)).toBe(100);
    expect((await client.health.read()).processes).toMatchObject([{ id: service.processId, role: "start" }]);
  });

  it("runs a task in its own process when it is asked to", async () => {
    const launched = await client.tasks.launch(count, 5, { mode: "SYNC" });
    expect(launched).toMatchObject({
      kind: "LAUNCHED",
      task: { status: "SUCCEEDED", result: { counted: 5, pid: process.pid } },
    });
  });

  it("in a script lets the process end by itself, on both backends", async () => {
    const settings = [
      { backend: "postgres" },
      { backend: "redis", redisUrl: redis.url, redisKeyPrefix: redis.keyPrefix },
    ] as const;
    await Promise.all(settings.map(startService));
    const args = [database.url, ...settings.map((each) => JSON.stringify(each))];
    const child = fork(SCRIPT, args, { execArgv: ["--import", "tsx"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const messages: unknown[] = [];
    child.on("message", (message) => messages.push(message));
    await withDeadline(once(child, "disconnect"), 60_000, "the script's last line");
    const result = { counted: 3, pid: process.pid };
    expect(messages).toEqual([result, result]);
    // A timer or an idle connection would keep it alive for 30 s.
    expect(child.exitCode ?? (await withDeadline(once(child, "exit"), 5000, "the script's end"))[0]).toBe(0);
  });

  it("finds nothing and waits for nothing under an id that no task has", async () => {
    const id = "00000000-0000-7000-8000-000000000000";
    expect(await client.tasks.get(id)).toBeUndefined();
    expect(await client.tasks.cancel(id)).toMatchObject({ kind: "MISSING" });
    expect(await client.tasks.pause(id)).toMatchObject({ kind: "MISSING" });
    expect(await client.tasks.resume("no id")).toMatchObject({ kind: "MISSING" });
    expect(await client.tasks.retry("no id")).toMatchObject({ kind: "MISSING" });
    await expect(client.tasks.wait(id)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(client.tasks.launch("errand", 1)).rejects.toMatchObject({ code: "UNKNOWN_KIND" });
    expect(await client.tasks.launch(count, 0)).toMatchObject({ kind: "INVALID" });
  });

  it("finishes by key what was left, by GraphQL as well", async () => {
    const options = { idempotencyKey: "six" };
    const launched = await client.tasks.launch(count, 6, options);
    const id = launched.kind === "LAUNCHED" ? launched.task.id : "";
    await client.tasks.cancel(id);
    const source = `mutation { launchCount(input: 6, options: {idempotencyKey: "six", ifUnfinished: RETRY, mode: SYNC}) {
      ... on TaskLaunched { isDuplicate task { status retryOf { id } } }
    } }`;
    const { data, errors } = await graphql({
      schema: client.schema,
      source,
      contextValue: { viewer: { id: null } },
    });
    expect(errors).toBeUndefined();
    expect(JSON.parse(JSON.stringify(data))).toEqual({
      launchCount: { isDuplicate: false, task: { status: "SUCCEEDED", retryOf: { id } } },
    });
  });

  it("pauses, resumes and cancels what others are to run", async () => {
    const launched = await client.tasks.launch(count, 7);
    const id = launched.kind === "LAUNCHED" ? launched.task.id : "";
    expect(await client.tasks.pause(id, { viewer: { id: "ann" } })).toMatchObject({
      kind: "PAUSED",
      task: { status: "PAUSED" },
    });
    expect(await client.tasks.resume(id)).toMatchObject({ kind: "RESUMED", task: { status: "PENDING" } });
    expect(await client.tasks.cancel(id)).toMatchObject({ kind: "CANCELLED", task: { status: "CANCELLED" } });
    const again = await client.tasks.retry(id, { options: { mode: "SYNC" } });
    expect(again).toMatchObject({ kind: "LAUNCHED", task: { status: "SUCCEEDED", retryOf: id } });
    const tasks = await client.tasks.list({ kinds: ["count"], statuses: ["CANCELLED"] });
    expect(tasks[0]?.id).toBe(id);
    expect(await client.tasks.count({ kinds: ["count"], statuses: ["CANCELLED"] })).toBe(tasks.length);
    const { leftAlone } = await client.tasks.sweep();
    expect(leftAlone).toEqual([]);
  });
});
