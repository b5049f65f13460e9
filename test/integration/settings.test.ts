import { insertCities } from "../support/insert-cities.ts";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:http";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { graphql } from "graphql";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import type { PowerCrud, PowerCrudOptions } from "../../src/index.ts";
import { createPowerCrud, createService, defineConfig, defineTask } from "../../src/index.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";
import { emptying } from "../support/empty-tables.ts";

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** How many tasks run now. */
let now = 0;
let most = 0;
/** Resolves once the running tasks may end. */
let mayEnd: Promise<void> = Promise.resolve();
const wait = defineTask({
  kind: "wait",
  async run() {
    now += 1;
    most = Math.max(most, now);
    await mayEnd;
    now -= 1;
  },
});
/** What a report waits for after each of its steps. */
let afterStep: () => Promise<unknown> = async () => undefined;
const report = defineTask({
  kind: "report",
  async run({ progress }) {
    progress.total(20);
    for (let step = 0; step < 20; step += 1) {
      progress.add(1);
      await afterStep();
    }
  },
});

let database: TestDatabase;
let sql: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = new pg.Client(database.url);
  await sql.connect();
  await insertCities(sql, 12);
});
afterAll(async () => {
  await sql.end();
  await database.drop();
});
beforeEach(async () => {
  await sql.query(emptying("powercrud.task, powercrud.lock"));
});

/** Does the work with a process that has these settings. */
async function using(
  settings: NonNullable<PowerCrudOptions["settings"]>,
  work: (powercrud: PowerCrud) => Promise<void>,
  role: PowerCrudOptions["role"] = "start",
): Promise<void> {
  const config = defineConfig({ ...demoConfig, tasks: [wait, report] });
  const powercrud = await createPowerCrud({ config, databaseUrl: database.url, settings, role });
  try {
    await powercrud.start();
    await work(powercrud);
  } finally {
    await powercrud.stop();
  }
}

/** Changes the first so many cities. @returns the launch's answer */
async function change(powercrud: PowerCrud, count: number, options = "{}"): Promise<Record<string, unknown>> {
  const ids = JSON.stringify(Array.from({ length: count }, (_, at) => String(at + 1)));
  const source = `mutation {
    bulkUpdateCities(selection: {ids: ${ids}}, data: {notes: {set: "x"}}, options: ${options}) {
      __typename ... on TaskLaunched { task { id status } } ... on LimitError { limit }
    }
  }`;
  const contextValue = { viewer: { id: null } };
  const { data, errors } = await graphql({ schema: powercrud.schema, source, contextValue });
  expect(errors).toBeUndefined();
  return (data as { bulkUpdateCities: Record<string, unknown> }).bulkUpdateCities;
}

const statusOf = (answer: Record<string, unknown>): unknown =>
  (answer["task"] as { status?: unknown }).status;

// A process that only serves runs nothing but what it runs in the request.
describe("what runs in the request", () => {
  // setting: POWERCRUD_BULK_MIN_ASYNC_RECORDS
  it.each([
    [5, "PENDING"],
    [6, "SUCCEEDED"],
  ])(
    "is fewer records than bulkMinAsyncRecords: with %i, five records are %s",
    async (bulkMinAsyncRecords, status) => {
      await using(
        { bulkMinAsyncRecords },
        async (powercrud) => expect(statusOf(await change(powercrud, 5))).toBe(status),
        "serve",
      );
    },
  );

  // setting: POWERCRUD_ASYNC_ENABLED
  it.each([
    [true, "PENDING"],
    [false, "SUCCEEDED"],
  ])("is everything, unless isAsyncEnabled: with %s it is %s", async (isAsyncEnabled, status) => {
    await using(
      { isAsyncEnabled },
      async (powercrud) => expect(statusOf(await change(powercrud, 5, "{mode: ASYNC}"))).toBe(status),
      "serve",
    );
  });
});

// setting: POWERCRUD_BULK_MAX_RECORDS
it("bulkMaxRecords: more records are refused", async () => {
  await using({ bulkMaxRecords: 4 }, async (powercrud) => {
    expect(await change(powercrud, 4)).toMatchObject({ __typename: "TaskLaunched" });
    expect(await change(powercrud, 5)).toEqual({ __typename: "LimitError", limit: 4 });
  });
});

// setting: POWERCRUD_CHUNK_RECORDS
it("chunkRecords: a task of twelve records has as many chunks as that makes", async () => {
  for (const [chunkRecords, chunks] of [
    [12, 1],
    [3, 4],
  ] as const) {
    await sql.query(emptying("powercrud.task"));
    await using({ chunkRecords }, async (powercrud) => {
      await change(powercrud, 12);
      const { rows } = await sql.query<{ n: number }>("SELECT count(*)::int AS n FROM powercrud.chunk");
      expect(rows[0]?.n).toBe(chunks);
    });
  }
});

