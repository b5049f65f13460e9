import type { ApolloClient, ApolloLink, DocumentNode } from "@apollo/client";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { withDeadline } from "../../support/deadline.ts";
import type { ClientFixture } from "./client-fixture.ts";
import { CITY_COUNT, startClientFixture } from "./client-fixture.ts";

interface City {
  readonly id: string;
  readonly name: string;
  readonly updatedAt: string;
}

/** What the example's code exports. */
interface Example {
  readonly client: ApolloClient;
  readonly CITIES: DocumentNode;
  readonly NOTE: DocumentNode;
  readonly FOLLOW: DocumentNode;
  readonly NOTE_NOW: DocumentNode;
  rename(city: City, name: string): Promise<Record<string, unknown>>;
  follow(id: string): Promise<void>;
  keepCitiesFresh(): () => void;
}

// oxlint-disable-next-line typescript/no-explicit-any -- the data of documents that the example, not this file, spells out
type Data = any;

let fixture: ClientFixture;
let example: Example;
const warn = vi.spyOn(console, "warn");
const error = vi.spyOn(console, "error");

beforeAll(async () => {
  fixture = await startClientFixture();
  const files = ["client.ts", "documents.ts", "actions.ts", "fresh.ts"];
  example = (await fixture.loadExample("apollo", ...files)) as unknown as Example;
});
afterAll(async () => {
  example.client.stop();
  await fixture.stop();
  vi.restoreAllMocks();
});

/** Launches a change of all cities' notes that waits at the first one. */
async function launchHeld(
  notes: string,
): Promise<{ readonly id: string; readonly release: () => Promise<void> }> {
  const release = await fixture.holdCity(1);
  const { data } = await example.client.mutate<Data>({
    mutation: example.NOTE,
    variables: { selection: { where: { id: { lte: CITY_COUNT } } }, notes, options: { mode: "ASYNC" } },
  });
  return { id: data.bulkUpdateCities.task.id as string, release };
}

/** The notes of cities, as the cache has them. */
function notesOf(...ids: readonly string[]): unknown[] {
  const cached = example.client.cache.extract() as Record<string, { notes?: string }>;
  return ids.map((id) => cached[`City:${id}`]?.notes);
}

