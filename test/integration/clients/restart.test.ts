import { join } from "node:path";
import { ApolloClient, InMemoryCache } from "@apollo/client";
import type { ApolloLink, DocumentNode } from "@apollo/client";
import type { Client as UrqlClient, TypedDocumentNode } from "@urql/core";
import { createClient as createSocket } from "graphql-ws";
import type { Environment, SubscribeFunction } from "relay-runtime";
import { Network } from "relay-runtime";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import demoConfig from "../../../powercrud.config.ts";
import { nextWithin, withDeadline } from "../../support/deadline.ts";
import { EventSourceClient } from "../../support/event-source.ts";
import type { ClientFixture } from "./client-fixture.ts";
import { CITY_COUNT, startClientFixture } from "./client-fixture.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- the data of documents that the guides, not this file, spell out
type Data = any;

const FOLLOW = `subscription Follow($id: ID!) { taskProgress(id: $id) { id status progress { id processed } } }`;

/** The same, as Relay's compiler writes it. */
const RELAY_FOLLOW = {
  name: "Follow",
  id: null,
  cacheID: "follow",
  text: FOLLOW,
  operationKind: "subscription",
  metadata: {},
} as const;

let fixture: ClientFixture;
beforeAll(async () => {
  fixture = await startClientFixture({ config: { ...demoConfig, relay: true } });
});
afterAll(() => fixture.stop());

/** A client that follows a task. */
interface Follower {
  /** Resolves with the first state. */
  readonly began: Promise<unknown>;
  /** Resolves with all states that were received, once the client has been told that no other will come. */
  readonly ended: Promise<readonly Data[]>;
}

interface Sink {
  next(state: Data): void;
  error(error: unknown): void;
  complete(): void;
}

function follower(subscribe: (sink: Sink) => void): Follower {
  const states: Data[] = [];
  let begin: (state: unknown) => void = () => undefined;
  const began = new Promise((resolve) => {
    begin = resolve;
  });
  const ended = new Promise<readonly Data[]>((resolve, reject) => {
    subscribe({
      next(state) {
        states.push(state);
        begin(state);
      },
      error: reject,
      complete: () => resolve(states),
    });
  });
  return { began, ended };
}

const EVENT_SOURCE = "EventSource of taskEvents";

/** A subscription to all events of a task but the first. */
async function eventsSinceStart(id: string): Promise<string> {
  const { task } = (await fixture.execute(
    `{ task(id: "${id}") { events(first: 1) { nodes { cursor } } } }`,
  )) as Data;
  return `subscription Events($id: ID!) {
    taskEvents(where: {taskIds: [$id]}, after: "${task.events.nodes[0].cursor}") {
      cursor type task { id status progress { processed } }
    }
  }`;
}

