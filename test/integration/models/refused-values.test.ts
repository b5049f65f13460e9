import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkFixture } from "./bulk-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

let api: BulkFixture;

beforeAll(async () => {
  api = await createBulkFixture();
});
afterAll(() => api.stop());
beforeEach(async () => {
  await api.query(emptying("city, country"));
  await api.query("INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE')");
  await api.query(
    "INSERT INTO city (id, name, country_code, population, latitude, longitude) VALUES (1, 'Paris', 'FR', 2, 48, 2)",
  );
});

test("a task shows its input as given, without the service's own notes", async () => {
  const records = [{ id: "1", data: { population: 3 } }];
  const { id } = await api.run("bulkUpdateEachCities", { records: ["[CityUpdateEachInput!]!", records] });
  const { task } = await api.data(`query ($id: ID!) { task(id: $id) { input } }`, { id });
  expect(task.input).toEqual({ records });
});

test("a task has a message about its outcome if records failed", async () => {
  const data = ["FR", "XX"].map((countryCode, at) => ({
    id: at + 2,
    name: "x",
    countryCode,
    population: 1,
    latitude: 1,
    longitude: 1,
  }));
  const args = { data: ["[CityBulkCreateInput!]!", data] } as const;
  expect(await api.run("bulkCreateCities", args, { errorPolicy: "SKIP_FAILED" })).toMatchObject({
    status: "PARTIAL",
    message: "1 of 2 records failed; the other was created.",
  });
});

describe("a record that others refer to", () => {
  test("is refused with the name of their model", async () => {
    const task = await api.run("bulkDeleteCountries", { selection: ["CountrySelection!", { ids: ["FR"] }] });
    expect(task.errors).toMatchObject([
      { recordId: "FR", message: "It is still referred to by records of City." },
    ]);
  });
});