describe("Apollo Client, set up as the example is", () => {
  it("reads a list page by page", async () => {
    const list = example.client.watchQuery<Data>({ query: example.CITIES });
    const pages: Data[] = [];
    const nextPage = (count: number): Promise<void> =>
      vi.waitFor(() => expect(pages.at(-1)?.cities.edges).toHaveLength(count), 10_000);
    const subscription = list.subscribe(({ data }) => pages.push(data));
    await nextPage(25);
    await list.fetchMore({ variables: { after: pages.at(-1).cities.pageInfo.endCursor } });
    await nextPage(CITY_COUNT);
    expect(pages.at(-1).cities.pageInfo.hasNextPage).toBe(false);
    subscription.unsubscribe();
  });

  it("shows an optimistic name, and puts it back after a refusal that the example's fragment names", async () => {
    const { data } = await example.client.query<Data>({ query: example.CITIES });
    const city = data.cities.edges[1].node as City;
    const nameNow = (): unknown =>
      (example.client.cache.extract() as Record<string, { name?: string }>)[`City:${city.id}`]?.name;
    const shown = (): unknown =>
      example.client.readQuery<Data>({ query: example.CITIES }, true)?.cities.edges[1].node.name;
    const renaming = example.rename(city, "Lutetia");
    expect(shown()).toBe("Lutetia");
    expect(await renaming).toMatchObject({ city: { name: "Lutetia" } });
    expect(nameNow()).toBe("Lutetia");
    const stale = example.rename(city, "Paris");
    expect(shown()).toBe("Paris");
    expect(await stale).toMatchObject({
      __typename: "StaleCityError",
      code: "STALE_RECORD",
      message: expect.any(String) as string,
      current: { name: "Lutetia" },
    });
    expect(shown()).toBe("Lutetia");
  });

  it("does not take a conflict for the record that it names", async () => {
    const { data } = await example.client.query<Data>({ query: example.CITIES });
    const city = data.cities.edges[2].node as City;
    const { id, release } = await launchHeld("held");
    expect(await example.rename(city, "Nobody")).toMatchObject({
      code: "CONFLICT",
      conflicts: [{ model: "City", recordId: city.id, heldBy: { id } }],
    });
    const cached = example.client.cache.extract() as Record<string, unknown>;
    expect(cached[`City:${city.id}`]).toMatchObject({ __typename: "City", name: city.name });
    await release();
    await example.follow(id);
  });

  it("follows a task to its end without a single request, though the page selects more of its progress", async () => {
    const { gql } = await import("@apollo/client");
    const { id, release } = await launchHeld("followed");
    const page = example.client.watchQuery<Data>({
      query: gql`
        query Task($id: ID!) {
          task(id: $id) {
            id
            status
            progress {
              id
              total
              processed
              percent
            }
          }
        }
      `,
      variables: { id },
    });
    const states: Data[] = [];
    const isThere = new Promise<void>((resolve) => {
      page.subscribe(({ data }) => {
        states.push(data?.task);
        if (data?.task?.status !== undefined) {
          resolve();
        }
      });
    });
    await withDeadline(isThere, 10_000, "the task on the page");
    const before = fixture.requests.length;
    let messages = 0;
    const settled = new Promise<void>((resolve, reject) => {
      example.client.subscribe({ query: example.FOLLOW, variables: { id } }).subscribe({
        next: () => {
          messages += 1;
          // Once the subscription is there, so that it sees each chunk.
          void release();
        },
        error: reject,
        complete: resolve,
      });
    });
    await withDeadline(settled, 20_000, "the end of the task");
    await expect.poll(() => states.at(-1)?.status).toBe("SUCCEEDED");
    expect(messages).toBeGreaterThan(5);
    expect(states.at(-1).progress).toMatchObject({ total: CITY_COUNT, processed: CITY_COUNT, percent: 100 });
    const counts = states.flatMap((state) => state?.progress?.processed ?? []) as number[];
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(fixture.requests.slice(before)).toEqual([]);
  });

  it("shows what a small bulk write has changed without another request", async () => {
    await example.client.query<Data>({ query: example.CITIES });
    const before = fixture.requests.length;
    const { data } = await example.client.mutate<Data>({
      mutation: example.NOTE_NOW,
      variables: { ids: ["3", "4"], notes: "now" },
    });
    expect(data.bulkUpdateCities.task.status).toBe("SUCCEEDED");
    expect(notesOf("3", "4")).toEqual(["now", "now"]);
    expect(fixture.requests).toHaveLength(before + 1);
  });

  it("follows what others write, chunk by chunk, create and delete", async () => {
    const list = example.client.watchQuery<Data>({ query: example.CITIES, fetchPolicy: "network-only" });
    let shown: string[] = [];
    const subscription = list.subscribe(({ data }) => {
      shown = data?.cities?.edges?.map(({ node }: Data) => node.name as string) ?? shown;
    });
    const stop = example.keepCitiesFresh();
    await expect.poll(() => shown.length, { timeout: 10_000 }).toBe(25);
    await fixture.execute(`mutation { updateCity(id: "8", data: {notes: "heard"}) { __typename } }`);
    await expect.poll(() => notesOf("8"), { timeout: 10_000 }).toEqual(["heard"]);
    await fixture.execute(
      `mutation { bulkUpdateCities(selection: {ids: ["5", "6", "7"]}, data: {notes: {set: "theirs"}}) { __typename } }`,
    );
    const theirs = ["theirs", "theirs", "theirs"];
    await expect.poll(() => notesOf("5", "6", "7"), { timeout: 10_000 }).toEqual(theirs);
    await fixture.execute(`mutation { deleteCity(id: "10") { __typename } }`);
    await expect.poll(() => shown, { timeout: 10_000 }).not.toContain("City 10");
    await fixture.execute(`mutation { createCity(data: {
      id: 0, name: "City 0", countryCode: "FR", population: 0, latitude: 0, longitude: 0
    }) { __typename } }`);
    await expect.poll(() => shown, { timeout: 10_000 }).toContain("City 0");
    stop();
    subscription.unsubscribe();
  });

  it("sends a document once, and then only its hash, as the guide says", async () => {
    const { ApolloClient: Client, gql, InMemoryCache } = await import("@apollo/client");
    const { http } = (await fixture.load("Documents by hash", "persisted.ts")) as unknown as {
      http: ApolloLink;
    };
    const hashing = new Client({ link: http, cache: new InMemoryCache() });
    const query = gql`
      query Hashed {
        cities(first: 1) {
          nodes {
            id
          }
        }
      }
    `;
    const before = fixture.requests.length;
    for (let time = 0; time < 2; time += 1) {
      const { data } = await hashing.query<Data>({ query, fetchPolicy: "network-only" });
      expect(data.cities.nodes).toHaveLength(1);
    }
    const sent = fixture.requests.slice(before).map((body) => JSON.parse(body) as Record<string, unknown>);
    // Its hash, which the service does not know; its text; its hash.
    expect(sent.map((body) => "query" in body)).toEqual([false, true, false]);
    hashing.stop();
  });

  it("warns of nothing in all of this", () => {
    expect([...warn.mock.calls, ...error.mock.calls]).toEqual([]);
  });
});