// setting: POWERCRUD_LOCK_ESCALATION_RECORDS
it("lockEscalationRecords: more records lock the whole model", async () => {
  for (const [lockEscalationRecords, isWhole] of [
    [5, false],
    [4, true],
  ] as const) {
    await sql.query(emptying("powercrud.task, powercrud.lock"));
    await using(
      { lockEscalationRecords },
      async (powercrud) => {
        await change(powercrud, 5, "{mode: ASYNC}");
        const { rows } = await sql.query<{ ids: unknown }>(
          "SELECT claims -> 0 -> 'ids' AS ids FROM powercrud.task",
        );
        expect(rows[0]?.ids === "all").toBe(isWhole);
      },
      "serve",
    );
  }
});

// setting: POWERCRUD_WORKER_CONCURRENCY
it("workerConcurrency: so many tasks run at a time, and no more", async () => {
  for (const workerConcurrency of [1, 3]) {
    most = 0;
    let end = (): void => undefined;
    mayEnd = new Promise((resolve) => (end = resolve));
    await using({ workerConcurrency }, async ({ tasks }) => {
      const launched = await Promise.all(
        [1, 2, 3, 4, 5, 6].map((n) => tasks.launch(wait, n, { mode: "ASYNC" })),
      );
      await expect.poll(() => now).toBe(workerConcurrency);
      // Time for one that must not begin beside them.
      await rest(100);
      end();
      for (const outcome of launched) {
        if (outcome.kind === "LAUNCHED") {
          await tasks.wait(outcome.task.id);
        }
      }
    });
    expect(most).toBe(workerConcurrency);
  }
});

// setting: POWERCRUD_MAX_TASK_DURATION_MS
it("maxTaskDurationMs: a handler or a hook that never returns is ended, and its records are free", async () => {
  const forever = defineTask({ kind: "forever", run: () => new Promise<void>(() => undefined) });
  const City = {
    ...demoConfig.models?.["City"],
    hooks: { beforeUpdate: () => new Promise<never>(() => undefined) },
  };
  const config = defineConfig({ ...demoConfig, models: { ...demoConfig.models, City }, tasks: [forever] });
  const settings = { maxTaskDurationMs: 1000 };
  const powercrud = await createPowerCrud({ config, databaseUrl: database.url, settings });
  try {
    await powercrud.start();
    const { tasks } = powercrud;
    const launched = [
      await tasks.launch(forever, null, { mode: "ASYNC" }),
      await tasks.launchBulk({
        operation: "UPDATE",
        model: "City",
        viewer: { id: null },
        selection: { ids: ["1"] },
        change: { notes: { set: "x" } },
        options: { mode: "ASYNC" },
      }),
    ];
    for (const outcome of launched) {
      const task = outcome.kind === "LAUNCHED" ? await tasks.wait(outcome.task.id) : undefined;
      expect(task).toMatchObject({
        status: "FAILED",
        message: "The attempt took longer than 1000 ms.",
      });
    }
    expect((await sql.query("SELECT FROM powercrud.lock")).rows).toEqual([]);
  } finally {
    await powercrud.stop();
  }
});

// setting: POWERCRUD_TASK_RETENTION_MS
it("taskRetentionMs: settled tasks that are older are deleted by a sweep", async () => {
  const left = async (taskRetentionMs: number): Promise<number> => {
    let count = -1;
    await using({ taskRetentionMs }, async (powercrud) => {
      await change(powercrud, 1);
      await sql.query("UPDATE powercrud.task SET finished_at = finished_at - interval '2 minutes'");
      const uncleaned = async (): Promise<unknown> =>
        (await sql.query("SELECT FROM powercrud.task WHERE cleaned_at IS NULL")).rows;
      await expect.poll(uncleaned).toEqual([]);
      await powercrud.tasks.sweep();
      count = (await powercrud.tasks.list({})).length;
    });
    return count;
  };
  expect([await left(180_000), await left(60_000)]).toEqual([1, 0]);
});

// setting: POWERCRUD_PROGRESS_INTERVAL_MS
it("progressIntervalMs: progress is told that rarely", async () => {
  const told = async (progressIntervalMs: number): Promise<number> => {
    let count = 0;
    await using({ progressIntervalMs }, async ({ tasks, feed }) => {
      const outcome = await tasks.launch(report, progressIntervalMs, { mode: "ASYNC" });
      for await (const _state of feed.watch(outcome.kind === "LAUNCHED" ? outcome.task.id : "")) {
        count += 1;
        seen.splice(0).forEach((resolve) => resolve());
      }
    });
    return count;
  };
  // Several changes together are one state to who watches, so each step waits until the one before was seen.
  const seen: (() => void)[] = [];
  afterStep = () => new Promise<void>((resolve) => void seen.push(resolve));
  expect(await told(0)).toBeGreaterThan(10);
  afterStep = () => rest(5);
  expect(await told(60_000)).toBeLessThan(7);
});

