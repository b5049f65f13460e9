import { connect } from "node:net";
import { serverAudits } from "graphql-http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AppError } from "../../src/kernel/app-error.ts";
import { createSilentLogger } from "../../src/kernel/logger.ts";
import type { RequestHandler } from "../../src/server/create-request-handler.ts";
import { createRequestHandler } from "../../src/server/create-request-handler.ts";
import type { HttpServerOptions } from "../../src/server/server-options.ts";
import { startServerFixture, type ServerFixture } from "./server-fixture.ts";

/** Queries and mutations go a short way through HTTP; servers of the web platform, and other types, go yoga's. */
let short: ServerFixture;
let long: RequestHandler;
beforeAll(async () => {
  const options = {
    limits: { maxBodyBytes: 300_000, maxOperationCost: 2500 },
    authenticate: (({ headers }) => {
      const key = headers.get("x-key");
      if (key === "wrong") {
        throw new AppError("FORBIDDEN", "The key is wrong.");
      }
      if (key === "broken") {
        throw new Error("the password is 12345");
      }
      return Promise.resolve({ id: key });
    }) satisfies HttpServerOptions["authenticate"],
  };
  short = await startServerFixture(options);
  long = createRequestHandler({
    ...options,
    schema: short.schema,
    listenHost: "127.0.0.1",
    logger: createSilentLogger(),
  });
});
afterAll(async () => {
  await short.stop();
  await long.close();
});

interface Asked {
  readonly method?: string;
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get("content-type")?.toLowerCase(),
    allow: response.headers.get("allow"),
    accept: response.headers.get("accept"),
    requestId: response.headers.get("x-request-id"),
    body: text.startsWith("{") ? (JSON.parse(text) as unknown) : text,
  };
}

async function bothWays({ query = "", headers = {}, ...init }: Asked): Promise<readonly unknown[]> {
  const type = init.body === undefined ? {} : { "content-type": "application/json" };
  const options = { ...init, headers: { ...type, "x-request-id": "edge-1", ...headers } };
  return [
    await answerOf(await fetch(`${short.server.url}/graphql${query}`, options)),
    await answerOf(await long.fetch(new Request(`http://127.0.0.1/graphql${query}`, options))),
  ];
}

const post = (query: unknown, more: object = {}): Pick<Asked, "method" | "body"> => ({
  method: "POST",
  body: JSON.stringify({ query, ...more }),
});
const urlOf = (parameters: Record<string, string>): string => `?${new URLSearchParams(parameters)}`;
const RESPONSE_TYPE = { accept: "application/graphql-response+json" };
const AT = `query At($moment: DateTime!) { at(moment: $moment) }`;
const DEEP = `${"[".repeat(2000)}${"]".repeat(2000)}`;

