import { createHash } from "node:crypto";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import type { ClientResult } from "./graphql-clients.ts";
import { overSocket, overSse, socketClient } from "./graphql-clients.ts";
import { startServerFixture, type ServerFixture } from "./server-fixture.ts";

/** The one that the transports ask. */
let fixture: ServerFixture;
beforeAll(async () => {
  fixture = await startServerFixture();
});
afterAll(() => fixture.stop());

interface Payload {
  readonly query: string;
  readonly variables?: Record<string, unknown>;
  readonly extensions?: Record<string, unknown>;
}

const post = async (payload: Payload, type = "application/json"): Promise<ClientResult> => {
  const headers = { "content-type": type };
  const body = JSON.stringify(payload);
  return (await fetch(`${fixture.server.url}/graphql`, { method: "POST", headers, body })).json() as never;
};

/** The first result. Over WebSocket, errors without data are thrown at the reader. */
const firstOf = async (results: AsyncIterableIterator<ClientResult>): Promise<ClientResult> => {
  try {
    return ((await results.next()) as { value: ClientResult }).value;
  } catch (error) {
    return { errors: error as NonNullable<ClientResult["errors"]> };
  }
};

async function overWebSocket(payload: Payload): Promise<ClientResult> {
  const client = socketClient(fixture.server.url);
  const result = await firstOf(overSocket(client, payload));
  await client.dispose();
  return result;
}

const TRANSPORTS: readonly (readonly [string, (payload: Payload) => Promise<ClientResult>])[] = [
  ["POST", (payload) => post(payload)],
  ["POST of JSON with yoga's name", (payload) => post(payload, "application/graphql+json")],
  ["SSE", async (payload) => firstOf(await overSse(fixture.server.url, payload))],
  ["WebSocket", overWebSocket],
  [
    "POST by hash",
    (payload) => {
      const sha256Hash = createHash("sha256").update(payload.query).digest("hex");
      return post({ ...payload, extensions: { persistedQuery: { version: 1, sha256Hash } } });
    },
  ],
];

const times = (count: number, text: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => text(at)).join(" ");
const chain = (length: number): string =>
  `{ nope ...F0 } ${times(length, (at) => `fragment F${at} on Query { ...F${at + 1} }`)} fragment F${length} on Query { nope }`;

/** Each has a field that is not there: validation would say so, and is not reached. */
const TOO_LARGE: readonly (readonly [string, string, string])[] = [
  ["20,000 aliases", `{ nope ${times(20_000, (at) => `a${at}: __typename`)} }`, "tokens"],
  ["aliases", `{ nope ${times(1_001, (at) => `a${at}: __typename`)} }`, "aliases"],
  ["499,000 times the same field", `{ nope ${"__typename ".repeat(499_000 / 8)} }`, "tokens"],
  ["the same field too often", `{ nope ${"__typename ".repeat(400)} }`, "comparisons"],
  [
    "the same fields below each other",
    `{ nope ${times(5, () => `a { ${times(5, () => `a { ${times(5, () => `a { ${"a ".repeat(5)} }`)} }`)} }`)} }`,
    "comparisons",
  ],
  [
    "fragments that double",
    `{ nope ...F0 } ${times(20, (at) => `fragment F${at} on Query { ...F${at + 1} ...F${at + 1} }`)} fragment F20 on Query { nope }`,
    "comparisons",
  ],
  ["60,000 unused variables", `query (${times(60_000, (at) => `$a${at}: Int`)}) { nope }`, "tokens"],
  ["variables", `query (${times(501, (at) => `$a${at}: Int`)}) { nope }`, "variables"],
  ["3,000 chained fragments", chain(3_000), "tokens"],
  ["chained fragments", chain(50), "depth"],
  ["levels", `{ nope ${"a { ".repeat(50)} nope ${"} ".repeat(50)} }`, "depth"],
  ["directives", `{ nope __typename ${"@skip(if: true) ".repeat(501)} }`, "directives"],
  ["introspections", `{ nope ${times(6, (at) => `a${at}: __schema { description }`)} }`, "introspections"],
];

