import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { encodeCursor } from "../../src/core/events/event-cursor.ts";
import { AppError } from "../../src/kernel/app-error.ts";
import type { HttpServerOptions } from "../../src/server/server-options.ts";
import { nextWithin, withDeadline } from "../support/deadline.ts";
import type { ClientResult, ClientResults } from "./graphql-clients.ts";
import { overSocket, overSse, socketClient } from "./graphql-clients.ts";
import { startServerFixture, type ServerFixture } from "./server-fixture.ts";

const PROGRESS = `subscription ($id: ID!) { taskProgress(id: $id) { id status progress { processed percent } } }`;
const EVENTS = `subscription ($where: TaskEventWhere, $after: String) {
  taskEvents(where: $where, after: $after) { cursor sequence type at task { id status } progress { processed } }
}`;

async function start(options: Partial<HttpServerOptions> = {}): Promise<ServerFixture> {
  const fixture = await startServerFixture(options);
  onTestFinished(() => fixture.stop());
  return fixture;
}

type Subscribe = (
  fixture: ServerFixture,
  query: string,
  variables?: Record<string, unknown>,
) => Promise<ClientResults>;

const WAYS: readonly (readonly [string, Subscribe])[] = [
  [
    "WebSocket",
    ({ server }, query, variables = {}) => {
      const client = socketClient(server.url);
      onTestFinished(() => void client.dispose());
      return Promise.resolve(overSocket(client, { query, variables }));
    },
  ],
  ["SSE over POST", ({ server }, query, variables = {}) => overSse(server.url, { query, variables })],
  ["SSE over GET", ({ server }, query, variables = {}) => overSse(server.url, { query, variables }, "GET")],
];

function next(results: ClientResults): Promise<ClientResult> {
  return nextWithin(results, 5000, "the next result");
}

/** Over WebSocket, the error of a broken stream is thrown at the reader. */
async function nextOrErrors(results: ClientResults): Promise<ClientResult> {
  try {
    return await next(results);
  } catch (error) {
    return { errors: error as NonNullable<ClientResult["errors"]> };
  }
}

async function nextTask(results: ClientResults): Promise<unknown> {
  const { data, errors } = await next(results);
  expect(errors).toBeUndefined();
  return data?.["taskProgress"];
}

interface SeenEvent {
  readonly cursor: string;
  readonly type: string;
  readonly sequence: number;
  readonly task: { readonly id: string };
}

async function nextEvents(results: ClientResults, count: number): Promise<SeenEvent[]> {
  const events: SeenEvent[] = [];
  while (events.length < count) {
    const { data, errors } = await next(results);
    expect(errors).toBeUndefined();
    events.push(data?.["taskEvents"] as SeenEvent);
  }
  return events;
}

async function readToEnd(results: ClientResults): Promise<void> {
  for await (const { errors } of results) {
    expect(errors).toBeUndefined();
  }
}

async function ends(results: ClientResults): Promise<void> {
  expect((await withDeadline(results.next(), 5000, "the end")).done).toBe(true);
}

