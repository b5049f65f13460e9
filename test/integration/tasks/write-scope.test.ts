import { afterAll, beforeAll, expect, test } from "vitest";
import { runBulk } from "./run-bulk.ts";
import type { ServiceFixture } from "./service-fixture.ts";
import { createServiceFixture } from "./service-fixture.ts";

let service: ServiceFixture;

beforeAll(async () => {
  service = await createServiceFixture({
    Country: {
      access: ({ viewer }) => (viewer.id === "french" ? { code: { equals: "FR" } } : true),
    },
  });
  await service.startWorker();
  await service.query("INSERT INTO country (code, name, continent) VALUES ('DE', 'Germany', 'EUROPE')");
});
afterAll(() => service.stop());

test("no bulk write can refer to records out of the viewer's scope", async () => {
  const french = { id: "french" };
  const outside = {
    outcome: "FAILED",
    code: "CONSTRAINT_VIOLATED",
    field: "countryCode",
    message: "countryCode: there is no record of that key to refer to.",
  };
  const moved = await runBulk(service, {
    operation: "UPDATE",
    viewer: french,
    selection: { ids: ["1", "2"] },
    change: { countryCode: { set: "DE" } },
  });
  expect(moved).toMatchObject({ status: "FAILED", progress: { failed: 2 } });
  expect(moved.errors).toMatchObject([outside, outside]);
  const record = (id: number, countryCode: string): object => ({
    id,
    name: "New",
    countryCode,
    population: 1,
    latitude: 0,
    longitude: 0,
  });
  const created = await runBulk(service, {
    operation: "CREATE",
    viewer: french,
    records: [record(70, "FR"), record(71, "DE")] as never,
  });
  expect(created.errors).toMatchObject([{ ...outside, recordId: "71", index: 1 }]);
  expect(
    await service.query("SELECT id, country_code FROM city WHERE id IN (1, 70, 71) ORDER BY id"),
  ).toEqual([
    { id: 1, country_code: "FR" },
    { id: 70, country_code: "FR" },
  ]);
  // References that the write does not name are not checked.
  await service.query("UPDATE city SET country_code = 'DE' WHERE id = 3");
  const letBe = await runBulk(service, {
    operation: "UPDATE",
    viewer: french,
    selection: { ids: ["3"] },
    change: { notes: { set: "still German" } },
  });
  expect(letBe).toMatchObject({ status: "SUCCEEDED" });
});