const CASES: readonly (readonly [string, Asked, number])[] = [
  ["a query", post("{ whoAmI __typename }"), 200],
  ["a viewer", { ...post("{ whoAmI }"), headers: { "x-key": "ann" } }, 200],
  ["a query in the URL", { query: urlOf({ query: "{ whoAmI }" }) }, 200],
  ["a mutation", post("mutation { count(ids: [1, 2]) }"), 200],
  ["variables", post(AT, { variables: { moment: "2026-01-01T00:00:00Z" } }), 200],
  [
    "variables in the URL",
    { query: urlOf({ query: AT, variables: `{"moment": "2026-01-01T00:00:00Z"}` }) },
    200,
  ],
  ["a wrong variable", post(AT, { variables: { moment: "yesterday" } }), 400],
  ["a missing variable", post(AT), 400],
  ["an operation by name", post("query A { a: whoAmI } query B { b: whoAmI }", { operationName: "B" }), 200],
  ["two operations and no name", post("query A { a: whoAmI } query B { b: whoAmI }"), 400],
  ["an unknown operation", post("query A { a: whoAmI }", { operationName: "B" }), 400],
  ["a mutation in the URL", { query: urlOf({ query: "mutation { count(ids: [1]) }" }) }, 405],
  ["a syntax error", post("{ whoAmI"), 200],
  ["a syntax error, by the newer type", { ...post("{ whoAmI"), headers: RESPONSE_TYPE }, 400],
  ["an unknown field", post("{ whoAmIs }"), 200],
  ["an unknown field, by the newer type", { ...post("{ whoAmIs }"), headers: RESPONSE_TYPE }, 400],
  ["the newer type", { ...post("{ whoAmI }"), headers: RESPONSE_TYPE }, 200],
  ["an unexpected error", post("{ fail }"), 200],
  ["an expected error", post("{ refuse }"), 200],
  ["a partial answer", post("{ whoAmI tasks(first: -1) { totalCount } }"), 200],
  ["a refused caller", { ...post("{ whoAmI }"), headers: { "x-key": "wrong" } }, 200],
  ["a broken authentication", { ...post("{ whoAmI }"), headers: { "x-key": "broken" } }, 500],
  ["too costly an operation", post("{ tasks(first: 1000) { nodes { id kind status label model } } }"), 200],
  ["too deep a document", post(`{ tasks(where: ${"{a: ".repeat(20_000)}null${"}".repeat(20_000)}) }`), 200],
  [
    "too deep variables",
    {
      method: "POST",
      body: `{"query": "query ($w: TaskWhere) { tasks(where: $w) { totalCount } }", "variables": {"w": ${DEEP}}}`,
    },
    200,
  ],
  ["too large a body", post("{ whoAmI }", { extensions: { x: "x".repeat(300_000) } }), 413],
  ["no JSON", { method: "POST", body: "{" }, 400],
  ["a text for a body", { method: "POST", body: `"{ whoAmI }"` }, 400],
  ["null for a body", { method: "POST", body: "null" }, 400],
  ["no body", { method: "POST", headers: { "content-type": "application/json" } }, 400],
  ["a batch", { method: "POST", body: `[{"query": "{ whoAmI }"}]` }, 400],
  ["no query", post(undefined), 400],
  ["no query in the URL", {}, 400],
  ["a query that is no text", post({ a: 1 }), 400],
  ["variables that are no object", post("{ whoAmI }", { variables: [1] }), 400],
  ["an operation name that is no text", post("{ whoAmI }", { operationName: 7 }), 400],
  ["extensions that are no object", post("{ whoAmI }", { extensions: "x" }), 400],
  ["variables in the URL that are no JSON", { query: urlOf({ query: "{ whoAmI }", variables: "{" }) }, 400],
  ["members of no meaning", post("{ whoAmI }", { more: 1 }), 200],
  ["another method", { ...post("{ whoAmI }"), method: "PUT" }, 405],
  ["other types", { ...post("{ whoAmI }"), headers: { "content-type": "text/plain" } }, 415],
  ["a client that takes no type of ours", { ...post("{ whoAmI }"), headers: { accept: "text/plain" } }, 406],
  [
    "a subscription for a client that takes only JSON",
    { ...post("subscription { breaks }"), headers: { accept: "application/json" } },
    406,
  ],
];

describe("both ways through HTTP answer alike", () => {
  it.each(CASES)("%s", async (_what, asked, status) => {
    const [shortAnswer, longAnswer] = await bothWays(asked);
    expect(shortAnswer).toEqual(longAnswer);
    expect(shortAnswer).toMatchObject({ status });
    // Each answer is JSON, refusals included.
    expect(shortAnswer).toMatchObject({ body: expect.any(Object) });
  });

  it.each(["application/json; charset=utf-8", "application/graphql+json", "application/json;charset=UTF-8"])(
    "for the content type %s",
    async (type) => {
      const [answer, other] = await bothWays({ ...post("{ whoAmI }"), headers: { "content-type": type } });
      expect(answer).toEqual(other);
      expect(answer).toMatchObject({ status: 200, body: { data: { whoAmI: null } } });
    },
  );

  it.each(["*/*", "application/*", "text/event-stream, application/json", "application/json;q=0.5"])(
    "for what the client accepts: %s",
    async (accept) => {
      const [answer, other] = await bothWays({ ...post("{ whoAmI }"), headers: { accept } });
      expect(answer).toEqual(other);
      expect(answer).toMatchObject({ type: "application/json; charset=utf-8" });
    },
  );
});