/** Each client as its guide sets it up. */
async function followers(id: string): Promise<Record<string, Follower>> {
  const variables = { id };
  const { client } = (await fixture.loadExample("apollo", "client.ts")) as unknown as {
    client: ApolloClient;
  };
  const { sse } = (await fixture.loadExample("apollo", "sse.ts")) as unknown as { sse: ApolloLink };
  const documents = (await fixture.loadExample("apollo", "documents.ts")) as unknown as {
    FOLLOW: DocumentNode;
  };
  const overSse = new ApolloClient({ link: sse, cache: new InMemoryCache() });
  const urql = "urql and graphcache";
  const { client: urqlClient } = (await fixture.load(urql, "client.ts")) as unknown as { client: UrqlClient };
  const urqlDocuments = (await fixture.load(urql, "documents.ts")) as unknown as {
    FOLLOW: TypedDocumentNode<Data, Record<string, unknown>>;
  };
  const relay = await fixture.copyExample("relay");
  const { environment } = (await import(join(relay, "environment.ts"))) as { environment: Environment };
  const { subscribe } = (await import(join(relay, "sse.ts"))) as { subscribe: SubscribeFunction };
  const socket = createSocket({
    url: `${fixture.url.replace("http", "ws")}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: Infinity,
    shouldRetry: () => true,
  });
  const followApollo = (apolloClient: ApolloClient) =>
    follower((sink) => {
      apolloClient.subscribe<Data>({ query: documents.FOLLOW, variables }).subscribe({
        ...sink,
        next: ({ data, error }) => (error === undefined ? sink.next(data.taskProgress) : sink.error(error)),
      });
    });
  const followRelay = (network: ReturnType<Environment["getNetwork"]>) =>
    follower((sink) => {
      network.execute(RELAY_FOLLOW, variables, {}).subscribe({
        next: (answer: Data) => sink.next(answer.data.taskProgress),
        error: (error: unknown) => sink.error(error),
        complete: () => sink.complete(),
      });
    });
  const followSource = (query: string, stateOf: (data: Data) => Data) =>
    follower((sink) => {
      const parameters = new URLSearchParams({ query, variables: JSON.stringify(variables) });
      const source = new EventSourceClient(`${fixture.url}/graphql?${parameters}`);
      const read = async (): Promise<void> => {
        for await (const { type, data } of source.messages()) {
          if (type === "next") {
            sink.next(stateOf(JSON.parse(data).data));
          }
        }
        sink.complete();
      };
      read().catch((error: unknown) => sink.error(error));
    });
  return {
    "Apollo Client over WebSocket": followApollo(client),
    "Apollo Client over SSE": followApollo(overSse),
    urql: follower((sink) => {
      urqlClient.subscription(urqlDocuments.FOLLOW, variables).subscribe(({ data, error, hasNext }) => {
        if (error !== undefined) {
          sink.error(error);
        } else if (data !== undefined) {
          sink.next(data.taskProgress);
        }
        if (!hasNext) {
          sink.complete();
        }
      });
    }),
    "Relay over WebSocket": followRelay(environment.getNetwork()),
    "Relay over SSE": followRelay(Network.create(() => Promise.reject(new Error("unused")), subscribe)),
    "graphql-ws": follower((sink) => {
      socket.subscribe<Data>(
        { query: FOLLOW, variables },
        {
          next: ({ data }) => sink.next(data?.taskProgress),
          error: (error) => sink.error(error),
          complete: () => sink.complete(),
        },
      );
    }),
    "EventSource of taskProgress": followSource(FOLLOW, ({ taskProgress }) => taskProgress),
    [EVENT_SOURCE]: followSource(await eventsSinceStart(id), ({ taskEvents }) => ({
      ...taskEvents.task,
      event: taskEvents,
    })),
  };
}

/** Launches a change of all cities, and pauses it in the middle. @returns its id */
async function launchPaused(): Promise<string> {
  const releases = [await fixture.holdCity(1), await fixture.holdCity(3)];
  const { bulkUpdateCities } = (await fixture.execute(`mutation {
    bulkUpdateCities(
      selection: {where: {id: {lte: ${CITY_COUNT}}}}, data: {notes: {set: "restarted"}},
      options: {mode: ASYNC, errorPolicy: SKIP_FAILED}
    ) { ... on TaskLaunched { task { id } } }
  }`)) as Data;
  const { id } = bulkUpdateCities.task;
  await expect
    .poll(async () => ((await fixture.execute(`{ task(id: "${id}") { status } }`)) as Data).task.status)
    .toBe("RUNNING");
  await fixture.execute(`mutation { pauseTask(id: "${id}") { __typename } }`);
  await Promise.all(releases.map((release) => release()));
  await expect
    .poll(async () => ((await fixture.execute(`{ task(id: "${id}") { status } }`)) as Data).task.status, {
      timeout: 20_000,
    })
    .toBe("PAUSED");
  return id as string;
}

it("every client follows a task through a restart of the service to its real end", async () => {
  const id = await launchPaused();
  const all = await followers(id);
  for (const [name, { began }] of Object.entries(all)) {
    expect(await withDeadline(began, 10_000, `the first state, for ${name}`)).toMatchObject({
      status: "PAUSED",
    });
  }
  // Four of them have a WebSocket.
  await fixture.restart(4);
  await fixture.execute(`mutation { resumeTask(id: "${id}") { __typename } }`);
  for (const [name, { ended }] of Object.entries(all)) {
    const states = await withDeadline(ended, 30_000, `the end, for ${name}`);
    expect([name, states.at(-1)]).toMatchObject([
      name,
      { status: "SUCCEEDED", progress: { processed: CITY_COUNT } },
    ]);
  }
  const events = (await all[EVENT_SOURCE]?.ended)?.map(({ event }) => event) ?? [];
  const kept = events.filter(({ type }) => type !== "PROGRESS");
  expect(new Set(kept.map(({ cursor }) => cursor)).size).toBe(kept.length);
  const { task } = (await fixture.execute(
    `{ task(id: "${id}") { events(first: 100) { nodes { type } } } }`,
  )) as Data;
  // Each of them, once.
  expect(["CREATE", ...kept.map(({ type }) => type)]).toEqual(
    task.events.nodes.map(({ type }: Data) => type),
  );
});

const RECORDS = `subscription { recordEvents(model: City) { type recordIds } }`;

/** Opens `recordEvents` over each transport, with a client that comes back. */
const RECORD_WAYS: Readonly<Record<string, () => { next(): Promise<unknown>; close(): void }>> = {
  WebSocket() {
    const socket = createSocket({
      url: `${fixture.url.replace("http", "ws")}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: Infinity,
      shouldRetry: () => true,
    });
    const results = socket.iterate<Data>({ query: RECORDS });
    return {
      next: async () => (await nextWithin(results, 20_000, "an event")).data.recordEvents,
      close: () => void socket.dispose(),
    };
  },
  "server-sent events"() {
    const source = new EventSourceClient(`${fixture.url}/graphql?${new URLSearchParams({ query: RECORDS })}`);
    const messages = source.messages();
    return {
      next: async () => JSON.parse((await nextWithin(messages, 20_000, "an event")).data).data.recordEvents,
      close: () => source.close(),
    };
  },
};

it("recordEvents says from when on it tells, over both transports and after a restart: no write after it is missed", async () => {
  const GAP = { type: "GAP", recordIds: [] };
  const write = (id: number) =>
    fixture.execute(`mutation { updateCity(id: "City:${id}", data: {notes: "written"}) { __typename } }`);
  const told = (id: number) => ({ type: "UPDATED", recordIds: [`City:${id}`] });
  for (const open of Object.values(RECORD_WAYS)) {
    for (let id = 1; id <= 10; id += 1) {
      const events = open();
      expect(await events.next()).toEqual(GAP);
      await write(id);
      expect(await events.next()).toEqual(told(id));
      events.close();
    }
  }
  const all = Object.values(RECORD_WAYS).map((open) => open());
  onTestFinished(() => all.forEach((events) => events.close()));
  const next = () => Promise.all(all.map((events) => events.next()));
  expect(await next()).toEqual([GAP, GAP]);
  await fixture.restart(1);
  expect(await next()).toEqual([GAP, GAP]);
  await write(7);
  expect(await next()).toEqual([told(7), told(7)]);
});
