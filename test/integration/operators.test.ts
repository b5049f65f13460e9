/* oxlint-disable eslint/max-lines -- one fixture serves all cases */
import { insertCities } from "../support/insert-cities.ts";
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import type { PowerCrudService } from "../../src/compose/create-service.ts";
import { createService } from "../../src/compose/create-service.ts";
import { defineConfig, defineTask } from "../../src/index.ts";
import type { Logger } from "../../src/kernel/logger.ts";
import { freePort } from "../support/free-port.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";
import { createTestRedis } from "../support/test-redis.ts";
import { nextWithin } from "../support/deadline.ts";
import { overSocket, socketClient } from "./graphql-clients.ts";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:http";

type Line = Readonly<Record<string, unknown>>;

let database: TestDatabase;
let sql: Client;
let service: PowerCrudService;
let metricsUrl: string;
const audit: Line[] = [];
const logged: Line[] = [];

/** Holds a country until it is let go. */
let letGo: (() => void) | undefined;
let logger: Logger;
const hold = defineTask({
  kind: "hold",
  claims: () => [{ model: "Country", ids: ["FR"] }],
  async run({ task }) {
    logger.warn({}, `within ${task.kind}`);
    await new Promise<void>((resolve) => {
      letGo = resolve;
    });
  },
});

/** Runs until it is stopped. */
const linger = defineTask({
  kind: "linger",
  run: ({ signal }) =>
    new Promise((_resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      signal.addEventListener("abort", stop);
      if (signal.aborted) {
        stop();
      }
    }),
});

beforeAll(async () => {
  database = await createTestDatabase();
  sql = new Client(database.url);
  await sql.connect();
  await insertCities(sql, 30);
  const note =
    (lines: Line[]) =>
    (fields: object, message: string): void =>
      void lines.push({ ...fields, message });
  logger = { debug: () => undefined, info: note(logged), warn: note(logged), error: note(logged) };
  const metricsPort = await freePort();
  metricsUrl = `http://127.0.0.1:${metricsPort}/metrics`;
  service = await createService({
    config: defineConfig({
      ...demoConfig,
      tasks: [hold, linger],
      schedules: [{ name: "yearly", cron: "0 3 1 1 *", task: linger }],
    }),
    databaseUrl: database.url,
    // setting: POWERCRUD_METRICS_PORT
    // setting: POWERCRUD_METRICS_HOST
    settings: { port: 0, metricsPort, metricsHost: "127.0.0.1" },
    authenticate: ({ headers }) => Promise.resolve({ id: headers.get("x-viewer") }),
    logger,
    auditLogger: { ...logger, info: note(audit) },
  });
  await service.start();
});
afterAll(async () => {
  letGo?.();
  await service.stop();
  await sql.end();
  await database.drop();
});

async function ask(
  query: string,
  id = "edge-1",
  headers = {},
  { url }: PowerCrudService = service,
): Promise<{ readonly data: never; readonly requestId: string | null }> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-viewer": "ann", "x-request-id": id, ...headers },
    body: JSON.stringify({ query }),
  });
  const { data } = (await response.json()) as { data: never };
  return { data, requestId: response.headers.get("x-request-id") };
}

it("one line tells at the start that everybody may do everything", () => {
  const lines = logged.filter(({ message }) => String(message).startsWith("authentication is"));
  expect(lines).toEqual([
    {
      message:
        "authentication is off: everybody who reaches this address may do everything (HOST is 127.0.0.1)",
    },
  ]);
});

/** The samples by name and labels. */
async function scrape(): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(metricsUrl);
  expect(response.headers.get("content-type")).toContain("text/plain");
  const lines = (await response.text()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.replace(/ \S+$/, ""), Number(line.split(" ").at(-1))]));
}

const BULK = `mutation { bulkUpdateCities(selection: {where: {id: {lte: 25}}}, data: {notes: {set: "x"}}) {
  __typename ... on TaskLaunched { task { id } } } }`;