// setting: POWERCRUD_READER
it("reader: queries read by our own statements, or by those of Prisma's client", async () => {
  const last = async (reader: "sql" | "prisma"): Promise<unknown> => {
    let text: unknown;
    await using({ reader }, async ({ schema }) => {
      const source = `{ country(id: "FR") { name cities(first: 1) { nodes { name } } } }`;
      const { data } = await graphql({ schema, source, contextValue: { viewer: { id: null } } });
      expect(data).toEqual({ country: { name: "France", cities: { nodes: [{ name: "City 1" }] } } });
      const { rows } = await sql.query(
        "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND application_name IN ('powercrud models', 'powercrud reads') ORDER BY query_start DESC LIMIT 1",
      );
      text = rows[0]?.query;
    });
    return text;
  };
  expect(await last("sql")).toContain("LEFT JOIN LATERAL");
  expect(await last("prisma")).not.toContain("LEFT JOIN LATERAL");
});

/** Does the work with a server that has these settings. */
async function serving(
  settings: NonNullable<PowerCrudOptions["settings"]>,
  work: (url: string) => Promise<void>,
  options: Partial<Parameters<typeof createService>[0]> = {},
): Promise<void> {
  const config = defineConfig(demoConfig);
  const served = { config, databaseUrl: database.url, role: "serve", ...options } as const;
  const service = await createService({ ...served, settings: { port: 0, ...settings } });
  try {
    await service.start();
    await work(service.url);
  } finally {
    await service.stop();
  }
}

// setting: HOST
it("host: the server listens there", async () => {
  await serving({ host: "localhost" }, async (url) => {
    expect(url).toMatch(/^http:\/\/localhost:\d+$/);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });
});

// setting: POWERCRUD_PERSISTED_DOCUMENTS
// setting: POWERCRUD_PERSISTED_DOCUMENTS_ONLY
// setting: POWERCRUD_AUTOMATIC_PERSISTED_QUERIES
it("persistedDocuments, isPersistedOnly, isAutomaticPersisted: which documents may be named, and which sent", async () => {
  const query = "{ __typename }";
  const folder = await mkdtemp(join(tmpdir(), "persisted-"));
  await writeFile(join(folder, "typename.graphql"), query);
  const sha256Hash = createHash("sha256").update(query).digest("hex");
  const named = `extensions=${encodeURIComponent(JSON.stringify({ persistedQuery: { version: 1, sha256Hash } }))}`;
  for (const [settings, asked, answer] of [
    [{}, named, "PERSISTED_QUERY_NOT_FOUND"],
    [{ isAutomaticPersisted: false }, named, "PERSISTED_QUERY_NOT_SUPPORTED"],
    [{ persistedDocuments: folder }, named, "Query"],
    [{ persistedDocuments: folder, isPersistedOnly: true }, "query={a:__typename}", "PERSISTED_QUERY_ONLY"],
  ] as const) {
    await serving(settings, async (url) => {
      expect(await (await fetch(`${url}/graphql?${asked}`)).text()).toContain(answer);
    });
  }
});

// setting: POWERCRUD_ALLOWED_HOSTS
it("allowedHosts: the service answers by these names, too", async () => {
  for (const [allowedHosts, status] of [
    [[], 403],
    [["api.example"], 200],
  ] as const) {
    await serving({ allowedHosts }, async (url) => {
      const { hostname, port } = new URL(url);
      const asked = request({ hostname, port, path: "/health/live", headers: { host: "api.example" } });
      asked.end();
      const [response] = (await once(asked, "response")) as [IncomingMessage];
      response.resume();
      expect(response.statusCode).toBe(status);
    });
  }
});

// setting: POWERCRUD_ALLOWED_ORIGINS
it("allowedOrigins: pages from there may use the service, and the option of createService wins", async () => {
  const page = "https://app.example";
  for (const [allowedOrigins, option, status] of [
    [[], {}, 403],
    [[page], {}, 200],
    [[page], { allowedOrigins: [] }, 403],
    [[], { allowedOrigins: [page] }, 200],
  ] as const) {
    const ask = async (url: string): Promise<void> => {
      const answer = await fetch(`${url}/health/live`, { headers: { origin: page } });
      expect(answer.status).toBe(status);
    };
    await serving({ allowedOrigins }, ask, option);
  }
});