describe.each(WAYS)("subscriptions over %s", (_way, subscribe) => {
  it("send the state first, then the changes, and complete once the task is settled", async () => {
    const fixture = await start();
    const id = await fixture.tasks.create();
    const results = await subscribe(fixture, PROGRESS, { id });
    expect(await nextTask(results)).toEqual({
      id,
      status: "PENDING",
      progress: { processed: 0, percent: 0 },
    });
    await fixture.tasks.start(id);
    expect(await nextTask(results)).toMatchObject({ status: "RUNNING" });
    await fixture.tasks.progress(id, 40);
    expect(await nextTask(results)).toMatchObject({ progress: { processed: 40, percent: 40 } });
    await fixture.tasks.settle(id);
    expect(await nextTask(results)).toMatchObject({ status: "SUCCEEDED", progress: { processed: 100 } });
    await ends(results);
  });

  it("send a settled task's final state, and complete", async () => {
    const fixture = await start();
    const id = await fixture.tasks.create();
    await fixture.tasks.start(id);
    await fixture.tasks.settle(id);
    const results = await subscribe(fixture, PROGRESS, { id });
    expect(await nextTask(results)).toMatchObject({ status: "SUCCEEDED" });
    await ends(results);
  });

  it.each(["00000000-0000-7000-8000-000000000000", "nonsense"])("find no task %s", async (id) => {
    const fixture = await start();
    const results = await subscribe(fixture, PROGRESS, { id });
    expect((await next(results)).errors).toMatchObject([
      { message: `There is no task "${id}".`, path: ["taskProgress"], extensions: { code: "NOT_FOUND" } },
    ]);
    await ends(results);
    expect(fixture.logged).toEqual([]);
  });

  it("resume from a cursor without missing or repeating an event", async () => {
    const fixture = await start();
    const first = await fixture.tasks.create();
    const before = await subscribe(fixture, EVENTS, { after: null, where: { types: ["START", "COMPLETE"] } });
    const pending = nextEvents(before, 1);
    await subscribed(fixture);
    await fixture.tasks.start(first);
    const [started] = await pending;
    await before.return?.();
    await fixture.tasks.settle(first);
    const second = await fixture.tasks.create();
    const after = await subscribe(fixture, EVENTS, { after: started?.cursor });
    const missed = await nextEvents(after, 3);
    expect(missed.map(({ type, task }) => [type, task.id])).toEqual([
      ["COMPLETE", first],
      ["CLEANUP", first],
      ["CREATE", second],
    ]);
    await fixture.tasks.start(second);
    await fixture.tasks.progress(second, 10);
    expect((await nextEvents(after, 2)).map(({ type, sequence }) => [type, sequence])).toEqual([
      ["START", 2],
      ["PROGRESS", 2],
    ]);
    await after.return?.();
  });

  it("refuse a malformed cursor", async () => {
    const fixture = await start();
    const results = await subscribe(fixture, EVENTS, { after: "nonsense" });
    expect((await next(results)).errors).toMatchObject([
      { extensions: { code: "VALIDATION_FAILED", field: "after" } },
    ]);
    expect(fixture.logged).toEqual([]);
  });

  it("mask an unexpected error, and log it once", async () => {
    const fixture = await start();
    const results = await subscribe(fixture, `subscription { breaks }`);
    expect((await next(results)).data).toEqual({ breaks: 1 });
    const broken = await nextOrErrors(results);
    expect(broken.errors).toMatchObject([{ message: "Unexpected error.", extensions: { code: "INTERNAL" } }]);
    expect(JSON.stringify(broken)).not.toContain('unexpected"');
    const requestId = broken.errors?.[0]?.extensions?.["requestId"];
    expect(fixture.logged.map(({ fields }) => fields)).toMatchObject([{ requestId }]);
  });

  it("leave the feed when the client leaves", async () => {
    const fixture = await start();
    const id = await fixture.tasks.create();
    const results = await subscribe(fixture, PROGRESS, { id });
    await nextTask(results);
    expect(fixture.subscriberCount()).toBe(1);
    await results.return?.();
    await until(() => fixture.subscriberCount() === 0);
  });
});

