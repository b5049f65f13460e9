import { afterAll, beforeAll, expect, test } from "vitest";
import type { Viewer } from "../../../src/index.ts";
import type { ServiceFixture } from "./service-fixture.ts";
import { createServiceFixture } from "./service-fixture.ts";

const EVEN: Viewer = { id: "eve", claims: { tenant: "even" } };
const ODD: Viewer = { id: "odo", claims: { tenant: "odd" } };
const TWENTY = Array.from({ length: 20 }, (_, at) => at + 1);

let service: ServiceFixture;

/** Two tenants: one has the cities north of the equator, one those south of it. */
beforeAll(async () => {
  service = await createServiceFixture({
    City: {
      access: ({ viewer: { claims } }) => ({
        latitude: claims?.["tenant"] === "even" ? { gt: 0 } : { lt: 0 },
      }),
      // option: models.lockScope
      lockScope: ({ claims }) => claims?.["tenant"] as string | undefined,
    },
  });
  await service.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude)
    SELECT i, 'City ' || i, 'FR', 0, 0, 0 FROM generate_series(13, 20) i`);
  await service.query(`UPDATE city SET latitude = CASE WHEN id % 2 = 0 THEN 1 ELSE -1 END`);
});
afterAll(() => service.stop());

test("one tenant's lock on its whole model neither blocks another tenant nor is visible to it", async () => {
  const { task } = await service.note(TWENTY, "held", {}, EVEN);
  const write = (id: number, latitude: number): string => `mutation {
    update: updateCity(id: "${id}", data: {population: 1}) { __typename }
    create: createCity(data: {id: ${100 + id}, name: "New", countryCode: "FR", population: 1, latitude: ${latitude}, longitude: 0}) { __typename } }`;
  expect(await service.data(write(1, -1), {}, ODD)).toEqual({
    update: { __typename: "UpdateCityPayload" },
    create: { __typename: "CreateCityPayload" },
  });
  expect(await service.data(write(2, 1), {}, EVEN)).toEqual({
    update: { __typename: "ConflictError" },
    create: { __typename: "ConflictError" },
  });
  const look = `{ recordLocks(model: City, ids: ["2", "1"]) { recordId heldBy { id } } cities(first: 2) { nodes { activeTask { id } } } }`;
  expect(await service.data(look, {}, EVEN)).toEqual({
    recordLocks: [{ recordId: "2", heldBy: { id: task.id } }],
    cities: { nodes: [{ activeTask: { id: task.id } }, { activeTask: { id: task.id } }] },
  });
  expect(await service.data(look, {}, ODD)).toEqual({
    recordLocks: [],
    cities: { nodes: [{ activeTask: null }, { activeTask: null }] },
  });
});
