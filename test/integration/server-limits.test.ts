import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

const post = async (payload: Payload): Promise<ClientResult> => {
  const headers = { "content-type": "application/json" };
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

const TRANSPORTS: readonly (readonly [string, (payload: Payload) => Promise<ClientResult>])[] = [
  ["POST", post],
  ["SSE", async (payload) => firstOf(await overSse(fixture.server.url, payload))],
  [
    "WebSocket",
    async (payload) => {
      const client = socketClient(fixture.server.url);
      const result = await firstOf(overSocket(client, payload));
      await client.dispose();
      return result;
    },
  ],
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

it.each([
  [
    "the variables",
    `{"query": "query ($v: TaskWhere) { tasks(where: $v) { totalCount } }", "variables": {"v": ${"[".repeat(LEVELS)}null${"]".repeat(LEVELS)}}}`,
    "The variables are nested too deeply; 1000 levels",
  ],
  [
    "the document",
    JSON.stringify({ query: `{ tasks(where: ${"[".repeat(9_900)}) { totalCount } }` }),
    "The document is nested too deeply. Give large values as variables.",
  ],
])("an operation nested too deeply for the stack is refused: %s", async (_what, body, message) => {
  const headers = { "content-type": "application/json", accept: "application/json" };
  const response = await fetch(`${fixture.server.url}/graphql`, { method: "POST", headers, body });
  expect(await response.json()).toMatchObject({
    errors: [{ message: expect.stringContaining(message), extensions: { code: "LIMIT_EXCEEDED" } }],
  });
  expect(fixture.logged).toEqual([]);
});

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
});
