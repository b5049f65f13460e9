import { expect, it, onTestFinished } from "vitest";
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
class SlowClient {
  readonly messages: Message[] = [];
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data: Buffer) => this.messages.push(JSON.parse(data.toString()) as Message));
    onTestFinished(() => socket.terminate());
  }

  static async subscribe(fixture: ServerFixture, after?: string): Promise<SlowClient> {
    const socket = new WebSocket(
      `${fixture.server.url.replace("http", "ws")}/graphql`,
      "graphql-transport-ws",
    );
    const client = new SlowClient(socket);
    await new Promise((resolve) => void socket.once("open", resolve));
    socket.send(JSON.stringify({ type: "connection_init" }));
    await until(() => client.messages.length === 1);
    const before = fixture.subscriberCount();
    socket.send(
      JSON.stringify({ id: "1", type: "subscribe", payload: { query: EVENTS, variables: { after } } }),
    );
    await until(() => fixture.subscriberCount() > before);
    return client;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  get events(): readonly SeenEvent[] {
    return this.messages.flatMap(({ payload }) => payload?.data?.taskEvents ?? []);
  }
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!isSo()) {
    expect(Date.now()).toBeLessThan(deadline);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("a socket that does not read costs bounded memory: progress is folded, and no other event is lost", async () => {
  const fixture = await start();
  const slow = await SlowClient.subscribe(fixture);
  const quick = await SlowClient.subscribe(fixture);
  slow.pause();
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const id = await fixture.tasks.create({ kind: LARGE });
  await fixture.tasks.start(id);
  // 150 MB, for a server that would keep them.
  for (let round = 0; round < 100; round += 1) {
    await fixture.tasks.progress(id, round % 100);
    await until(() => quick.events.length === 3 + round);
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  await fixture.tasks.settle(id);
  await until(() => quick.events.at(-1)?.type === "CLEANUP");
  expect(most).toBeLessThan(90e6);
  slow.resume();
  await until(() => slow.events.at(-1)?.type === "CLEANUP");
  const types = slow.events.map(({ type }) => type);
  expect(types.filter((type) => type !== "PROGRESS")).toEqual(["CREATE", "START", "COMPLETE", "CLEANUP"]);
  expect(types.length).toBeLessThan(60);
  const counts = slow.events.map(({ progress }) => progress.processed);
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
});

it("a socket that falls too far behind is told so, and where to go on without a gap", async () => {
  const fixture = await start();
  const slow = await SlowClient.subscribe(fixture);
  const quick = await SlowClient.subscribe(fixture);
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
  await until(() => quick.events.length === created.length);
  slow.resume();
  await until(() => slow.messages.at(-1)?.type === "error");
  const refusal = slow.messages.at(-1)?.payload?.[0]?.extensions;
  expect(refusal).toMatchObject({ code: "SUBSCRIBER_TOO_SLOW" });
  const next = await SlowClient.subscribe(fixture, refusal?.after);
  await until(() => slow.events.length + next.events.length === created.length);
  expect([...slow.events, ...next.events].map(({ task }) => task.id)).toEqual(created);
});
