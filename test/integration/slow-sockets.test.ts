import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request as httpRequest } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import type { ServerFixture } from "./server-fixture.ts";
import { startServerFixture } from "./server-fixture.ts";

const EVENTS = `subscription ($after: String) { taskEvents(after: $after) { type sequence task { id kind } progress { processed } } }`;
/** Makes an event large: what the system buffers for a connection is some megabytes. */
const LARGE = "x".repeat(500_000);

async function start(): Promise<ServerFixture> {
  const fixture = await startServerFixture();
  onTestFinished(() => fixture.stop());
  return fixture;
}

interface Message {
  readonly type: string;
  readonly payload?: {
    readonly data?: { readonly taskEvents: SeenEvent };
    readonly [position: number]: { readonly extensions: { readonly code: string; readonly after: string } };
  };
}

interface SeenEvent {
  readonly type: string;
  readonly task: { readonly id: string };
  readonly progress: { readonly processed: number };
}

/** A client that stops reading its connection, and notes what comes once it reads again. */
interface SlowClient {
  readonly messages: readonly Message[];
  pause(): void;
  resume(): void;
}

type Subscribe = (fixture: ServerFixture, after?: string) => Promise<SlowClient>;

const overSocket: Subscribe = async (fixture, after) => {
  const messages: Message[] = [];
  const socket = new WebSocket(`${fixture.server.url.replace("http", "ws")}/graphql`, "graphql-transport-ws");
  socket.on("message", (data: Buffer) => messages.push(JSON.parse(data.toString()) as Message));
  onTestFinished(() => socket.terminate());
  await new Promise((resolve) => void socket.once("open", resolve));
  socket.send(JSON.stringify({ type: "connection_init" }));
  await until(() => messages.length === 1);
  const payload = { query: EVENTS, variables: { after } };
  await subscribed(fixture, () => socket.send(JSON.stringify({ id: "1", type: "subscribe", payload })));
  return { messages, pause: () => socket.pause(), resume: () => socket.resume() };
};

const overSse: Subscribe = async (fixture, after) => {
  const messages: Message[] = [];
  const headers = { accept: "text/event-stream", "content-type": "application/json" };
  const request = httpRequest(`${fixture.server.url}/graphql`, { method: "POST", headers, agent: false });
  onTestFinished(() => void request.destroy());
  request.on("error", () => undefined);
  const answered = once(request, "response") as Promise<[IncomingMessage]>;
  await subscribed(fixture, () => request.end(JSON.stringify({ query: EVENTS, variables: { after } })));
  const [response] = await answered;
  let text = "";
  response.setEncoding("utf8").on("data", (part: string) => {
    const parts = (text + part).split("\n\n");
    text = parts.pop() ?? "";
    messages.push(...parts.flatMap(messageOf));
  });
  return { messages, pause: () => void response.pause(), resume: () => void response.resume() };
};

/** An event of a stream as WebSockets have it. */
function messageOf(event: string): readonly Message[] {
  const data = /^data: (.+)$/m.exec(event)?.[1];
  if (data === undefined) {
    return [];
  }
  const payload = JSON.parse(data) as { readonly errors?: Message["payload"] } & Message["payload"];
  return [
    payload.errors === undefined ? { type: "next", payload } : { type: "error", payload: payload.errors },
  ];
}

async function subscribed(fixture: ServerFixture, subscribe: () => void): Promise<void> {
  const before = fixture.subscriberCount();
  subscribe();
  await until(() => fixture.subscriberCount() > before);
}

const eventsOf = ({ messages }: SlowClient): readonly SeenEvent[] =>
  messages.flatMap(({ payload }) => payload?.data?.taskEvents ?? []);

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!isSo()) {
    expect(Date.now()).toBeLessThan(deadline);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe.each([
  ["WebSocket", overSocket],
  ["SSE", overSse],
] as const)("over %s,", (_way, subscribe) => {
  it("a client that does not read costs bounded memory: progress is folded, and no other event is lost", async () => {
    const fixture = await start();
    const slow = await subscribe(fixture);
    const quick = await subscribe(fixture);
    slow.pause();
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const id = await fixture.tasks.create({ kind: LARGE });
    await fixture.tasks.start(id);
    // 150 MB, for a server that would keep them.
    for (let round = 0; round < 100; round += 1) {
      await fixture.tasks.progress(id, round % 100);
      await until(() => eventsOf(quick).length === 3 + round);
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    await fixture.tasks.settle(id);
    await until(() => eventsOf(quick).at(-1)?.type === "CLEANUP");
    expect(most).toBeLessThan(90e6);
    slow.resume();
    await until(() => eventsOf(slow).at(-1)?.type === "CLEANUP");
    const types = eventsOf(slow).map(({ type }) => type);
    expect(types.filter((type) => type !== "PROGRESS")).toEqual(["CREATE", "START", "COMPLETE", "CLEANUP"]);
    expect(types.length).toBeLessThan(60);
    const counts = eventsOf(slow).map(({ progress }) => progress.processed);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  });

  it("a client that falls too far behind is told so, and where to go on without a gap", async () => {
    const fixture = await start();
    const slow = await subscribe(fixture);
    const quick = await subscribe(fixture);
    slow.pause();
    const created: string[] = [];
    for (let task = 0; task < 30; task += 1) {
      created.push(await fixture.tasks.create({ kind: LARGE }));
      await turn();
    }
    for (let task = 0; task < 1_100; task += 1) {
      created.push(await fixture.tasks.create());
      await turn();
    }
    await until(() => eventsOf(quick).length === created.length);
    slow.resume();
    await until(() => slow.messages.at(-1)?.type === "error");
    const refusal = slow.messages.at(-1)?.payload?.[0]?.extensions;
    expect(refusal).toMatchObject({ code: "SUBSCRIBER_TOO_SLOW" });
    const next = await subscribe(fixture, refusal?.after);
    await until(() => eventsOf(slow).length + eventsOf(next).length === created.length);
    expect([...eventsOf(slow), ...eventsOf(next)].map(({ task }) => task.id)).toEqual(created);
  });
});
