import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { getIntrospectionQuery } from "graphql";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import type { HttpServerOptions } from "../../src/server/server-options.ts";
import { withDeadline } from "../support/deadline.ts";
import type { ServerFixture } from "./server-fixture.ts";
import { startServerFixture } from "./server-fixture.ts";

async function start(options: Partial<HttpServerOptions> = {}): Promise<ServerFixture> {
  const fixture = await startServerFixture(options);
  onTestFinished(() => fixture.stop());
  return fixture;
}

async function openRaw({ server }: ServerFixture): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** All that comes until the server closes the connection. */
async function allOf(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (bytes: Buffer) => (text += bytes.toString()));
  await withDeadline(
    new Promise((resolve) => void socket.once("close", resolve)),
    10_000,
    "the end of the connection",
  );
  return text;
}

async function openSocket({ server }: ServerFixture, isIntroduced = true): Promise<WebSocket> {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/graphql`, "graphql-transport-ws");
  socket.on("error", () => undefined);
  onTestFinished(() => socket.terminate());
  await once(socket, "open");
  if (isIntroduced) {
    socket.send('{"type":"connection_init"}');
    await once(socket, "message");
  }
  return socket;
}

async function closeOf(socket: WebSocket): Promise<number> {
  const [code] = (await withDeadline(once(socket, "close"), 10_000, "the close")) as [number];
  return code;
}

const nextOf = async (socket: WebSocket): Promise<unknown> => {
  const [data] = (await withDeadline(once(socket, "message"), 10_000, "a message")) as [Buffer];
  return JSON.parse(data.toString());
};

const head = (length: number, more = ""): string =>
  `POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n${more}\r\n`;

describe("a WebSocket", () => {
  it("gets no large ping back, and is closed", async () => {
    const fixture = await start();
    for (const length of [10_000, 10_000_000]) {
      const socket = await openSocket(fixture);
      socket.send(JSON.stringify({ type: "ping", payload: { text: "small" } }));
      expect(await nextOf(socket)).toEqual({ type: "pong" });
      socket.send(JSON.stringify({ type: "ping", payload: { text: "x".repeat(length) } }));
      expect(await closeOf(socket)).toBe(1009);
    }
  });

  it("is closed at the beginning of a large introduction, however many send one", async () => {
    const fixture = await start();
    const sockets = await Promise.all(Array.from({ length: 20 }, () => openSocket(fixture, false)));
    const codes = sockets.map(closeOf);
    // The rest of 15 MB would follow.
    sockets.forEach((socket) => socket.send("x".repeat(100_000), { fin: false }));
    expect(new Set(await Promise.all(codes))).toEqual(new Set([1009]));
  });

  it("keeps nothing of its introduction but the viewer", async () => {
    const seen: object[] = [];
    const fixture = await start({
      authenticate({ connectionParams = {} }) {
        seen.push(connectionParams);
        return Promise.resolve({ id: String(connectionParams["key"]) });
      },
    });
    const socket = await openSocket(fixture, false);
    socket.send(JSON.stringify({ type: "connection_init", payload: { key: "ann" } }));
    expect(await nextOf(socket)).toEqual({ type: "connection_ack" });
    socket.send(JSON.stringify({ type: "subscribe", id: "1", payload: { query: "{ whoAmI }" } }));
    expect(await nextOf(socket)).toMatchObject({ payload: { data: { whoAmI: "ann" } } });
    expect(seen).toEqual([{ key: "ann" }]);
  });

  it("may leave messages unfinished only as far as there is room for all clients'", async () => {
    const fixture = await start({ limits: { maxReceivedBytes: 150_000 } });
    const query = `{ whoAmI } # ${"x".repeat(90_000)}`;
    const text = JSON.stringify({ type: "subscribe", id: "1", payload: { query } });
    const [patient, other] = [await openSocket(fixture), await openSocket(fixture)];
    patient.send(text.slice(0, -2), { fin: false });
    patient.ping();
    await once(patient, "pong");
    const closed = closeOf(other);
    other.send(text.slice(0, -2), { fin: false });
    expect(await closed).toBe(1013);
    patient.send(text.slice(-2), { fin: true });
    expect(await nextOf(patient)).toMatchObject({ payload: { data: { whoAmI: null } } });
  });

  it.each([
    [
      "a query",
      "query ($where: TaskWhere) { tasks(where: $where) { totalCount } }",
      "Only the lists of bulk operations",
    ],
    ["a condition", "mutation ($where: [ID!]!) { count(ids: $where) }", "A list in a condition"],
  ])("is refused a long list in %s", async (_what, query, message) => {
    const socket = await openSocket(await start());
    const where = { in: Array.from({ length: 150_000 }, (_, at) => String(at)) };
    socket.send(JSON.stringify({ type: "subscribe", id: "1", payload: { query, variables: { where } } }));
    expect(await nextOf(socket)).toMatchObject({
      payload: {
        errors: [{ message: expect.stringContaining(message), extensions: { code: "LIMIT_EXCEEDED" } }],
      },
    });
  });

  it.each([
    ["a long text", JSON.stringify({ query: `{ whoAmI } # ${"x".repeat(1_100_000)}` })],
    [
      "names of many variables",
      JSON.stringify({
        query: "{ whoAmI }",
        variables: Object.fromEntries(Array.from({ length: 200_000 }, (_, at) => [`v${at}`, 1])),
      }),
    ],
  ])("is closed for %s, with the reason", async (_what, payload) => {
    const socket = await openSocket(await start());
    const closed = withDeadline(once(socket, "close"), 10_000, "the close");
    socket.send(`{"type":"subscribe","id":"1","payload":${payload}}`);
    const [code, reason] = (await closed) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([1009, "Only the lists of bulk operations may be long"]);
  });

  it("is closed for operations in one list", async () => {
    const socket = await openSocket(await start());
    const subscribe = { type: "subscribe", id: "1", payload: { query: "{ whoAmI }" } };
    socket.send(JSON.stringify([subscribe, { ...subscribe, id: "2" }]));
    expect(await closeOf(socket)).toBe(4400);
  });

  it("takes a long list of ids", async () => {
    const socket = await openSocket(await start());
    const ids = Array.from({ length: 150_000 }, (_, at) => String(at));
    const query = "mutation ($ids: [ID!]!) { count(ids: $ids) }";
    socket.send(JSON.stringify({ type: "subscribe", id: "1", payload: { query, variables: { ids } } }));
    expect(await nextOf(socket)).toMatchObject({ payload: { data: { count: 150_000 } } });
  });
});