/** The other ways to the API: JSON of another name goes yoga's way through HTTP, too. */
const OTHER_WAYS: Readonly<Record<string, (url: string, init?: RequestInit) => Promise<Response>>> = {
  "yoga's way through HTTP": (url, init) => {
    const headers = new Headers(init?.headers);
    const type = headers.get("content-type")?.replace("application/json", "application/graphql+json");
    if (type !== undefined) {
      headers.set("content-type", type);
    }
    return fetch(url.replace("http://127.0.0.1", short.server.url), { ...init, headers });
  },
  "the handler for the web platform": (url, init) => long.fetch(new Request(url, init)),
};

describe.each(Object.entries(OTHER_WAYS))("GraphQL over HTTP, %s", (_way, fetchFn) => {
  it.each(serverAudits({ url: "http://127.0.0.1/graphql", fetchFn }))(
    "passes audit $id: $name",
    async (audit) => {
      expect(await audit.fn()).toMatchObject({ status: "ok" });
    },
  );
});

it("only what is logged is answered with the request's id", async () => {
  const id = "edge-1";
  const [failed] = await bothWays(post("{ fail }"));
  expect(failed).toMatchObject({ requestId: id, body: { errors: [{ extensions: { requestId: id } }] } });
  expect(short.logged.at(-1)?.fields).toMatchObject({ requestId: id, viewerId: null });
  const [broken] = await bothWays({ ...post("{ whoAmI }"), headers: { "x-key": "broken" } });
  expect(broken).toMatchObject({ requestId: id, body: { errors: [{ extensions: { requestId: id } }] } });
  expect((await bothWays(post("{ whoAmI refuse }")))[0]).toMatchObject({ requestId: null });
});

it("a refusal for its types executes nothing, and says which would do", async () => {
  const headers = { "content-type": "application/json", accept: "text/plain", "x-key": "broken" };
  const loggedBefore = short.logged.length;
  const response = await fetch(`${short.server.url}/graphql`, { ...post("mutation { fail }"), headers });
  expect(response.status).toBe(406);
  expect(response.headers.get("accept")).toContain("application/json");
  expect(short.logged).toHaveLength(loggedBefore);
  const [other] = await bothWays({ ...post("{ whoAmI }"), headers: { "content-type": "text/plain" } });
  expect(other).toMatchObject({ accept: expect.stringContaining("application/json") });
});

it.each([{}, { accept: "*/*" }, { accept: "application/json, text/event-stream, multipart/mixed" }])(
  "a subscription gets an event stream from whoever takes one: %j",
  async (headers) => {
    const response = await fetch(`${short.server.url}/graphql`, {
      ...post("subscription { breaks }"),
      headers: { "content-type": "application/json", ...headers },
    });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(await response.text()).toContain(`data: {"data":{"breaks":1}}`);
  },
);

it("a client that leaves within its body is forgotten, and nothing is logged", async () => {
  const { hostname, port } = new URL(short.server.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
  );
  await new Promise((resolve) => void socket.once("connect", resolve));
  socket.destroy();
  expect((await fetch(`${short.server.url}/health/live`)).status).toBe(200);
  expect(short.logged.filter(({ message }) => message.includes("could not be answered"))).toEqual([]);
});

describe("a request that would like to speak another protocol is answered in this one", () => {
  const ask = async (text: string): Promise<string> => {
    const { hostname, port } = new URL(short.server.url);
    const socket = connect(Number(port), hostname);
    socket.write(text);
    let answer = "";
    for await (const chunk of socket) {
      answer += String(chunk);
    }
    return answer;
  };
  const upgrade =
    "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";

  it("without a body", async () => {
    const answer = await ask(`GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n${upgrade}\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*{"isLive":true}/);
  });

  it("with a body, however long", async () => {
    const ids = Array.from({ length: 30_000 }, (_, at) => at);
    const body = JSON.stringify({
      query: `mutation ($ids: [ID!]!) { count(ids: $ids) }`,
      variables: { ids },
    });
    const head = `POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\n${upgrade}Content-Type: application/json\r\n`;
    const answer = await ask(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*{"data":{"count":30000}}$/);
  });

  it("and so are the next requests of its connection", async () => {
    const get = `GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n`;
    const first = `${get}${upgrade.replace(", close", "")}\r\n`;
    const answer = await ask(`${first}${get}\r\n${get}Connection: close\r\n\r\n`);
    expect(answer.match(/{"isLive":true}/g)).toHaveLength(3);
  });
});