describe.each(TRANSPORTS)("before validation, over %s,", (_transport, ask) => {
  it.each(TOO_LARGE)("a document is refused for %s", async (_what, query, limit) => {
    const { data, errors } = await ask({ query });
    expect(data ?? null).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: "LIMIT_EXCEEDED", limit } }]);
    expect(errors?.[0]?.message).toMatch(/^The document has more than [\d]+ .+\. .+\.$/);
  });

  it("too many variables are refused, also those that no operation knows", async () => {
    const names = Array.from({ length: 501 }, (_, at) => [`v${at}`, 1]);
    const { errors } = await ask({ query: "{ __typename }", variables: Object.fromEntries(names) });
    expect(errors).toMatchObject([{ extensions: { code: "LIMIT_EXCEEDED", limit: "variables", max: 500 } }]);
  });
});

const LEVELS = 20_000;
const HIDDEN = { code: "FORBIDDEN", message: "does not show its schema" };
const TASKS = "query ($where: TaskWhere) { tasks(where: $where) { totalCount } }";

interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** What is refused after validation, or of variables. */
const REFUSED: readonly (readonly [string, Payload, Refusal])[] = [
  [
    "what it may cost",
    { query: "{ tasks(first: 1000) { nodes { id kind status label } } }" },
    { code: "LIMIT_EXCEEDED", message: "may resolve" },
  ],
  [
    "what it may cost by the default of a variable",
    { query: "query ($n: Int = 1000) { tasks(first: $n) { nodes { id kind status label } } }" },
    { code: "LIMIT_EXCEEDED", message: "may resolve" },
  ],
  [
    "what it may cost by a variable",
    {
      query: "query ($n: Int) { tasks(first: $n) { nodes { id kind status label } } }",
      variables: { n: 1000 },
    },
    { code: "LIMIT_EXCEEDED", message: "may resolve" },
  ],
  ["the schema", { query: "{ __schema { description } }" }, HIDDEN],
  ["a type", { query: `{ __type(name: "Task") { name } }` }, HIDDEN],
  [
    "a long list in a condition",
    { query: TASKS, variables: { where: { ids: times(1_001, String).split(" ") } } },
    { code: "VALIDATION_FAILED", message: "where.ids may list at most" },
  ],
  [
    "a long text in a condition",
    { query: TASKS, variables: { where: { createdBy: "x".repeat(10_001) } } },
    { code: "VALIDATION_FAILED", message: "A text in where.createdBy is longer than" },
  ],
  [
    "a document nested too deeply for the stack",
    { query: `{ tasks(where: ${"[".repeat(9_900)}) { totalCount } }` },
    { code: "LIMIT_EXCEEDED", message: "The document is nested too deeply. Give large values as variables." },
  ],
];

describe("with low limits, and a schema that is not shown,", () => {
  let usual: ServerFixture;
  beforeAll(async () => {
    usual = fixture;
    fixture = await startServerFixture({ limits: { maxOperationCost: 1_000 }, isIntrospectable: false });
  });
  afterAll(async () => {
    await fixture.stop();
    fixture = usual;
  });

  describe.each(TRANSPORTS)("an operation over %s is refused for", (_transport, ask) => {
    it.each(REFUSED)("%s", async (_what, payload, { code, message }) => {
      const { data, errors } = await ask(payload);
      expect(data ?? null).toBeNull();
      expect(errors?.[0]?.message).toContain(message);
      expect(errors?.[0]?.extensions?.["code"]).toBe(code);
      expect(fixture.logged).toEqual([]);
    });
  });

  it.each([
    ["SSE", async (payload: Payload) => firstOf(await overSse(fixture.server.url, payload))],
    ["WebSocket", async (payload: Payload) => overWebSocket(payload)],
  ] as const)("a subscription over %s is refused for what it may cost", async (_transport, ask) => {
    const events = times(300, (at) => `a${at}: task { id kind status }`);
    const { data, errors } = await ask({ query: `subscription { taskEvents { ${events} } }` });
    expect(data ?? null).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: "LIMIT_EXCEEDED", maxOperationCost: 1_000 } }]);
  });

  /** As JSON, since no object can be made that is nested so deeply. */
  const DEEP = `{"query": "query ($v: TaskWhere) { tasks(where: $v) { totalCount } }", "variables": {"v": ${"[".repeat(LEVELS)}null${"]".repeat(LEVELS)}}}`;
  it.each(["application/json", "text/event-stream", "WebSocket"])(
    "variables nested too deeply for the stack are refused: %s",
    async (way) => {
      const answer = way === "WebSocket" ? await rawOverSocket(DEEP) : await rawOverHttp(DEEP, way);
      expect(answer).toContain("The variables are nested too deeply; 1000 levels");
      expect(answer).toContain("LIMIT_EXCEEDED");
      expect(fixture.logged).toEqual([]);
    },
  );
});