describe("over HTTP,", () => {
  it.each([
    ["the short way", ""],
    ["an event stream", "Accept: text/event-stream\r\n"],
  ])("bodies may be unfinished only as far as there is room for all clients': %s", async (_what, more) => {
    const fixture = await start({ limits: { maxReceivedBytes: 150_000 } });
    const body = JSON.stringify({ query: `{ whoAmI } # ${"x".repeat(90_000)}` });
    const slow = await openRaw(fixture);
    const slowAnswer = allOf(slow);
    slow.write(head(body.length, `Connection: close\r\n${more}`) + body.slice(0, -2));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const headers = { "content-type": "application/json", accept: more.slice(8, -2) || "*/*" };
    const ask = (): Promise<Response> =>
      fetch(`${fixture.server.url}/graphql`, { method: "POST", headers, body });
    const refused = await ask();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await refused.json()).toMatchObject({ errors: [{ extensions: { code: "UNAVAILABLE" } }] });
    slow.write(body.slice(-2));
    expect(await slowAnswer).toContain('"data":{"whoAmI":null}');
    expect((await ask()).status).toBe(200);
  });

  it.each([
    ["a long text", { query: `{ whoAmI } # ${"x".repeat(1_100_000)}` }],
    [
      "a query with a long list",
      {
        query: "query ($ids: [ID!]) { tasks(where: { ids: $ids }) { totalCount } }",
        variables: { ids: Array.from({ length: 150_000 }, (_, at) => `${at}`) },
      },
    ],
    [
      "a million unknown variables",
      {
        query: "{ whoAmI }",
        variables: Object.fromEntries(Array.from({ length: 200_000 }, (_, at) => [`v${at}`, 1])),
      },
    ],
  ])("a body of more than 1 MB is refused for %s", async (_what, payload) => {
    const fixture = await start();
    for (const accept of ["application/json", "text/event-stream"]) {
      const headers = { "content-type": "application/json", accept };
      const body = JSON.stringify(payload);
      const response = await fetch(`${fixture.server.url}/graphql`, { method: "POST", headers, body });
      const { errors } = (await response.json()) as { errors: unknown };
      expect(errors).toMatchObject([{ extensions: { code: "LIMIT_EXCEEDED" } }]);
    }
    expect(fixture.logged).toEqual([]);
  });

  /** Sends so many requests in one go, and waits for the end of the connection. */
  async function pipeline(count: number): Promise<{ readonly asked: number; readonly text: string }> {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => void (release = resolve));
    let asked = 0;
    const fixture = await start({
      async isReady() {
        asked += 1;
        await released;
        return { isReady: true, problems: [] };
      },
    });
    const socket = await openRaw(fixture);
    const answer = allOf(socket);
    socket.write("GET /health/ready HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".repeat(count));
    await until(() => asked === 50);
    release();
    const text = await answer;
    return { asked, text };
  }

  it("of 60 requests in one go, 50 are served and one is refused, with the reason", async () => {
    const { asked, text } = await pipeline(60);
    expect(asked).toBe(50);
    expect(text.match(/HTTP\/1.1 200 OK/g)).toHaveLength(50);
    expect(text.match(/HTTP\/1.1 429/g)).toHaveLength(1);
    expect(text).toContain("At most 50 requests of one connection");
  });

  it("of 20,000 requests in one go, no more are served, and the connection is cut", async () => {
    expect((await pipeline(20_000)).asked).toBe(50);
  });

  it("an address gets so many connections, and more once some are closed", async () => {
    const fixture = await start({ limits: { maxConnectionsPerAddress: 2 } });
    const [first] = [await openRaw(fixture), await openRaw(fixture)];
    expect(await allOf(await openRaw(fixture))).toBe("");
    first.destroy();
    const get = "GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    let text = "";
    while (text === "") {
      const next = await openRaw(fixture);
      next.write(get);
      text = await allOf(next);
    }
    expect(text).toContain('{"isLive":true}');
  });

  it.each([
    ["head", "GET /health/live HTTP/1.1\r\nHost: "],
    ["body", head(100) + "{"],
  ])("a request whose %s takes too long ends its connection", async (_what, text) => {
    const fixture = await start({ limits: { headersTimeoutMs: 200, requestTimeoutMs: 300 } });
    const socket = await openRaw(fixture);
    socket.write(text);
    expect(await allOf(socket)).toMatch(/^HTTP\/1.1 408 /);
  });
});

