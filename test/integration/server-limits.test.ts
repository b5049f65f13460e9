import { createHash } from "node:crypto";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import type { AuditEntry } from "../../src/kernel/audit.ts";
import { createSystemClock } from "../../src/kernel/clock.ts";
import { createCallers } from "../../src/server/callers/callers.ts";
import { createJwtVerifier } from "../../src/server/callers/jwt-verifier.ts";
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

const SECRET = "a secret of at least thirty-two characters";
const sign = (sub: string): Promise<string> =>
  new SignJWT({ sub })
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime("1h")
    .sign(new TextEncoder().encode(SECRET));

interface Knock {
  /** Of HTTP, or of the close of the WebSocket. */
  readonly status: number;
  readonly code: unknown;
  readonly retryAfter?: string | null;
}

const codeIn = (text: string): unknown => /"code":"(\w+)"/.exec(text)?.[1];
const overHttp =
  (accept: string) =>
  async (url: string, token: string): Promise<Knock> => {
    const headers = { accept, authorization: `Bearer ${token}` };
    const response = await fetch(`${url}/graphql?query={whoAmI}`, { headers });
    const retryAfter = response.headers.get("retry-after");
    return { status: response.status, code: codeIn(await response.text()), retryAfter };
  };

/** How callers ask who they are, and what they get. */
const KNOCKS: readonly (readonly [string, (url: string, token: string) => Promise<Knock>])[] = [
  ["GET", overHttp("application/json")],
  ["SSE", overHttp("text/event-stream")],
  [
    "WebSocket",
    async (url, token) => {
      const client = socketClient(url, { connectionParams: { authorization: `Bearer ${token}` } });
      try {
        await overSocket(client, { query: "{ whoAmI }" }).next();
        return { status: 200, code: undefined };
      } catch (error) {
        const { code, reason } = error as { readonly code: number; readonly reason: string };
        return { status: code, code: codeIn(reason) };
      } finally {
        await client.dispose();
      }
    },
  ],
];

describe.each(KNOCKS)("over %s,", (transport, knock) => {
  const isSocket = transport === "WebSocket";
  const REFUSED = { status: isSocket ? 4403 : 401, code: "UNAUTHENTICATED" };
  const LIMITED = {
    status: isSocket ? 1013 : 429,
    code: "RATE_LIMITED",
    ...(isSocket ? {} : { retryAfter: expect.stringMatching(/^[1-9]\d?$/) as string }),
  };

  it("an address whose sign-ins fail too often may try no more; who is known is let in", async () => {
    const lines: AuditEntry[] = [];
    const looked: string[] = [];
    const tokens = createJwtVerifier({ source: { secret: SECRET }, clock: createSystemClock() });
    const guarded = await startServerFixture({
      callers: createCallers({
        isRequired: true,
        tokens: {
          known: (text) => tokens.known(text),
          verify(text) {
            looked.push(text);
            return tokens.verify(text);
          },
        },
      }),
      maxFailedSignIns: 3,
      audit: (entry) => void lines.push(entry),
    });
    onTestFinished(() => guarded.stop());
    const { url } = guarded.server;
    const [known, late] = [await sign("ann"), await sign("ben")];
    expect(await knock(url, known)).toMatchObject({ status: 200 });
    for (let time = 0; time < 3; time += 1) {
      expect(await knock(url, `wrong${time}`)).toMatchObject(REFUSED);
    }
    expect(await knock(url, "wrong")).toMatchObject(LIMITED);
    expect(await knock(url, late)).toMatchObject(LIMITED);
    expect(await knock(url, known)).toMatchObject({ status: 200 });
    expect(looked).toEqual([known, "wrong0", "wrong1", "wrong2"]);
    const line = { action: "connect", viewerId: null, peer: expect.stringContaining("127.0.0.1") as string };
    expect(lines).toMatchObject([
      ...Array.from({ length: 3 }, () => ({ ...line, outcome: "unauthenticated", reason: "invalid" })),
      ...Array.from({ length: 2 }, () => ({ ...line, outcome: "rate_limited", reason: "failed sign-ins" })),
    ]);
    expect(new Set(lines.map(({ requestId }) => requestId)).size).toBe(5);
    expect(JSON.stringify(lines)).not.toMatch(/wrong|eyJ/);
  });
});

describe.each([
  ["WebSocket", "SSE"],
  ["SSE", "WebSocket"],
])("a viewer has so many connections, and one more over %s is refused", (last, first) => {
  it("until another one is closed, whatever that is", async () => {
    const lines: AuditEntry[] = [];
    const limited = await startServerFixture({
      limits: { maxConnectionsPerViewer: 2 },
      authenticate: ({ headers, connectionParams }) => ({
        id: headers.get("x-user") ?? String(connectionParams?.["user"]),
      }),
      audit: (entry) => void lines.push(entry),
    });
    onTestFinished(() => limited.stop());
    const { url } = limited.server;
    const payload = { query: "subscription { taskEvents { type } }" };
    const open = async (transport: string, user = "ann"): Promise<{ close: () => Promise<unknown> }> => {
      if (transport === "SSE") {
        const controller = new AbortController();
        const headers = { accept: "text/event-stream", "x-user": user };
        const query = new URLSearchParams(payload).toString();
        const response = await fetch(`${url}/graphql?${query}`, { headers, signal: controller.signal });
        if (response.status !== 200) {
          throw new Error(
            `${response.status} ${response.headers.get("retry-after")} ${await response.text()}`,
          );
        }
        return { close: async () => controller.abort() };
      }
      return new Promise((resolve, reject) => {
        const client = socketClient(url, {
          connectionParams: { user },
          lazy: false,
          onNonLazyError: () => undefined,
          on: {
            connected: () => resolve({ close: async () => client.dispose() }),
            closed: (event) => {
              const { code, reason } = event as { readonly code: number; readonly reason: string };
              reject(new Error(`${code} ${reason}`));
            },
          },
        });
      });
    };
    const opened = [await open(first), await open(last)];
    const told =
      /^(429 5|1013) .*"message":"At most 2 connections per viewer\. Close some first\.".*LIMIT_EXCEEDED/s;
    await expect(open(last)).rejects.toThrow(told);
    const other = await open(last, "ben");
    await opened[0]?.close();
    // The service hears of it a little later.
    const again = await vi.waitFor(() => open(last), { timeout: 10_000, interval: 20 });
    await expect(open(first)).rejects.toThrow(told);
    expect(lines[0]).toMatchObject({
      action: "connect",
      outcome: "limit",
      reason: "connections",
      viewerId: "ann",
      requestId: expect.any(String) as string,
      peer: expect.stringContaining("127.0.0.1") as string,
    });
    await Promise.all([other.close(), again.close(), opened[1]?.close()]);
    expect(limited.logged).toEqual([]);
  });
});
