import pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import demoConfig from "../../powercrud.config.ts";
import type { PowerCrudService } from "../../src/index.ts";
import { createService, defineConfig } from "../../src/index.ts";
import type { TestDatabase } from "../support/test-database.ts";
import { createTestDatabase } from "../support/test-database.ts";
import { overSocket, overSse, socketClient } from "./graphql-clients.ts";

/** Reads wait while another session has the table: they are as slow as the test wants. */
const SLOW = '{ cities(where: { notes: { contains: "x" } }) { nodes { id } } }';

let database: TestDatabase;
let sql: pg.Client;
/** A session outside of the transaction that holds the table: within one, the view of the activity stands still. */
let watch: pg.Client;
let service: PowerCrudService;
beforeAll(async () => {
  database = await createTestDatabase();
  sql = new pg.Client(database.url);
  watch = new pg.Client(database.url);
  await Promise.all([sql.connect(), watch.connect()]);
  await sql.query("INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE')");
  // So long that only what the tests look at ends a read.
  service = await serve({ readTimeoutMs: 60_000 });
});
afterEach(() => sql.query("ROLLBACK"));
afterAll(async () => {
  await service.stop();
  await Promise.all([sql.end(), watch.end()]);
  await database.drop();
});

async function serve(settings: { readonly readTimeoutMs?: number }): Promise<PowerCrudService> {
  const made = await createService({
    config: defineConfig(demoConfig),
    databaseUrl: database.url,
    role: "serve",
    settings: { port: 0, ...settings },
  });
  await made.start();
  return made;
}

async function holdCities(): Promise<void> {
  await sql.query("BEGIN");
  await sql.query("LOCK TABLE city IN ACCESS EXCLUSIVE MODE");
}

function ask(query: string, init: RequestInit & { readonly at?: PowerCrudService } = {}): Promise<Response> {
  const { at = service, ...rest } = init;
  const headers = {
    "content-type": "application/json",
    ...(rest.headers as Record<string, string> | undefined),
  };
  return fetch(`${at.url}/graphql`, { ...rest, method: "POST", headers, body: JSON.stringify({ query }) });
}

/** How many reads wait for the table. */
async function waiting(): Promise<number> {
  const { rows } = await watch.query<{ n: number }>(
    "SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'powercrud reads' AND wait_event_type = 'Lock'",
  );
  return rows[0]?.n ?? 0;
}

async function untilWaiting(count: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  while ((await waiting()) !== count) {
    expect(Date.now()).toBeLessThan(deadline);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

// setting: POWERCRUD_READ_TIMEOUT_MS
it("a read that takes longer than readTimeoutMs is refused on every way, and a quicker one is not", async () => {
  const quick = await serve({ readTimeoutMs: 50 });
  onTestFinished(() => quick.stop());
  await holdCities();
  const patient = ask(SLOW);
  const client = socketClient(quick.url);
  onTestFinished(() => void client.dispose());
  const answers = [
    (await ask(SLOW, { at: quick })).json(),
    (await overSse(quick.url, { query: SLOW })).next().then(({ value }) => value as unknown),
    overSocket(client, { query: SLOW })
      .next()
      .then(({ value }) => value as unknown),
  ];
  for (const answer of answers) {
    expect(await answer).toMatchObject({
      errors: [
        {
          message: expect.stringContaining("Reading took longer than 50 ms. Narrow the filter"),
          extensions: { code: "LIMIT_EXCEEDED", readTimeoutMs: 50 },
        },
      ],
    });
  }
  await sql.query("ROLLBACK");
  expect(await (await patient).json()).toEqual({ data: { cities: { nodes: [] } } });
});

it("thirty slow reads hold up no other read, no write, no launch and not health", async () => {
  await holdCities();
  const slow = Array.from({ length: 30 }, () => ask(SLOW));
  await untilWaiting(30);
  const answers = await Promise.all(
    [
      "{ countries { nodes { code } } }",
      'mutation { updateCountry(id: "FR", data: { population: 5 }) { __typename } }',
      'mutation { bulkUpdateCountries(selection: { ids: ["FR"] }, data: { population: { set: "7" } }, options: { mode: ASYNC }) { __typename } }',
      "{ health { isHealthy: status } }",
    ].map(async (query) => ((await (await ask(query)).json()) as { errors?: unknown }).errors),
  );
  expect(await waiting()).toBe(30);
  expect(answers.slice(0, 3)).toEqual([undefined, undefined, undefined]);
  expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
  await sql.query("ROLLBACK");
  for (const answer of slow) {
    expect((await answer).status).toBe(200);
  }
});

/** Its filter is as slow. */
const SELECTING =
  'mutation { bulkUpdateCities(selection: { where: { notes: { contains: "x" } } }, data: { notes: { set: "y" } }) { __typename ... on Error { message } } }';

it("a selection that takes longer than readTimeoutMs is refused, and nothing has changed", async () => {
  const quick = await serve({ readTimeoutMs: 50 });
  onTestFinished(() => quick.stop());
  await holdCities();
  const { data } = (await (await ask(SELECTING, { at: quick })).json()) as { data: unknown };
  expect(data).toMatchObject({
    bulkUpdateCities: {
      __typename: "LimitError",
      message: expect.stringContaining("Reading took longer than 50 ms. Narrow the filter"),
    },
  });
});

describe("the statement of a client that leaves is cancelled:", () => {
  it.each([
    ["application/json", SLOW],
    ["text/event-stream", SLOW],
    ["application/json", SELECTING],
  ])("over HTTP, for %s: %s", async (accept, query) => {
    await holdCities();
    const leaving = new AbortController();
    const asked = ask(query, { signal: leaving.signal, headers: { accept } });
    await untilWaiting(1);
    leaving.abort();
    await expect(asked).rejects.toThrow("aborted");
    await untilWaiting(0);
  });

  it.each([
    ["ends its operation", SLOW],
    ["leaves", SLOW],
    ["leaves", SELECTING],
  ])("over WebSocket, when it %s: %s", async (what, query) => {
    await holdCities();
    const client = socketClient(service.url);
    const results = overSocket(client, { query });
    const first = results.next().catch(() => undefined);
    await untilWaiting(1);
    if (what === "leaves") {
      client.terminate();
    } else {
      await results.return?.();
    }
    await first;
    await untilWaiting(0);
    expect(await waiting()).toBe(0);
    await client.dispose();
  });
});

it("one operation runs four statements at a time", async () => {
  await holdCities();
  const fields = Array.from({ length: 12 }, (_, at) => `a${at}: cities(first: ${at + 1}) { nodes { id } }`);
  const asked = ask(`{ ${fields.join(" ")} }`);
  await untilWaiting(4);
  const other = ask(SLOW);
  await untilWaiting(5);
  await sql.query("ROLLBACK");
  expect(Object.keys(((await (await asked).json()) as { data: object }).data)).toHaveLength(12);
  expect((await other).status).toBe(200);
});