describe("answers that nobody reads", () => {
  const query = getIntrospectionQuery();
  const COUNT = 400;

  it("end the connection once there are too many bytes of them in all, over HTTP", async () => {
    const fixture = await start({ limits: { maxUnreadBytes: 1_000_000, maxPipelinedRequests: COUNT } });
    const body = JSON.stringify({ query });
    const socket = await openRaw(fixture);
    socket.pause();
    const closed = once(socket, "close");
    socket.write((head(body.length) + body).repeat(COUNT));
    await until(() => fixture.logged.some(({ message }) => message.includes("do not read")));
    socket.resume();
    await withDeadline(closed, 10_000, "the end of the connection");
    expect((await fetch(`${fixture.server.url}/health/live`)).status).toBe(200);
  });

  it("end the connection once there are too many bytes of them in all, over SSE", async () => {
    const fixture = await start({ limits: { maxUnreadBytes: 1_000_000, maxPipelinedRequests: COUNT } });
    const body = JSON.stringify({ query });
    const [socket, quick] = [await openRaw(fixture), await openRaw(fixture)];
    socket.pause();
    const closed = once(socket, "close");
    const stream = "Accept: text/event-stream\r\n";
    socket.write((head(body.length, stream) + body).repeat(COUNT));
    await until(() => fixture.logged.some(({ message }) => message.includes("do not read")));
    socket.resume();
    await withDeadline(closed, 10_000, "the end of the connection");
    // Whoever reads gets a stream to its end.
    const answer = allOf(quick);
    quick.write(head(body.length, `Connection: close\r\n${stream}`) + body);
    expect(await answer).toMatch(/"__schema".*event: complete/s);
  });

  it("end the connection once there are too many bytes of them in all, over WebSocket", async () => {
    const fixture = await start({ limits: { maxUnreadBytes: 1_000_000, maxOperationsPerSocket: COUNT } });
    const [socket, reader] = [await openSocket(fixture), await openSocket(fixture)];
    socket.pause();
    for (let id = 0; id < COUNT; id += 1) {
      socket.send(JSON.stringify({ type: "subscribe", id: String(id), payload: { query } }));
    }
    await until(() => fixture.logged.some(({ message }) => message.includes("do not read")));
    const code = closeOf(socket);
    socket.resume();
    expect(await code).toBe(1006);
    reader.send(JSON.stringify({ type: "subscribe", id: "1", payload: { query: "{ whoAmI }" } }));
    expect(await nextOf(reader)).toMatchObject({ payload: { data: { whoAmI: null } } });
  });
});

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!isSo()) {
    expect(Date.now()).toBeLessThan(deadline);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