describe("metrics", () => {
  it("count requests, launches, tasks, records, chunks, conflicts and events; no label names a client or a task", async () => {
    await service.powercrud.tasks.launch("hold", null, { mode: "ASYNC", viewer: { id: "bob" } });
    await expect.poll(() => letGo).toBeDefined();
    const feed = service.powercrud.feed.subscribe({ filter: { types: ["CLEANUP"] } });
    const { bulkUpdateCities: launched } = (await ask(BULK)).data as {
      bulkUpdateCities: { task: { id: string } };
    };
    await nextWithin(feed, 10_000, "the end of the task");
    await ask(`query Mine { cities(first: 1) { totalCount } }`);
    await ask(`{ nothing }`);
    const refused = await ask(`mutation { updateCountry(id: "FR", data: {name: "x"}) { __typename } }`);
    expect(refused.data).toEqual({ updateCountry: { __typename: "ConflictError" } });

    const samples = await scrape();
    const seen = Object.fromEntries(samples);
    expect(seen).toMatchObject({
      'powercrud_request_duration_seconds_count{operation="mutation",outcome="ok"}': 2,
      'powercrud_request_duration_seconds_count{operation="query",outcome="ok"}': 1,
      'powercrud_request_duration_seconds_count{operation="none",outcome="refused"}': 1,
      'powercrud_launches_total{kind="bulkUpdate",outcome="launched"}': 1,
      'powercrud_tasks_settled_total{kind="bulkUpdate",status="SUCCEEDED"}': 1,
      'powercrud_records_total{kind="bulkUpdate",outcome="succeeded"}': 25,
      'powercrud_chunk_duration_seconds_count{kind="bulkUpdate"}': 1,
      'powercrud_lock_conflicts_total{operation="write"}': 1,
      'powercrud_writes_total{operation="update",outcome="conflict"}': 1,
      'powercrud_tasks{kind="hold",status="RUNNING"}': 1,
      powercrud_subscribers: 1,
      'powercrud_pool_waiting{pool="engine"}': 0,
      'powercrud_pool_waiting{pool="models"}': 0,
      'powercrud_pool_waiting{pool="reads"}': 0,
    });
    expect(seen["powercrud_event_latency_seconds_count"]).toBeGreaterThan(0);
    expect(seen['powercrud_oldest_task_seconds{status="RUNNING"}']).toBeGreaterThan(0);
    const names = [...samples.keys()].filter((name) => name.startsWith("powercrud_")).join("\n");
    for (const unbounded of [launched.task.id, "Mine", "ann", "bob", "edge-1"]) {
      expect(names).not.toContain(unbounded);
    }
    await feed.return?.();
  });

  it("tell of open sockets, of the sweeper, and of connections", async () => {
    const valueOf = async (name: string): Promise<number | undefined> => (await scrape()).get(name);
    expect(await valueOf("powercrud_websockets")).toBe(0);
    const socket = socketClient(service.url);
    const results = overSocket(socket, { query: `subscription { taskEvents { type } }` });
    await expect.poll(() => valueOf("powercrud_websockets")).toBe(1);
    await expect.poll(() => valueOf("powercrud_subscribers")).toBe(1);
    await results.return?.();
    await socket.dispose();
    await expect.poll(() => valueOf("powercrud_websockets")).toBe(0);
    // The first pass is made at the start.
    await expect.poll(() => valueOf("powercrud_sweeps_total")).toBeGreaterThan(0);
    expect(await valueOf('powercrud_swept_total{what="rescued"}')).toBe(0);

    const busy = 'powercrud_pool_connections{pool="reads",state="busy"}';
    await expect.poll(() => valueOf(busy)).toBe(0);
    await sql.query("BEGIN");
    await sql.query("LOCK TABLE city IN ACCESS EXCLUSIVE MODE");
    const asked = ask(`{ cities(first: 1) { totalCount } }`);
    await expect.poll(() => valueOf(busy)).toBeGreaterThan(0);
    await sql.query("ROLLBACK");
    await asked;
    await expect.poll(() => valueOf(busy)).toBe(0);
    expect(await valueOf(busy.replace("busy", "idle"))).toBeGreaterThan(0);
  });

  it("are not for other sites: of names that only resolve to this machine, and of their pages", async () => {
    const statusFor = async (headers: Record<string, string>): Promise<number | undefined> => {
      const asking = request(metricsUrl, { headers }).end();
      const [response] = (await once(asking, "response")) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    audit.length = 0;
    const { port } = new URL(metricsUrl);
    const refused = [
      { host: `rebound.example:${port}` },
      { origin: "https://elsewhere.example" },
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image" },
    ];
    for (const headers of refused) {
      expect([headers, await statusFor(headers)]).toEqual([headers, 403]);
    }
    const line = { log: "audit", action: "connect", outcome: "forbidden", reason: "origin" };
    expect(audit).toMatchObject(refused.map(() => ({ ...line, viewerId: null, peer: "127.0.0.1" })));
    for (const headers of [{ host: `localhost:${port}` }, { origin: `http://localhost:${port}` }]) {
      expect([headers, await statusFor(headers)]).toEqual([headers, 200]);
    }
  });

  it("are told even while a source of them is away, and only of GET /metrics", async () => {
    expect((await fetch(metricsUrl, { method: "POST" })).status).toBe(404);
    expect((await fetch(metricsUrl.replace("/metrics", "/"))).status).toBe(404);
  });
});

describe("traces", () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  afterAll(async () => {
    trace.disable();
    context.disable();
    await provider.shutdown();
  });

  it("lead from the mutation over the task and its chunks to the events, as soon as an SDK is there", async () => {
    const { rows } = await sql.query("SELECT FROM powercrud.task WHERE trace IS NOT NULL");
    expect(rows).toEqual([]);
    trace.setGlobalTracerProvider(provider);
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    const feed = service.powercrud.feed.subscribe({ filter: { types: ["CLEANUP"] } });
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    await ask(BULK, "edge-3", { traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
    await nextWithin(feed, 10_000, "the end of the task");
    await feed.return?.();

    await expect.poll(() => shapeOf(exporter.getFinishedSpans())).toEqual(shapeIn(traceId));
  });

  it("lead from an API over Redis to a worker, and from the worker's events over Redis to a subscriber", async () => {
    const redis = createTestRedis();
    const other = await createTestDatabase();
    const open = (role: "serve" | "work"): Promise<PowerCrudService> =>
      createService({
        config: defineConfig(demoConfig),
        databaseUrl: other.url,
        role,
        settings: { port: 0, backend: "redis", redisUrl: redis.url, redisKeyPrefix: redis.keyPrefix },
        logger,
      });
    const [api, worker] = [await open("serve"), await open("work")];
    try {
      const client = new Client(other.url);
      await client.connect();
      await insertCities(client, 30);
      await client.end();
      await Promise.all([api.start(), worker.start()]);
      exporter.reset();
      const feed = api.powercrud.feed.subscribe({ filter: { types: ["CLEANUP"] } });
      const traceId = "0af7651916cd43dd8448eb211c80319c";
      await ask(BULK, "edge-4", { traceparent: `00-${traceId}-00f067aa0ba902b7-01` }, api);
      await nextWithin(feed, 20_000, "the end of the task");
      await feed.return?.();
      await expect.poll(() => shapeOf(exporter.getFinishedSpans())).toEqual(shapeIn(traceId));
    } finally {
      await Promise.all([api.stop(), worker.stop()]);
      await redis.drop();
      await other.drop();
    }
  });

  /** What the spans say of each other. The last ones end a moment after the end of the task is told. */
  function shapeOf(spans: readonly ReadableSpan[]): object {
    const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
    const parentOf = ({ parentSpanContext }: ReadableSpan): string =>
      names.get(parentSpanContext?.spanId ?? "") ?? String(parentSpanContext?.spanId);
    return {
      traceIds: [...new Set(spans.map((span) => span.spanContext().traceId))],
      steps: [...new Set(spans.map((span) => `${span.name} of ${parentOf(span)}`))].toSorted(),
      tasks: spans.filter(({ name }) => name === "task").map(({ attributes }) => attributes),
      events: spans.flatMap(({ attributes }) => attributes["powercrud.event.type"] ?? []),
    };
  }

  const shapeIn = (traceId: string): object => ({
    traceIds: [traceId],
    steps: ["chunk of task", "event of mutation", "mutation of 00f067aa0ba902b7", "task of mutation"],
    tasks: [expect.objectContaining({ "powercrud.task.kind": "bulkUpdate", "powercrud.attempt": 1 })],
    events: expect.arrayContaining(["COMPLETE", "CLEANUP"]) as unknown,
  });
});

describe("the audit log", () => {
  it("has a line for each launch, control and refusal, with the request and who it was", async () => {
    audit.length = 0;
    const { data, requestId } = await ask(BULK, "edge-2");
    const { bulkUpdateCities } = data as { bulkUpdateCities: { task: { id: string } } };
    expect(requestId).toBe("edge-2");
    const taskId = bulkUpdateCities.task.id;
    await service.powercrud.tasks.wait(taskId);
    await ask(`mutation { cancelTask(id: "${taskId}") { __typename } }`);
    await ask(`mutation { retryTask(id: "${taskId}") { __typename } }`);
    await ask(`mutation { updateCountry(id: "FR", data: {name: "x"}) { __typename } }`);
    const by = {
      log: "audit",
      viewerId: "ann",
      requestId: expect.stringMatching(/^edge-/),
      peer: expect.stringContaining("127.0.0.1"),
    };
    expect(audit).toMatchObject([
      { ...by, action: "launch", outcome: "launched", kind: "bulkUpdate", model: "City", taskId },
      { ...by, action: "cancel", outcome: "settled", taskId },
      { ...by, action: "retry", outcome: "invalid", taskId },
      { ...by, action: "write", outcome: "conflict", model: "Country" },
    ]);
  });

  it("has a line for what becomes of tasks, reservations, exports and schedules", async () => {
    audit.length = 0;
    const { tasks, schedules } = service.powercrud;
    const viewer = { id: "ann" };
    const idOf = (outcome: object): string => (outcome as { task: { id: string } }).task.id;
    const taskId = idOf(await tasks.launch("linger", null, { mode: "ASYNC", viewer }));
    for (const action of ["pause", "resume", "cancel"]) {
      await ask(`mutation { ${action}Task(id: "${taskId}") { __typename } }`);
    }
    expect(await tasks.wait(taskId)).toMatchObject({ status: "CANCELLED" });
    const { data } = await ask(
      `mutation { retryTask(id: "${taskId}") { ... on TaskLaunched { task { id } } } }`,
    );
    const retryId = idOf((data as { retryTask: object }).retryTask);
    await tasks.cancel(retryId, { viewer });
    const claims = [{ model: "City", ids: ["30"] }];
    const held = await tasks.reserve(claims, { viewer });
    if (held.kind !== "RESERVED") {
      throw new Error(held.message);
    }
    await tasks.reserve(claims, { viewer });
    await tasks.reserve([], { viewer });
    await ask(`mutation { launchExport(input: {model: "Citty", format: CSV}) { __typename } }`);
    await ask(`mutation { pauseSchedule(name: "yearly") { __typename } }`);
    await ask(`mutation { resumeSchedule(name: "yearly") { __typename } }`);
    for (const verb of ["run", "pause", "resume"] as const) {
      await schedules[verb]({ name: "never", viewer });
    }
    const mine = { log: "audit", viewerId: "ann" };
    const reservation = { ...mine, action: "launch", kind: "reservation" };
    expect(audit).toMatchObject([
      { ...mine, action: "launch", outcome: "launched", kind: "linger", taskId },
      { ...mine, action: "pause", outcome: "paused", taskId },
      { ...mine, action: "resume", outcome: "resumed", taskId },
      { ...mine, action: "cancel", outcome: "cancelled", taskId },
      { ...mine, action: "retry", outcome: "launched", kind: "linger", taskId: retryId },
      { ...mine, action: "cancel", outcome: "cancelled", taskId: retryId },
      { ...reservation, outcome: "launched", model: "City", taskId: held.reservation.id },
      { ...reservation, outcome: "conflict" },
      { ...reservation, outcome: "invalid" },
      { ...mine, action: "launch", outcome: "invalid", kind: "export" },
      { ...mine, action: "pause", outcome: "paused", schedule: "yearly" },
      { ...mine, action: "resume", outcome: "resumed", schedule: "yearly" },
      { ...mine, action: "launch", outcome: "missing", schedule: "never" },
      { ...mine, action: "pause", outcome: "missing", schedule: "never" },
      { ...mine, action: "resume", outcome: "missing", schedule: "never" },
    ]);
    await tasks.wait(retryId);
    expect(await held.reservation.release()).toBe(true);
  });

  // setting: POWERCRUD_AUDIT_LOG
  it("may be turned off: isAudited", async () => {
    const silent = await createService({
      config: defineConfig(demoConfig),
      databaseUrl: database.url,
      role: "serve",
      settings: { port: 0, isAudited: false },
      logger,
    });
    logged.length = 0;
    await silent.start();
    await silent.powercrud.tasks.cancel("00000000-0000-7000-8000-000000000000");
    await silent.stop();
    expect(logged.filter(({ log }) => log === "audit")).toEqual([]);
  });
});

it("the metrics tell how long a task stood in line", async () => {
  const { tasks } = service.powercrud;
  const waiting = await tasks.launchBulk({
    operation: "UPDATE",
    model: "Country",
    viewer: { id: "ann" },
    selection: { ids: ["FR"] },
    change: { population: { set: "7" } },
    options: { mode: "ASYNC", onConflict: "WAIT" },
  });
  expect(waiting).toMatchObject({ kind: "LAUNCHED", task: { status: "WAITING" } });
  letGo?.();
  await tasks.wait(waiting.kind === "LAUNCHED" ? waiting.task.id : "");
  expect((await scrape()).get('powercrud_lock_wait_seconds_count{kind="bulkUpdate"}')).toBe(1);
});
