import { readFile } from "node:fs/promises";
import { parse, validate } from "graphql";
import { describe, expect, it, onTestFinished } from "vitest";
import { nextWithin, withDeadline } from "../support/deadline.ts";
import { codeBlocks } from "../support/markdown-code.ts";
import { EventSourceClient } from "../support/event-source.ts";
import type { StreamMessage } from "../support/event-source.ts";
import { overSocket, socketClient } from "./graphql-clients.ts";
import type { ServerFixture } from "./server-fixture.ts";
import { startServerFixture } from "./server-fixture.ts";

const EVENTS = `subscription ($where: TaskEventWhere, $after: String) {
  taskEvents(where: $where, after: $after) { cursor type task { id status } }
}`;
const PROGRESS = `subscription ($id: ID!) { taskProgress(id: $id) { id status progress { processed } } }`;

async function start(): Promise<ServerFixture> {
  const fixture = await startServerFixture();
  onTestFinished(() => fixture.stop());
  return fixture;
}

interface Source {
  readonly client: EventSourceClient;
  readonly messages: AsyncGenerator<StreamMessage, undefined>;
  next(): Promise<StreamMessage>;
}

function open({ server }: ServerFixture, query: string, variables: Record<string, unknown>): Source {
  const parameters = new URLSearchParams({ query, variables: JSON.stringify(variables) });
  const client = new EventSourceClient(`${server.url}/graphql?${parameters.toString()}`);
  onTestFinished(() => client.close());
  const messages = client.messages();
  return { client, messages, next: () => nextWithin(messages, 5000, "the next message") };
}

interface SeenEvent {
  readonly cursor: string;
  readonly type: string;
}

function eventOf({ data }: StreamMessage): SeenEvent {
  return (JSON.parse(data) as { data: { taskEvents: SeenEvent } }).data.taskEvents;
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!isSo()) {
    expect(Date.now()).toBeLessThan(deadline);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Reads on until the source has failed for good. */
async function rest(source: Source): Promise<readonly StreamMessage[]> {
  const seen: StreamMessage[] = [];
  const read = async (): Promise<void> => {
    for await (const message of source.messages) {
      seen.push(message);
    }
  };
  await withDeadline(read(), 10_000, "the end for good");
  return seen;
}

it("is asked for as the guide shows", async () => {
  const { schema } = await start();
  const guide = await readFile("docs/subscriptions.md", "utf8");
  const inScript = codeBlocks(guide, "js").map((code) => /"(subscription .*)";/.exec(code)?.[1] ?? "");
  const documents = [...codeBlocks(guide, "graphql"), ...inScript];
  expect(documents).toHaveLength(4);
  expect(documents.flatMap((document) => validate(schema, parse(document)))).toEqual([]);
});

describe("an EventSource of taskEvents", () => {
  it("is given every event's cursor as its id, and goes on after it when the server was restarted", async () => {
    const fixture = await start();
    const source = open(fixture, EVENTS, {});
    const first = source.next();
    await until(() => fixture.subscriberCount() === 1);
    const id = await fixture.tasks.create();
    const created = await first;
    expect(created.lastEventId).toBe(eventOf(created).cursor);
    await fixture.restart(async () => {
      await fixture.tasks.start(id);
    });
    const started = await source.next();
    expect([created, started].map((message) => eventOf(message).type)).toEqual(["CREATE", "START"]);
    await fixture.tasks.settle(id);
    const later = [await source.next(), await source.next()];
    expect(later.map((message) => eventOf(message).type)).toEqual(["COMPLETE", "CLEANUP"]);
    expect(later.map(({ lastEventId }) => lastEventId)).toEqual(
      later.map((message) => eventOf(message).cursor),
    );
  });

  it("takes Last-Event-ID for `after`, whatever its address says", async () => {
    const fixture = await start();
    const id = await fixture.tasks.create();
    const source = open(fixture, EVENTS, { after: "ZXZlbnQ6MA" });
    expect(eventOf(await source.next()).type).toBe("CREATE");
    await fixture.restart(() => fixture.tasks.start(id));
    expect(eventOf(await source.next()).type).toBe("START");
  });

  it("ends for good once the listed tasks are settled, even if that was while the server was down", async () => {
    const fixture = await start();
    const id = await fixture.tasks.create();
    const source = open(fixture, EVENTS, { where: { taskIds: [id] }, after: "ZXZlbnQ6MA" });
    expect(eventOf(await source.next()).type).toBe("CREATE");
    await fixture.restart(async () => {
      await fixture.tasks.start(id);
      await fixture.tasks.settle(id);
    });
    const seen = await rest(source);
    expect(seen.filter(({ type }) => type === "next").map((message) => eventOf(message).type)).toEqual([
      "START",
      "COMPLETE",
      "CLEANUP",
    ]);
    expect(seen.at(-1)?.type).toBe("complete");
    expect(source.client.statuses).toEqual([200, 200, 204]);
  });

  it("is not sent away while one of the listed tasks is not settled", async () => {
    const fixture = await start();
    const done = await fixture.tasks.create();
    const running = await fixture.tasks.create();
    await fixture.tasks.start(done);
    await fixture.tasks.settle(done);
    const source = open(fixture, EVENTS, { where: { taskIds: [done, running] }, after: "ZXZlbnQ6MA" });
    for (let event = 0; event < 5; event += 1) {
      await source.next();
    }
    await fixture.restart(() => Promise.resolve());
    const next = source.next();
    await until(() => fixture.subscriberCount() === 1);
    await fixture.tasks.start(running);
    expect(eventOf(await next).type).toBe("START");
    expect(source.client.statuses).toEqual([200, 200]);
  });
});

describe("a restart of the server, seen by a client that comes back,", () => {
  const stateOf = ({ data }: StreamMessage): unknown =>
    (JSON.parse(data) as { data: { taskProgress: unknown } }).data.taskProgress;

  it("leads an EventSource of taskProgress to the task's real end, and then ends it for good", async () => {
    const fixture = await start();
    const id = await fixture.tasks.create();
    const source = open(fixture, PROGRESS, { id });
    expect(stateOf(await source.next())).toMatchObject({ status: "PENDING" });
    await fixture.restart(() => fixture.tasks.start(id));
    expect(stateOf(await source.next())).toMatchObject({ status: "RUNNING" });
    await fixture.restart(() => fixture.tasks.settle(id));
    const [last, complete, ...more] = await rest(source);
    expect(last && stateOf(last)).toMatchObject({ status: "SUCCEEDED", progress: { processed: 100 } });
    expect(complete?.type).toBe("complete");
    expect(more).toEqual([]);
    expect(source.client.statuses).toEqual([200, 200, 200, 204]);
  });

  it("leads a WebSocket to it, too", async () => {
    const fixture = await start();
    const id = await fixture.tasks.create();
    const client = socketClient(fixture.server.url, {
      retryAttempts: 100,
      shouldRetry: () => true,
      retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
    });
    onTestFinished(() => void client.dispose());
    const results = overSocket(client, { query: PROGRESS, variables: { id } });
    const next = async (): Promise<unknown> => (await nextWithin(results, 5000, "the next state")).data;
    expect(await next()).toMatchObject({ taskProgress: { status: "PENDING" } });
    await fixture.restart(() => fixture.tasks.start(id));
    expect(await next()).toMatchObject({ taskProgress: { status: "RUNNING" } });
    await fixture.restart(() => fixture.tasks.settle(id));
    expect(await next()).toMatchObject({ taskProgress: { status: "SUCCEEDED" } });
    expect((await withDeadline(results.next(), 5000, "the end")).done).toBe(true);
  });
});