async function subscribed(fixture: ServerFixture): Promise<void> {
  await until(() => fixture.subscriberCount() > 0);
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!isSo()) {
    expect(Date.now()).toBeLessThan(deadline);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("WebSockets", () => {
  it("run queries and mutations with the same validation and mask", async () => {
    const fixture = await start();
    const client = socketClient(fixture.server.url);
    onTestFinished(() => void client.dispose());
    const run = (query: string): Promise<ClientResult> => nextOrErrors(overSocket(client, { query }));
    expect(await run(`mutation { count(ids: [1, 2]) }`)).toEqual({ data: { count: 2 } });
    const failed = (await run(`{ fail }`)).errors;
    expect(failed).toMatchObject([
      { message: "Unexpected error.", path: ["fail"], extensions: { code: "INTERNAL" } },
    ]);
    const again = (await run(`{ fail }`)).errors;
    const ids = [failed, again].map((errors) => errors?.[0]?.extensions?.["requestId"]);
    expect(new Set(ids).size).toBe(2);
    expect((await run(`{ refuse }`)).errors?.[0]?.extensions).toEqual({ code: "LIMIT_EXCEEDED", limit: 3 });
    expect((await run(`{ nonsense }`)).errors?.[0]?.extensions).toEqual({
      code: "GRAPHQL_VALIDATION_FAILED",
    });
    expect((await run(`{ `)).errors).toMatchObject([
      { message: expect.stringContaining("Syntax Error"), extensions: { code: "GRAPHQL_PARSE_FAILED" } },
    ]);
    expect(fixture.logged.map(({ fields }) => fields)).toMatchObject(ids.map((requestId) => ({ requestId })));
  });

  it("are authenticated by the app, or refused", async () => {
    const fixture = await start({
      authenticate: ({ connectionParams }) =>
        connectionParams?.["key"] === "ann"
          ? Promise.resolve({ id: "ann" })
          : Promise.reject(new AppError("NOT_FOUND", "Send a key.")),
    });
    const known = socketClient(fixture.server.url, { connectionParams: { key: "ann" } });
    onTestFinished(() => void known.dispose());
    expect((await next(overSocket(known, { query: `{ whoAmI }` }))).data).toEqual({ whoAmI: "ann" });
    const unknown = socketClient(fixture.server.url);
    onTestFinished(() => void unknown.dispose());
    await expect(next(overSocket(unknown, { query: `{ whoAmI }` }))).rejects.toMatchObject({ code: 4403 });
  });

  it("are limited in their operations, and stay open", async () => {
    const fixture = await start({ limits: { maxOperationsPerSocket: 2 } });
    const client = socketClient(fixture.server.url);
    onTestFinished(() => void client.dispose());
    const id = await fixture.tasks.create();
    const open = [1, 2].map(() => overSocket(client, { query: PROGRESS, variables: { id } }));
    for (const results of open) {
      await next(results);
    }
    await expect(next(overSocket(client, { query: `{ whoAmI }` }))).rejects.toMatchObject([
      { extensions: { code: "LIMIT_EXCEEDED", max: 2 } },
    ]);
    await open[0]?.return?.();
    await until(() => fixture.subscriberCount() === 1);
    expect((await next(overSocket(client, { query: `{ __typename }` }))).data).toEqual({
      __typename: "Query",
    });
  });

  it.each([
    ["foreign pages", { origin: "https://evil.example" }, "/graphql", 403],
    ["other paths", {}, "/elsewhere", 404],
    ["more sockets than allowed", {}, "/graphql", 503],
  ])("refuse %s", async (_what, options, path, status) => {
    const fixture = await start({ limits: { maxSockets: status === 503 ? 0 : 10 } });
    const socket = new WebSocket(
      `${fixture.server.url.replace("http", "ws")}${path}`,
      "graphql-transport-ws",
      options,
    );
    const response = await new Promise<{ readonly statusCode?: number | undefined }>((resolve) => {
      socket.on("unexpected-response", (_request, refused) => resolve(refused));
      socket.on("error", () => undefined);
    });
    expect(response.statusCode).toBe(status);
    socket.terminate();
  });

  it.each([
    ["too large a message", 1009, (socket: WebSocket) => socket.send("x".repeat(2000))],
    ["no introduction in time", 4408, () => undefined],
    ["nonsense", 4400, (socket: WebSocket) => socket.send("nonsense")],
    [
      "an operation before the introduction",
      4401,
      (socket: WebSocket) =>
        socket.send(JSON.stringify({ type: "subscribe", id: "1", payload: { query: "{ whoAmI }" } })),
    ],
    ["an answer to no ping", 1006, () => undefined],
  ])("close on %s", async (what, code, act) => {
    const isSilent = what === "an answer to no ping";
    const fixture = await start({
      limits: {
        maxMessageBytes: 1000,
        connectionInitWaitMs: what === "no introduction in time" ? 100 : 60_000,
        pingIntervalMs: isSilent ? 50 : 60_000,
      },
    });
    const socket = new WebSocket(
      `${fixture.server.url.replace("http", "ws")}/graphql`,
      "graphql-transport-ws",
      { autoPong: !isSilent },
    );
    const closed = new Promise<number>((resolve) => void socket.on("close", resolve));
    await new Promise((resolve) => void socket.once("open", resolve));
    act(socket);
    expect(await withDeadline(closed, 5000, "the close")).toBe(code);
    expect(fixture.logged).toEqual([]);
  });
});

describe.each([
  ["taskProgress", PROGRESS],
  ["taskEvents", EVENTS],
])("a graceful stop, seen by a subscriber of %s while the task runs,", (_name, query) => {
  async function runningTask(): Promise<{ readonly fixture: ServerFixture; readonly id: string }> {
    const fixture = await start();
    const id = await fixture.tasks.create();
    await fixture.tasks.start(id);
    return { fixture, id };
  }

  it("breaks an event stream off without complete", async () => {
    const { fixture, id } = await runningTask();
    const variables = { id, after: encodeCursor(0) };
    const response = await fetch(`${fixture.server.url}/graphql`, {
      method: "POST",
      headers: { accept: "text/event-stream", "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
    });
    let text = "";
    const reading = (async () => {
      for await (const bytes of response.body ?? []) {
        text += Buffer.from(bytes).toString();
      }
    })();
    const end = reading.then(
      () => "ended",
      () => "broken off",
    );
    await until(() => text.includes('"RUNNING"'));
    await withDeadline(fixture.server.stop(), 2000, "the stop");
    expect(await end).toBe("broken off");
    expect(text).not.toContain("event: complete");
    await until(() => fixture.subscriberCount() === 0);
    expect(fixture.logged).toEqual([]);
  });

  it("closes a WebSocket with 1001 and without complete", async () => {
    const { fixture, id } = await runningTask();
    const messages: string[] = [];
    let closeCode = 0;
    const client = socketClient(fixture.server.url, {
      on: {
        message: ({ type }) => void messages.push(type),
        closed: (event) => (closeCode = (event as { code: number }).code),
      },
    });
    const results = overSocket(client, { query, variables: { id, after: encodeCursor(0) } });
    await next(results);
    const last = readToEnd(results).then(
      () => "ended",
      () => "broken off",
    );
    await withDeadline(fixture.server.stop(), 2000, "the stop");
    expect(await last).toBe("broken off");
    expect(closeCode).toBe(1001);
    expect(messages).not.toContain("complete");
    await until(() => fixture.subscriberCount() === 0);
  });
});
