import type { Client, TypedDocumentNode } from "@urql/core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { withDeadline } from "../../support/deadline.ts";
import type { ClientFixture } from "./client-fixture.ts";
import { CITY_COUNT, startClientFixture } from "./client-fixture.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- the data of documents that the guide, not this file, spells out
type Data = any;
type Document = TypedDocumentNode<Data, Record<string, unknown>>;

let fixture: ClientFixture;
let client: Client;
let documents: Readonly<Record<"CITIES" | "RENAME" | "NOTE" | "NOTE_NOW" | "FOLLOW", Document>>;
const warn = vi.spyOn(console, "warn");
const error = vi.spyOn(console, "error");

beforeAll(async () => {
  fixture = await startClientFixture();
  ({ client } = (await fixture.load("urql and graphcache", "client.ts")) as unknown as { client: Client });
  documents = (await fixture.load("urql and graphcache", "documents.ts")) as unknown as typeof documents;
});
afterAll(async () => {
  await fixture.stop();
  vi.restoreAllMocks();
});

/** Subscribes to the list. @returns the cities that the page shows, as of now, and all names of one so far */
async function showCities(): Promise<{
  readonly shown: () => Data[];
  readonly namesOf: (id: string) => string[];
  readonly leave: () => void;
}> {
  let cities: Data[] = [];
  const seen: Data[][] = [];
  let isThere: () => void = () => undefined;
  const first = new Promise<void>((resolve) => {
    isThere = resolve;
  });
  const { unsubscribe } = client.query(documents.CITIES, {}).subscribe(({ data }) => {
    if (data !== undefined) {
      cities = data.cities.edges.map(({ node }: Data) => node);
      seen.push(cities);
      isThere();
    }
  });
  await withDeadline(first, 10_000, "the list");
  const namesOf = (id: string): string[] => {
    const names = seen.map((page) => page.find((city) => city.id === id).name as string);
    return names.filter((name, at) => name !== names[at - 1]);
  };
  return { shown: () => cities, namesOf, leave: unsubscribe };
}

