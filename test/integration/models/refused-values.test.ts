import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkFixture } from "./bulk-fixture.ts";

let api: BulkFixture;

beforeAll(async () => {
  api = await createBulkFixture();
});
afterAll(() => api.stop());
beforeEach(async () => {
  await api.query("TRUNCATE city, country CASCADE");
  await api.query("INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE')");
  await api.query(
    "INSERT INTO city (id, name, country_code, population, latitude, longitude) VALUES (1, 'Paris', 'FR', 2, 48, 2)",
  );
});

describe("a record that others refer to", () => {
  test("is refused with the name of their model", async () => {
    const task = await api.run("bulkDeleteCountries", { selection: ["CountrySelection!", { ids: ["FR"] }] });
    expect(task.errors).toMatchObject([
      { recordId: "FR", message: "It is still referred to by records of City." },
    ]);
  });
});