async function rawOverHttp(body: string, accept: string): Promise<string> {
  const headers = { "content-type": "application/json", accept };
  return (await fetch(`${fixture.server.url}/graphql`, { method: "POST", headers, body })).text();
}

async function rawOverSocket(payload: string): Promise<string> {
  const socket = new WebSocket(`${fixture.server.url.replace("http", "ws")}/graphql`, "graphql-transport-ws");
  onTestFinished(() => socket.terminate());
  await once(socket, "open");
  socket.send('{"type":"connection_init"}');
  await once(socket, "message");
  socket.send(`{"id":"1","type":"subscribe","payload":${payload}}`);
  const [data] = (await once(socket, "message")) as [Buffer];
  return data.toString();
}

it("the largest documents that tools send are let through: introspection, and many operations on unions", async () => {
  const { getIntrospectionQuery } = await import("graphql");
  expect((await post({ query: getIntrospectionQuery() })).errors).toBeUndefined();
  const query = `{ ${times(200, (at) => `a${at}: task(id: "1") { __typename id ... on Task { __typename id kind status } }`)} }`;
  expect((await post({ query })).errors).toBeUndefined();
});

describe("the rate limit", () => {
  it.each(TRANSPORTS)("holds over %s", async (_transport, ask) => {
    const unlimited = fixture;
    fixture = await startServerFixture({ rateLimit: 3 });
    try {
      for (let n = 0; n < 3; n += 1) {
        expect((await ask({ query: "{ whoAmI }" })).data).toEqual({ whoAmI: null });
      }
      expect((await ask({ query: "{ whoAmI }" })).errors).toMatchObject([
        { extensions: { code: "RATE_LIMITED", perMinute: 3, retryAfterSeconds: expect.any(Number) } },
      ]);
      const response = await fetch(`${fixture.server.url}/graphql?query={whoAmI}`);
      expect(response.status).toBe(429);
      expect(response.headers.get("ratelimit-limit")).toBe("3");
      expect(response.headers.get("ratelimit-policy")).toBe("3;w=60");
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      const file = `${fixture.server.url}/tasks/${await fixture.tasks.create()}/errors.jsonl`;
      const refused = await fetch(file);
      expect([refused.status, refused.headers.get("ratelimit-remaining")]).toEqual([429, "0"]);
      expect(fixture.logged).toEqual([]);
    } finally {
      await fixture.stop();
      fixture = unlimited;
    }
  });

  it("is told in answers, too, of every kind over HTTP; nothing is told where there is none", async () => {
    const limited = await startServerFixture({ rateLimit: 9 });
    onTestFinished(() => limited.stop());
    const task = await limited.tasks.create();
    const stream = new URLSearchParams({ query: "subscription { taskEvents { type } }" }).toString();
    const asks = [
      ["/graphql?query={whoAmI}", "application/json"],
      ["/graphql?query={nothing}", "application/json"],
      ["/graphql?query={whoAmI}", "multipart/mixed"],
      [`/graphql?${stream}`, "text/event-stream"],
      [`/tasks/${task}/errors.jsonl`, "*/*"],
    ] as const;
    for (const [at, [path, accept]] of asks.entries()) {
      const controller = new AbortController();
      const { signal } = controller;
      const { headers } = await fetch(`${limited.server.url}${path}`, { headers: { accept }, signal });
      // What is not valid is not executed, so it does not count.
      expect([path, headers.get("ratelimit-limit")]).toEqual([path, at === 1 ? null : "9"]);
      expect(headers.get("ratelimit-remaining")).toBe(at === 1 ? null : String(at === 0 ? 8 : 9 - at));
      const unlimited = await fetch(`${fixture.server.url}/graphql?query={whoAmI}`);
      expect(unlimited.headers.get("ratelimit-limit")).toBeNull();
      controller.abort();
    }
  });
});
