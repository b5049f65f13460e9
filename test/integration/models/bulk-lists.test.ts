import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { codeBlocks } from "../../support/markdown-code.ts";
import type { BulkCities } from "./bulk-cities.ts";
import { BLUE, ELSEWHERE, GREEN, RED, SKIP_FAILED, createBulkCities, ids, newCity } from "./bulk-cities.ts";

let world: BulkCities;

beforeAll(async () => {
  world = await createBulkCities();
});
afterAll(() => world.api.stop());
beforeEach(() => world.reset());

describe("bulk update each", () => {
  test("gives each record its own values and links", async () => {
    const records = ids(1, 30).map((id, at) => ({
      id,
      data:
        at % 2 === 0
          ? { population: at * 10, tags: { add: [BLUE] } }
          : { notes: null, status: "ARCHIVED", tags: { set: [GREEN] } },
    }));
    expect(await world.updateEach(records)).toMatchObject({
      kind: "bulkUpdateEach",
      status: "SUCCEEDED",
      progress: { total: 30, succeeded: 30 },
    });
    expect(await world.cities("id IN (1, 2, 29, 31)")).toMatchObject([
      { population: 0, notes: "note", status: "ACTIVE", tags: ["blue", "red"], touched: true },
      { population: 2, notes: null, status: "ARCHIVED", tags: ["green"] },
      { population: 280, tags: ["blue"] },
      { population: 31, touched: false },
    ]);
  });

  test("skips records that changed since they were read, and reports their indexes", async () => {
    await world.api.query("UPDATE city SET updated_at = '2021-02-02' WHERE id = 2");
    const expectedUpdatedAt = (await world.api.data(`{ city(id: "1") { updatedAt } }`)).city.updatedAt;
    const records = ids(1, 25).map((id) => ({ id, data: { name: "seen" }, expectedUpdatedAt }));
    const task = await world.updateEach([...records, { id: "999", data: { name: "seen" } }]);
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 24, failed: 1, skipped: 1 } });
    expect(task.errors).toMatchObject([
      { recordId: "2", index: 1, code: "STALE_RECORD", outcome: "FAILED" },
      { recordId: "999", index: 25, code: "RECORD_MISSING", outcome: "SKIPPED" },
    ]);
    expect(await world.cities("id < 3")).toMatchObject([{ name: "seen" }, { name: "City 2" }]);
  });

  test.each([
    [{ id: "1", data: {} }, "records.1.data", "names no field"],
    [{ id: "1", data: { name: null } }, "records.1.data.name", "cannot be null"],
    [{ id: "1", data: { tags: null } }, "records.1.data.tags", "cannot be null"],
    [{ id: "1", data: { tags: { add: ["x"] } } }, "records.1.data.tags", '"x" is not an id of Tag'],
    [
      { id: "1", data: { name: "x" }, expectedUpdatedAt: null },
      "records.1.expectedUpdatedAt",
      "cannot be null",
    ],
    [{ id: "x", data: { name: "x" } }, "records.1.id", '"x" is not an id of City'],
    [{ id: "09", data: { name: "x" } }, "records.1.id", "City 9 is in records.0 already"],
  ])("is refused for %j, with its index", async (record, field, message) => {
    const refused = await world.updateEach([{ id: "9", data: { name: "nine" } }, record]);
    expect(refused).toMatchObject({ __typename: "ValidationError", problems: [{ field }] });
    expect(refused.message).toContain(message);
    expect(await world.cities("id = 9")).toMatchObject([{ name: "City 9" }]);
  });
});

