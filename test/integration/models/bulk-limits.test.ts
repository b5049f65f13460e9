import { insertCities } from "../../support/insert-cities.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkFixture } from "./bulk-fixture.ts";
import type { BulkCities } from "./bulk-cities.ts";
import { MAX_RECORDS, SKIP_FAILED, createBulkCities, ids, newCity } from "./bulk-cities.ts";
import type { Answer } from "./models-fixture.ts";

let world: BulkCities;

beforeAll(async () => {
  world = await createBulkCities();
});
afterAll(() => world.api.stop());
beforeEach(() => world.reset());

describe("lists and selections", () => {
  const none = { name: "x" };
  test.each([
    ["no records", () => world.createCities([]), "ValidationError", "Give at least one", "data"],
    ["no records", () => world.updateEach([]), "ValidationError", "Give at least one", "records"],
    [
      "no ids",
      () => world.updateCities({ ids: [] }, { name: { set: "x" } }),
      "ValidationError",
      "holds no ids",
      "selection",
    ],
    [
      "malformed ids",
      () => world.updateCities({ ids: ["x"] }, { name: { set: "x" } }),
      "ValidationError",
      '"x" is not an id',
      "selection.ids",
    ],
    [
      "a filter without measure",
      () =>
        world.updateCities(
          { where: { OR: ids(1, 2000).map((id) => ({ id: { equals: Number(id) } })) } },
          { name: { set: "x" } },
          { maxAffected: 5 },
        ),
      "ValidationError",
      "it has 2000 conditions, where at most 1000 are allowed",
      "selection.where",
    ],
  ])("of %s are refused", async (_name, launch, type, message, field) => {
    const refused = await launch();
    expect(refused).toMatchObject({ __typename: type, problems: [{ field }] });
    expect(refused.message).toContain(message);
  });

  test.each([
    {},
    { country: { is: {} } },
    { tags: { every: {} } },
    { name: { contains: "" } },
    { id: { notIn: [] } },
    { OR: [{ id: { equals: 1 } }, {}] },
    { name: { gte: "" } },
    { id: { gte: -2147483648 } },
    { NOT: { id: { lt: -2147483648 } } },
    { OR: [{ id: { lt: 5 } }, { id: { gte: 5 } }] },
  ])("of everything are refused if only by omission: %j", async (where) => {
    expect(await world.updateCities({ where }, { name: { set: "x" } })).toMatchObject({
      __typename: "ValidationError",
      message: expect.stringContaining("The filter asks nothing of a record, so it means every City."),
      problems: [{ field: "options.maxAffected" }],
    });
  });

  test.each([
    ["created", () => world.createCities(ids(1, MAX_RECORDS + 1).map(() => ({ ...newCity(1), tags: null })))],
    ["updated", () => world.updateEach(ids(1, MAX_RECORDS + 1).map((id) => ({ id, data: { tags: null } })))],
    [
      "upserted",
      () =>
        world.upsertCities(
          ids(1, MAX_RECORDS + 1).map((id) => ({ id, create: { ...newCity(1), tags: null }, update: none })),
        ),
    ],
    [
      "selected",
      () =>
        world.updateCities({ ids: ids(1, MAX_RECORDS + 1).map((id) => `x${id}`) }, { name: { set: "x" } }),
    ],
  ])("longer than the service allows are refused before they are checked: %s", async (_name, launch) => {
    expect(await launch()).toMatchObject({
      __typename: "LimitError",
      code: "LIMIT_EXCEEDED",
      limit: MAX_RECORDS,
      matched: MAX_RECORDS + 1,
    });
  });

  test("longer than maxAffected are refused", async () => {
    const options = { maxAffected: 1 };
    expect(
      await world.updateEach(
        [
          { id: "1", data: none },
          { id: "2", data: none },
        ],
        options,
      ),
    ).toMatchObject({
      __typename: "LimitError",
      limit: 1,
      matched: 2,
    });
  });

  test("never reach or reveal records out of the caller's scope", async () => {
    await world.api.query("UPDATE city SET latitude = -1 WHERE id <= 5");
    const north = { id: "n", claims: { north: true } };
    const records = ids(1, 25).map((id) => ({ id, data: none }));
    const task = await world.api.run(
      "bulkUpdateEachCities",
      { records: ["[CityUpdateEachInput!]!", [...records, { id: "999", data: none }]] },
      SKIP_FAILED,
      north,
    );
    expect(task).toMatchObject({ progress: { succeeded: 20, skipped: 6 } });
    // Records out of scope and missing ones give the same errors.
    const errors = task.errors.map(({ code, message }: Answer) => `${code} ${message}`);
    expect(new Set(errors).size).toBe(1);
    expect(await world.cities("name = 'x' AND latitude < 0")).toEqual([]);
  });
});

