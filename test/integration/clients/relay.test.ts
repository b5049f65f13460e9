import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { lexicographicSortSchema, printSchema } from "graphql";
import type { ConcreteRequest, SubscribeFunction } from "relay-runtime";
import {
  commitLocalUpdate,
  commitMutation,
  ConnectionHandler,
  Environment,
  fetchQuery,
  Network,
  RecordSource,
  requestSubscription,
  Store,
} from "relay-runtime";
import { afterAll, beforeAll, expect, it } from "vitest";
import demoConfig from "../../../powercrud.config.ts";
import { withDeadline } from "../../support/deadline.ts";
import type { ClientFixture } from "./client-fixture.ts";
import { startClientFixture } from "./client-fixture.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- the data of documents that the guide, not this file, spells out
type Data = any;

const ROOT = join(import.meta.dirname, "../../..");
const FRANCE = "Country:FR";
const CITIES = ConnectionHandler.getConnectionID(FRANCE, "cities_cities");

let fixture: ClientFixture;
let environment: Environment;
let overSse: Environment;
let keepCitiesFresh: (country: string) => () => void;
let request: (name: string) => Promise<ConcreteRequest>;

beforeAll(async () => {
  fixture = await startClientFixture({ config: { ...demoConfig, relay: true } });
  const folder = await fixture.copyExample("relay");
  const config = JSON.parse(
    await readFile(join(ROOT, "client-examples/relay/relay.config.json"), "utf8"),
  ) as object;
  await writeFile(join(folder, "relay.config.json"), JSON.stringify({ ...config, src: "." }));
  await writeFile(join(folder, "schema.graphql"), printSchema(lexicographicSortSchema(fixture.schema())));
  const compiler = join(ROOT, "node_modules/relay-compiler/cli.js");
  await promisify(execFile)(process.execPath, [compiler, "relay.config.json"], { cwd: folder });
  ({ environment } = (await import(join(folder, "environment.ts"))) as { environment: Environment });
  const { subscribe } = (await import(join(folder, "sse.ts"))) as { subscribe: SubscribeFunction };
  overSse = new Environment({
    network: Network.create(() => Promise.reject(new Error("it is only for subscriptions")), subscribe),
    store: new Store(new RecordSource()),
  });
  ({ keepCitiesFresh } = (await import(join(folder, "fresh.ts"))) as {
    keepCitiesFresh: typeof keepCitiesFresh;
  });
  request = async (name) =>
    ((await import(join(folder, `__generated__/${name}.graphql.ts`))) as { default: ConcreteRequest })
      .default;
});
afterAll(() => fixture.stop());

/** The names in the list, as the store has it. */
function shown(): readonly unknown[] {
  let names: readonly unknown[] = [];
  commitLocalUpdate(environment, (store) => {
    const edges = store.get(CITIES)?.getLinkedRecords("edges") ?? [];
    names = edges.map((edge) => edge?.getLinkedRecord("node")?.getValue("name"));
  });
  return names;
}

async function read(name: string, variables: object): Promise<Data> {
  return fetchQuery(environment, await request(name), variables as never).toPromise();
}

async function mutate(name: string, variables: Record<string, unknown>): Promise<Data> {
  const mutation = await request(name);
  return new Promise((resolve, reject) => {
    commitMutation(environment, { mutation, variables, onCompleted: resolve, onError: reject });
  });
}

it("lists page by page, reads a record again, and follows what is created and deleted", async () => {
  await read("citiesQuery", { country: FRANCE });
  expect(shown()).toEqual(Array.from({ length: 25 }, (_none, at) => `City ${at + 1}`));
  let after: unknown;
  commitLocalUpdate(environment, (store) => {
    after = store.get(CITIES)?.getLinkedRecord("pageInfo")?.getValue("endCursor");
  });
  await read("citiesPageQuery", { id: FRANCE, count: 14, after });
  expect(shown()).toHaveLength(39);
  await fixture.query("UPDATE city SET name = 'Lutetia' WHERE id = 2");
  await read("citiesCityQuery", { id: "City:2" });
  expect(shown()[1]).toBe("Lutetia");
  const data = { id: 99, name: "New", countryCode: "FR", population: 1, latitude: 0, longitude: 0 };
  await mutate("citiesCreateMutation", { data, connections: [CITIES] });
  expect(shown().slice(-2)).toEqual(["City 39", "New"]);
  const refused = await mutate("citiesCreateMutation", { data, connections: [CITIES] });
  expect(refused.createCity).toMatchObject({
    __typename: "ValidationError",
    code: expect.any(String) as string,
  });
  await mutate("citiesDeleteMutation", { id: "City:1", connections: [CITIES] });
  expect(shown()).toHaveLength(39);
  expect(shown()[0]).toBe("Lutetia");
});

it("keeps a list fresh while others write", async () => {
  await read("citiesQuery", { country: FRANCE });
  const stop = keepCitiesFresh(FRANCE);
  const write = (document: string) => fixture.execute(`mutation { ${document} { __typename } }`);
  const follows = (look: () => unknown) => expect.poll(look, { timeout: 10_000 });
  await write(`updateCity(id: "City:8", data: {name: "heard"})`);
  await follows(shown).toContain("heard");
  await write(`bulkUpdateCities(selection: {ids: ["City:6", "City:7"]}, data: {name: {set: "theirs"}})`);
  await follows(() => shown().filter((name) => name === "theirs")).toHaveLength(2);
  await write(`deleteCity(id: "City:10")`);
  await follows(shown).not.toContain("City 10");
  await write(
    `createCity(data: {id: 0, name: "City 0", countryCode: "FR", population: 0, latitude: 0, longitude: 0})`,
  );
  await follows(shown).toContain("City 0");
  stop();
});

it.each(["WebSocket", "SSE"])(
  "follows tasks by their events over %s, and keeps their state in the store",
  async (way) => {
    const following = way === "SSE" ? overSse : environment;
    const launch = `mutation { bulkUpdateCities(selection: {ids: ["City:5"]}, data: {notes: {set: "relay"}}, options: {mode: ASYNC})
    { ... on TaskLaunched { task { id events(first: 1) { nodes { cursor } } } } } }`;
    const release = await fixture.holdCity(5);
    const response = await fetch(`${fixture.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: launch }),
    });
    const { id, events } = ((await response.json()) as { data: Data }).data.bulkUpdateCities.task;
    const subscription = await request("citiesTasksSubscription");
    const settled = new Promise<void>((resolve, reject) => {
      requestSubscription<Data>(following, {
        subscription,
        variables: { where: { taskIds: [id] }, after: events.nodes[0].cursor },
        onError: reject,
        onNext: (event) => {
          if (event?.taskEvents.type === "CLEANUP") {
            resolve();
          }
        },
      });
    });
    await release();
    await withDeadline(settled, 20_000, "the last event");
    let status: unknown;
    commitLocalUpdate(following, (store) => {
      status = store.get(id as string)?.getValue("status");
    });
    expect(status).toBe("SUCCEEDED");
  },
);
