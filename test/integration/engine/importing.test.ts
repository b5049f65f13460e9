import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import demoConfig from "../../../powercrud.config.ts";
import type { PowerCrud, Task } from "../../../src/index.ts";
import { ANONYMOUS, createPowerCrud } from "../../../src/index.ts";
import { withDeadline } from "../../support/deadline.ts";
import { insertCities } from "../../support/insert-cities.ts";
import type { TestDatabase } from "../../support/test-database.ts";
import { createTestDatabase } from "../../support/test-database.ts";
import { createTestRedis } from "../../support/test-redis.ts";
import { untilWaiting } from "../../support/until-waiting.ts";

/** As many rows as make four chunks, of which two are written at a time. */
const ROWS = 5000;

const redis = process.env["POWERCRUD_TEST_BACKEND"] === "redis" ? createTestRedis() : undefined;
let database: TestDatabase;
let client: Client;
/** Holds records in a transaction of its own, since PostgreSQL tells a transaction always the same of others. */
let holder: Client;
/** One process receives files; another looks on, and is asked to cancel. */
let receiver: PowerCrud;
let onlooker: PowerCrud;
let worker: PowerCrud;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new Client(database.url);
  holder = new Client(database.url);
  await Promise.all([client.connect(), holder.connect()]);
  const settings = redis && { redisUrl: redis.url, redisKeyPrefix: redis.keyPrefix };
  const create = (role: "serve" | "work"): Promise<PowerCrud> =>
    createPowerCrud({
      config: demoConfig,
      databaseUrl: database.url,
      role,
      settings: { backend: redis === undefined ? "postgres" : "redis", ...settings },
    });
  [receiver, onlooker, worker] = await Promise.all([create("serve"), create("serve"), create("work")]);
  await Promise.all([receiver.start(), onlooker.start()]);
  await insertCities(client, ROWS);
});

afterAll(async () => {
  await Promise.all([receiver, onlooker, worker].map((each) => each.stop()));
  await Promise.all([client.end(), holder.end()]);
  await redis?.drop();
  await database.drop();
});

beforeEach(() => client.query("UPDATE city SET population = 0 WHERE population <> 0"));

const session = {
  query: async (text: string, values: readonly unknown[] = []): Promise<readonly unknown[]> =>
    (await client.query(text, [...values])).rows,
};

/** A file of new populations, whose second half comes when it is let go. */
async function send(): Promise<{ task: Task; finish(): void; received: Promise<{ kind: string }> }> {
  const opened = await receiver.imports.open({
    viewer: ANONYMOUS,
    form: { model: "City", operation: "UPDATE", format: "CSV" },
    options: { mode: "ASYNC", errorPolicy: "SKIP_FAILED" },
  });
  if (opened.kind !== "LAUNCHED") {
    throw new Error(opened.message);
  }
  const { task } = opened;
  let open: (isWanted: boolean) => void = () => undefined;
  const gate = new Promise<boolean>((resolve) => (open = resolve));
  const rows = Array.from({ length: ROWS }, (_, at) => `${at + 1},${at + 1}\n`);
  async function* bytes(): AsyncGenerator<Buffer> {
    yield Buffer.from(`id,population\n${rows.slice(0, ROWS / 2).join("")}${"\n".repeat(70_000)}`);
    if (!(await gate)) {
      throw new Error("nobody needs the rest");
    }
    yield Buffer.from(rows.slice(ROWS / 2).join(""));
  }
  const received = receiver.imports.receive({
    taskId: task.id,
    viewer: ANONYMOUS,
    bytes: bytes(),
    countReceived: () => ROWS,
    stop: () => open(false),
  });
  return { task, finish: () => open(true), received };
}

async function changed(): Promise<number> {
  const { rows } = await client.query("SELECT count(*)::int AS count FROM city WHERE population > 0");
  return rows[0].count;
}

/** The task, once the onlooker has heard that it is so. */
async function heard(id: string, isSo: (task: Task) => boolean): Promise<Task> {
  const watch = async (): Promise<Task> => {
    for await (const task of onlooker.feed.watch(id)) {
      if (isSo(task)) {
        return task;
      }
    }
    throw new Error("the task has ended otherwise");
  };
  return withDeadline(watch(), 20_000, "what the onlooker waits for");
}

describe("an import that another process looks at", () => {
  it("tells how much has come, and is cancelled while more is coming", async () => {
    const { task, received } = await send();
    const seen = await heard(task.id, ({ progress }) =>
      /^\d+ rows? .*have come/.test(progress.message ?? ""),
    );
    expect(seen.status).toBe("RECEIVING");
    expect(await onlooker.tasks.cancel(task.id)).toMatchObject({ kind: "CANCELLED" });
    expect(await received).toMatchObject({ kind: "SETTLED" });
    expect(await heard(task.id, ({ status }) => status === "CANCELLED")).toMatchObject({ id: task.id });
    expect(await changed()).toBe(0);
  });

  it("is cancelled while nobody has begun to write", async () => {
    const { task, finish, received } = await send();
    finish();
    expect(await received).toMatchObject({ kind: "LAUNCHED", task: { status: "PENDING" } });
    expect(await onlooker.tasks.cancel(task.id)).toMatchObject({ kind: "CANCELLED" });
    expect(await heard(task.id, ({ status }) => status === "CANCELLED")).toMatchObject({ id: task.id });
    await worker.start();
    expect(await worker.tasks.wait(task.id)).toMatchObject({ status: "CANCELLED" });
    expect(await changed()).toBe(0);
  });

  /** A task whose worker waits for records that are held, with two chunks of several. */
  async function written(): Promise<Task> {
    await holder.query("BEGIN");
    // Of each of the two chunks that are written first.
    await holder.query("SELECT FROM city WHERE id IN (1, 600) FOR UPDATE");
    const { task, finish, received } = await send();
    finish();
    await received;
    await untilWaiting(session, { count: 2 });
    return heard(task.id, ({ status }) => status === "RUNNING");
  }

  /** How the task ends, and whether it tells what it has changed: some records, not all. */
  async function endOf(id: string): Promise<{ readonly status: string; readonly isTold: boolean }> {
    const { status, progress } = await onlooker.tasks.wait(id);
    return { status, isTold: (await changed()) === progress.succeeded && progress.succeeded < ROWS };
  }

  it("is cancelled while a worker writes", async () => {
    const { id } = await written();
    await onlooker.tasks.cancel(id);
    await holder.query("ROLLBACK");
    expect(await endOf(id)).toEqual({ status: "CANCELLED", isTold: true });
  });

  it("is cancelled while it is paused", async () => {
    const { id } = await written();
    await onlooker.tasks.pause(id);
    await holder.query("ROLLBACK");
    const paused = await heard(id, ({ status }) => status === "PAUSED");
    expect(paused.progress.succeeded).toBeGreaterThan(0);
    expect(await onlooker.tasks.cancel(id)).toMatchObject({ kind: "CANCELLED" });
    expect(await endOf(id)).toEqual({ status: "CANCELLED", isTold: true });
  });
});