describe("the README's list of records", () => {
  test("is accepted, and changes the named records", async () => {
    const blocks = codeBlocks(await readFile("README.md", "utf8"), "graphql");
    const source = blocks.find((block) => block.startsWith("mutation Correct")) ?? "";
    await world.api.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude, notes)
      SELECT id, 'x', 'DE', 1, 1, 1, 'note' FROM unnest(ARRAY[2988507, 2950159]) AS id`);
    const { bulkUpdateEachCities } = await world.api.data(source);
    expect(bulkUpdateEachCities.task).toEqual({
      status: "SUCCEEDED",
      progress: { succeeded: 2, failed: 0 },
      errors: { nodes: [] },
    });
    expect(await world.cities("c.id > 100")).toMatchObject([
      { id: 2950159, notes: null, status: "ARCHIVED" },
      { id: 2988507, population: 2102650, notes: "note" },
    ]);
  });
});

describe("bulk create", () => {
  test("writes records with their links, and with defaults for omitted fields", async () => {
    const data = ids(101, 130).map((id, at) =>
      newCity(Number(id), at % 2 === 0 ? { tags: [RED, BLUE] } : { status: "ARCHIVED", elevation: null }),
    );
    expect(await world.createCities(data)).toMatchObject({
      kind: "bulkCreate",
      status: "SUCCEEDED",
      progress: { total: 30, succeeded: 30 },
    });
    expect(await world.cities("id IN (101, 102)")).toMatchObject([
      { name: "New 101", status: "ACTIVE", tags: ["blue", "red"], touched: true },
      { name: "New 102", status: "ARCHIVED", tags: [], notes: null },
    ]);
  });

  test("generates omitted keys, and reports failed records with key and index", async () => {
    const data = [...ids(1, 25).map((label) => ({ label })), { label: "red" }, { label: "7" }];
    const task = await world.api.run(
      "bulkCreateTags",
      { data: ["[TagBulkCreateInput!]!", data] },
      SKIP_FAILED,
    );
    expect(task).toMatchObject({ status: "PARTIAL", progress: { succeeded: 25, failed: 2 } });
    expect(task.errors).toMatchObject([
      { index: expect.any(Number), field: "label", code: "CONSTRAINT_VIOLATED" },
      { index: expect.any(Number), field: "label", recordId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    ]);
    const at = task.errors.map(({ index }: { index: number }) => index);
    expect(at).toContain(25);
    expect([6, 26]).toContain(at.find((index: number) => index !== 25));
    expect(await world.api.query("SELECT count(*)::int AS n FROM tag")).toEqual([{ n: 28 }]);
  });

  test("is all or nothing by default", async () => {
    const data = [...ids(101, 125).map((id) => newCity(Number(id))), newCity(3)];
    const task = await world.createCities(data, {});
    expect(task).toMatchObject({ status: "FAILED", progress: { succeeded: 0, failed: 1 } });
    expect(task.errors).toMatchObject([{ recordId: "3", index: 25, field: "id" }]);
    expect(await world.cities("id > 100")).toEqual([]);
  });

  test.each([
    [newCity(9, { name: "\u0000" }), "data.1.name", "NUL"],
    [newCity(9, { tags: ["x"] }), "data.1.tags", '"x" is not an id of Tag'],
    [newCity(9, { tags: null }), "data.1.tags", "cannot be null"],
    [newCity(9, { status: null }), "data.1.status", "cannot be null"],
    [newCity(101), "data.1", "City 101 is in data.0 too"],
  ])("is refused for %j, with its index", async (record, field, message) => {
    const refused = await world.createCities([newCity(101), record]);
    expect(refused).toMatchObject({ __typename: "ValidationError", problems: [{ field }] });
    expect(refused.message).toContain(message);
    expect(await world.cities("id > 100")).toEqual([]);
  });

  test("is refused for an impossible key, with its index", async () => {
    const country = (code: string): object => ({ code, name: "x", continent: "EUROPE" });
    const data = [country("IT"), country("")];
    expect(
      await world.api.run("bulkCreateCountries", { data: ["[CountryBulkCreateInput!]!", data] }),
    ).toMatchObject({
      __typename: "ValidationError",
      problems: [
        { field: "data.1.code", message: "data.1.code: Country.code cannot be empty: it is the key." },
      ],
    });
  });
});

describe("bulk upsert", () => {
  test("changes existing records, and creates the others", async () => {
    const records = ids(36, 65).map((id) => ({
      id,
      create: newCity(Number(id), { tags: [GREEN] }),
      update: { name: "changed", tags: { add: [BLUE] } },
    }));
    expect(await world.upsertCities(records)).toMatchObject({
      kind: "bulkUpsert",
      status: "SUCCEEDED",
      progress: { total: 30, succeeded: 30 },
    });
    expect(await world.cities("id IN (36, 50, 51, 65)")).toMatchObject([
      { name: "changed", country_code: "FR", tags: ["blue"] },
      { name: "changed", population: 50, tags: ["blue"] },
      { name: "New 51", country_code: "DE", tags: ["green"] },
      { name: "New 65" },
    ]);
  });

  test("takes the key from the id, and changes nothing if the update is empty", async () => {
    const records = [
      { id: RED.toUpperCase(), create: { label: "x" }, update: {} },
      { id: ELSEWHERE, create: { label: "new" }, update: {} },
    ];
    expect(await world.api.run("bulkUpsertTags", { records: ["[TagUpsertInput!]!", records] })).toMatchObject(
      {
        status: "SUCCEEDED",
        progress: { succeeded: 2 },
      },
    );
    expect(
      await world.api.query("SELECT label FROM tag WHERE id = ANY ($1) ORDER BY label DESC", [
        [RED, ELSEWHERE],
      ]),
    ).toEqual([{ label: "red" }, { label: "new" }]);
  });

  test.each([
    [
      { id: "8", create: newCity(9), update: {} },
      "records.1.create.id",
      "is not what id says. Leave it out, or give what id says.",
    ],
    [{ id: "60", create: newCity(60), update: {} }, "records.1.id", "City 60 is in records.0 already"],
  ])("is refused for %j, with its index", async (record, field, message) => {
    const refused = await world.upsertCities([{ id: "60", create: newCity(60), update: {} }, record]);
    expect(refused).toMatchObject({ __typename: "ValidationError", problems: [{ field }] });
    expect(refused.message).toContain(message);
    expect(await world.cities("id = 60")).toEqual([]);
  });
});

describe("links with missing records", () => {
  const nowhere = { tags: { add: [RED, ELSEWHERE] } };
  test.each([
    ["create", () => world.createCities([newCity(101), newCity(102, { tags: [ELSEWHERE] })]), "data.1.tags"],
    [
      "update each",
      () =>
        world.updateEach([
          { id: "1", data: { name: "x" } },
          { id: "2", data: nowhere },
        ]),
      "records.1.data.tags",
    ],
    [
      "upsert",
      () => world.upsertCities([{ id: "101", create: newCity(101), update: nowhere }]),
      "records.0.update.tags",
    ],
  ])("are refused before any write, with the index of the first: %s", async (_name, launch, field) => {
    expect(await launch()).toMatchObject({
      __typename: "ValidationError",
      problems: [{ field, code: "CONSTRAINT_VIOLATED", message: `${field}: there is no Tag ${ELSEWHERE}.` }],
    });
    expect(await world.cities("c.id > 100 OR name = 'x'")).toEqual([]);
  });

  test("are named ten at a time", async () => {
    const tags = Array.from({ length: 50 }, (_, at) => `0195f8f0-0000-7000-8000-0000000001${10 + at}`);
    const { problems } = await world.createCities([newCity(101, { tags })]);
    expect(problems).toHaveLength(10);
  });
});
