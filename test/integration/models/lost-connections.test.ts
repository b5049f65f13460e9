import { insertCities } from "../../support/insert-cities.ts";
import { setImmediate as turn } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { untilWaiting } from "../../support/until-waiting.ts";
import type { ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";

/** Ends the API's connections; the fixture's own are named "test". */
const END_CONNECTIONS = `
  SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND application_name <> 'test' AND backend_type = 'client backend'`;
const UPDATE = `mutation ($id: ID!) { updateCity(id: $id, data: { notes: "n" }) {
  __typename ... on Error { code message } } }`;
const READ = `{ cities(first: 2) { nodes { id } } }`;

let api: ModelsFixture;

beforeAll(async () => {
  api = await createModelsFixture();
  await insertCities(api, 20);
});
afterAll(() => api.stop());

describe("a connection that ends", () => {
  test("under a waiting write refuses it as data", async () => {
    const stranger = await api.connect();
    await stranger.query("BEGIN");
    await stranger.query("SELECT FROM city WHERE id = 1 FOR UPDATE");
    const writing = api.data(UPDATE, { id: "1" });
    await untilWaiting(api, { kind: "transactionid" });
    await api.query(END_CONNECTIONS);
    expect(await writing).toEqual({
      updateCity: {
        __typename: "UnavailableError",
        code: "UNAVAILABLE",
        message: "The database cannot be reached.",
      },
    });
    await stranger.query("ROLLBACK");
    stranger.release();
  });

  test("at any moment gives refusals of writes and coded errors of reads, and nothing unexpected", async () => {
    const codes = new Set<unknown>();
    const ending = new AbortController();
    const note = async (source: string, variables: Record<string, unknown>): Promise<void> => {
      const { data, errors } = await api.execute(source, variables);
      const update = (data as { updateCity?: { code?: string } } | undefined | null)?.updateCity;
      codes.add(errors?.[0]?.extensions["code"] ?? update?.code ?? "DONE");
    };
    const user = async (number: number): Promise<void> => {
      while (!ending.signal.aborted) {
        await note(number % 3 === 0 ? READ : UPDATE, number % 3 === 0 ? {} : { id: String(number + 1) });
      }
    };
    const users = Array.from({ length: 9 }, (_, number) => user(number));
    for (let rounds = 0; rounds < 60; rounds += 1) {
      await api.query(END_CONNECTIONS);
      for (let turns = 0; turns < rounds; turns += 1) {
        await turn();
      }
    }
    ending.abort();
    await Promise.all(users);
    expect(codes).toEqual(new Set(["DONE", "UNAVAILABLE"]));
  });
});
