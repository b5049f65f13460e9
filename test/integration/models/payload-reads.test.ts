import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { withDeadline } from "../../support/deadline.ts";
import { untilWaiting } from "../../support/until-waiting.ts";
import type { ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

let api: ModelsFixture;

beforeAll(async () => {
  api = await createModelsFixture();
});
afterAll(() => api.stop());
beforeEach(async () => {
  await api.query(emptying("city, country, tag, powercrud.task"));
  await api.query("INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE')");
  await api.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude, updated_at)
    SELECT n, 'City ' || n, 'FR', n, 1, 1, '2021-01-01' FROM generate_series(1, 3) n`);
});

const TAGS = "city { id tags { nodes { label } } }";

/** Mutations of city 1 that read tags: in their payload, or for the record that has changed since. */
const SLOW: Readonly<Record<string, string>> = {
  create: `createCity(data: {id: 9, name: "x", countryCode: "FR", population: 1, latitude: 1, longitude: 1}) { ... on CreateCityPayload { ${TAGS} } }`,
  update: `updateCity(id: "1", data: {name: "x"}) { ... on UpdateCityPayload { ${TAGS} } }`,
  upsert: `upsertCity(id: "1", create: {id: 1, name: "x", countryCode: "FR", population: 1, latitude: 1, longitude: 1}, update: {name: "x"}) { ... on UpsertCityPayload { ${TAGS} } }`,
  delete: `deleteCity(id: "1") { ... on DeleteCityPayload { ${TAGS} } }`,
  "stale update": `updateCity(id: "1", data: {name: "x"}, expectedUpdatedAt: "2020-01-01T00:00:00Z") { ... on StaleCityError { current { tags { nodes { label } } } } }`,
};

test.each(Object.keys(SLOW))(
  "a %s whose payload is slow to read blocks neither other writes nor tasks' claims",
  async (name) => {
    const stranger = await api.connect();
    await stranger.query("BEGIN");
    await stranger.query("LOCK TABLE tag IN ACCESS EXCLUSIVE MODE");
    const slow = api.data(`mutation { it: ${SLOW[name]} }`);
    await untilWaiting(api, { kind: "relation" });
    const other = api.data(`mutation { it: updateCity(id: "2", data: {name: "y"}) { __typename } }`);
    expect(await withDeadline(other, 5000, "another write")).toEqual({
      it: { __typename: "UpdateCityPayload" },
    });
    const { release } = await withDeadline(api.hold([{ model: "City", ids: ["3"] }]), 5000, "a claim");
    await release();
    await stranger.query("COMMIT");
    stranger.release();
    expect(Object.keys((await slow).it)).toHaveLength(1);
  },
);

test("a payload is null where another write has deleted the record by the time it is read", async () => {
  const stranger = await api.connect();
  await stranger.query("BEGIN");
  await stranger.query("LOCK TABLE tag IN ACCESS EXCLUSIVE MODE");
  // The read locks all its tables at once.
  const slow = api.data(
    `mutation { it: updateCity(id: "1", data: {name: "x"}) { __typename ... on UpdateCityPayload { ${TAGS} } } }`,
  );
  await untilWaiting(api, { kind: "relation" });
  await api.query("DELETE FROM city WHERE id = 1");
  await stranger.query("COMMIT");
  stranger.release();
  const { it } = await slow;
  expect(it.__typename).toBe("UpdateCityPayload");
  expect([null, "1"]).toContain(it.city?.id ?? null);
});