describe("new records of a caller with a scope", () => {
  const north = { id: "n", claims: { north: true } };
  const south = { latitude: -5 };

  test("are created only within it, by create and upsert", async () => {
    const data = [newCity(101), newCity(102, south), newCity(103)];
    const created = await world.api.run(
      "bulkCreateCities",
      { data: ["[CityBulkCreateInput!]!", data] },
      SKIP_FAILED,
      north,
    );
    expect(created).toMatchObject({ status: "PARTIAL", progress: { succeeded: 2, failed: 1 } });
    expect(created.errors).toMatchObject([{ recordId: "102", index: 1, outcome: "FAILED" }]);
    const records = ids(103, 106).map((id) => ({
      id,
      create: newCity(Number(id), id === "105" ? south : {}),
      update: { name: "changed" },
    }));
    const upserted = await world.api.run(
      "bulkUpsertCities",
      { records: ["[CityUpsertInput!]!", records] },
      SKIP_FAILED,
      north,
    );
    expect(upserted).toMatchObject({ status: "PARTIAL", progress: { succeeded: 3, failed: 1 } });
    expect(upserted.errors).toMatchObject([{ recordId: "105", index: 2 }]);
    expect(await world.cities("c.id > 100")).toMatchObject([
      { id: 101, name: "New 101" },
      { id: 103, name: "changed" },
      { id: 104, name: "New 104" },
      { id: 106 },
    ]);
  });

  test("cannot replace a record out of it", async () => {
    await world.api.query("UPDATE city SET latitude = -1 WHERE id = 5");
    const records = [{ id: "5", create: newCity(5), update: { name: "mine" } }];
    const task = await world.api.run(
      "bulkUpsertCities",
      { records: ["[CityUpsertInput!]!", records] },
      SKIP_FAILED,
      north,
    );
    expect(task.progress).toMatchObject({ succeeded: 0 });
    expect(await world.cities("c.id = 5")).toMatchObject([{ name: "City 5" }]);
  });
});

describe("a worker that allows less than the API did", () => {
  let apart: BulkFixture;

  beforeAll(async () => {
    apart = await createBulkFixture({
      models: {},
      workerModels: { City: { fields: { name: { isBulkWritable: false } } } },
    });
    await insertCities(apart, 3);
  });
  afterAll(() => apart.stop());

  test.each([
    [
      "bulkUpdateCities",
      {
        selection: ["CitySelection!", { ids: ["1", "2"] }],
        data: ["CityBulkUpdateInput!", { name: { set: "x" }, notes: { set: "x" } }],
      },
    ],
    [
      "bulkUpdateEachCities",
      {
        records: [
          "[CityUpdateEachInput!]!",
          [
            { id: "1", data: { notes: "x" } },
            { id: "2", data: { name: "x" } },
          ],
        ],
      },
    ],
    [
      "bulkUpsertCities",
      { records: ["[CityUpsertInput!]!", [{ id: "9", create: newCity(9), update: { name: "x" } }]] },
    ],
  ] as const)("fails the task of %s, and no record is written", async (mutation, args) => {
    expect(await apart.run(mutation, args, SKIP_FAILED)).toMatchObject({
      status: "FAILED",
      message: expect.stringContaining("City.name cannot be changed in bulk."),
      progress: { succeeded: 0 },
    });
    expect(await apart.query("SELECT id FROM city WHERE name = 'x' OR notes = 'x' OR id > 3")).toEqual([]);
  });
});