describe("urql with graphcache, set up as the guide says", () => {
  it("shows an optimistic name, and puts it back after a refusal that the guide's fragment names", async () => {
    const { shown, namesOf, leave } = await showCities();
    expect(shown()).toHaveLength(25);
    const { id, name } = shown()[1];
    const rename = (to: string, expectedUpdatedAt?: string) =>
      client
        .mutation(documents.RENAME, {
          id,
          data: { name: to },
          ...(expectedUpdatedAt && { expectedUpdatedAt }),
        })
        .toPromise();
    expect((await rename("Lutetia")).data?.updateCity).toMatchObject({ city: { name: "Lutetia" } });
    await vi.waitFor(() => expect(namesOf(id)).toEqual([name, "Lutetia"]), 10_000);
    const stale = await rename("Nobody", "2020-01-01T00:00:00.000Z");
    expect(stale.data?.updateCity).toMatchObject({
      code: "STALE_RECORD",
      message: expect.any(String) as string,
    });
    await vi.waitFor(() => expect(namesOf(id)).toEqual([name, "Lutetia", "Nobody", "Lutetia"]), 10_000);
    leave();
  });

  it("does not take a conflict for the record that it names, and follows the holder to its end", async () => {
    const { shown, leave } = await showCities();
    const { id, name } = shown()[2];
    const release = await fixture.holdCity(1);
    const launched = await client
      .mutation(documents.NOTE, {
        selection: { where: { id: { lte: CITY_COUNT } } },
        notes: "noted",
        options: { mode: "ASYNC" },
      })
      .toPromise();
    const { task } = launched.data?.bulkUpdateCities ?? {};
    const conflict = (await client.mutation(documents.RENAME, { id, data: { name: "Nobody" } }).toPromise())
      .data;
    expect(conflict?.updateCity).toMatchObject({
      code: "CONFLICT",
      conflicts: [{ model: "City", recordId: id, heldBy: { id: task.id } }],
    });
    expect(shown()[2]).toMatchObject({ id, name });
    const states: Data[] = [];
    const settled = new Promise<void>((resolve) => {
      client.subscription(documents.FOLLOW, { id: task.id }).subscribe(({ data, hasNext }) => {
        states.push(data?.taskProgress);
        void release();
        if (data?.taskProgress.status === "SUCCEEDED" || !hasNext) {
          resolve();
        }
      });
    });
    await withDeadline(settled, 20_000, "the end of the task");
    expect(states.at(-1)).toMatchObject({
      status: "SUCCEEDED",
      progress: { processed: CITY_COUNT, percent: 100 },
    });
    leave();
  });

  it("shows what a small bulk write has changed without another request", async () => {
    const { shown, leave } = await showCities();
    const before = fixture.requests.length;
    const { data } = await client
      .mutation(documents.NOTE_NOW, { ids: [shown()[3].id, shown()[4].id], notes: "now" })
      .toPromise();
    expect(data.bulkUpdateCities.task.status).toBe("SUCCEEDED");
    await vi.waitFor(() => expect([shown()[3].notes, shown()[4].notes]).toEqual(["now", "now"]), 10_000);
    expect(fixture.requests).toHaveLength(before + 1);
    leave();
  });

  it("follows what others write, chunk by chunk, create and delete", async () => {
    const { shown, leave } = await showCities();
    const { keepCitiesFresh } = (await fixture.load("urql and graphcache", "fresh.ts")) as unknown as {
      keepCitiesFresh(): () => void;
    };
    const stop = keepCitiesFresh();
    const notesOf = (...ids: string[]): unknown[] =>
      ids.map((id) => shown().find((city) => city.id === id)?.notes);
    const write = (document: string) => fixture.execute(`mutation { ${document} { __typename } }`);
    const follows = (read: () => unknown) => expect.poll(read, { timeout: 10_000 });
    await write(`updateCity(id: "8", data: {notes: "heard"})`);
    await follows(() => notesOf("8")).toEqual(["heard"]);
    await write(`bulkUpdateCities(selection: {ids: ["5", "6", "7"]}, data: {notes: {set: "theirs"}})`);
    await follows(() => notesOf("5", "6", "7")).toEqual(["theirs", "theirs", "theirs"]);
    await write(`deleteCity(id: "10")`);
    await follows(() => shown().map(({ name }) => name)).not.toContain("City 10");
    await write(
      `createCity(data: {id: 0, name: "City 0", countryCode: "FR", population: 0, latitude: 0, longitude: 0})`,
    );
    await follows(() => shown().map(({ name }) => name)).toContain("City 0");
    stop();
    leave();
  });

  it("warns of nothing in all of this", () => {
    expect([...warn.mock.calls, ...error.mock.calls]).toEqual([]);
  });
});

it("takes subscriptions over Server-Sent Events, as the guide says", async () => {
  const { Client: UrqlClient, fetchExchange } = await import("@urql/core");
  const plain = new UrqlClient({
    url: `${fixture.url}/graphql`,
    preferGetMethod: false,
    fetchSubscriptions: true,
    exchanges: [fetchExchange],
  });
  const release = await fixture.holdCity(1);
  const { data } = await plain
    .mutation(documents.NOTE, {
      selection: { ids: ["1", "2", "3"] },
      notes: "sse",
      options: { mode: "ASYNC" },
    })
    .toPromise();
  const { id } = data.bulkUpdateCities.task;
  const settled = new Promise<string>((resolve) => {
    plain.subscription(documents.FOLLOW, { id }).subscribe(({ data: state }) => {
      void release();
      if (state?.taskProgress.status === "SUCCEEDED") {
        resolve(state.taskProgress.id);
      }
    });
  });
  expect(await withDeadline(settled, 20_000, "the end of the task")).toBe(id);
});
