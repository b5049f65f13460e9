import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AccessOption, Viewer } from "../../../src/index.ts";
import { emptying } from "../../support/empty-tables.ts";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkFixture } from "./bulk-fixture.ts";
import type { Answer } from "./models-fixture.ts";
import { DRY, previewOf } from "./preview-of.ts";

const TAG = "0195f8f0-0000-7000-8000-00000000000";
const COUNT = 300;

let api: BulkFixture;
let cities: AccessOption = true;
let tags: AccessOption = true;

beforeAll(async () => {
  api = await createBulkFixture({
    settings: { chunkRecords: 25 },
    // The service reads the catalog at its start.
    sql: `
      CREATE FUNCTION name_capital() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.capital := 'of ' || NEW.name; RETURN NEW; END $$;
      CREATE TRIGGER name_capital BEFORE UPDATE ON country FOR EACH ROW EXECUTE FUNCTION name_capital();`,
    models: {
      City: {
        fields: { status: { isExposed: false } },
        get access() {
          return cities;
        },
      },
      Tag: {
        get access() {
          return tags;
        },
      },
    },
  });
  await api.query("ALTER TABLE city ADD CONSTRAINT small CHECK (population < 1000)");
});
afterAll(() => api.stop());
beforeEach(async () => {
  [cities, tags] = [true, true];
  await api.query(emptying(`country, city, tag, "_CityToTag", powercrud.task`));
  await api.query("INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE')");
  // Every fiftieth city is near the limit.
  await api.query(
    `INSERT INTO city (id, name, country_code, population, latitude, longitude, elevation, notes)
     SELECT i, 'City ' || i, 'FR', CASE WHEN i % 50 = 0 THEN 999 ELSE i % 7 END, 1, 1, nullif(i % 4, 0), 'a' FROM generate_series(1, $1::int) i`,
    [COUNT],
  );
  await api.query(`INSERT INTO tag SELECT ($1 || n)::uuid, 'tag ' || n FROM generate_series(1, 3) n`, [TAG]);
});

const ids = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_none, at) => String(from + at));
const update = (
  data: object,
  options: object = {},
  viewer?: Viewer,
  selection: object = { ids: ids(1, COUNT) },
) =>
  api.run(
    "bulkUpdateCities",
    { selection: ["CitySelection!", selection], data: ["CityBulkUpdateInput!", data] },
    { ...DRY, ...options },
    viewer,
  );

describe("is seen with the viewer's eyes", () => {
  const north = { id: "north" };
  const south = { id: "south" };
  const admin = { id: "admin" };

  beforeEach(async () => {
    await api.query(
      "UPDATE city SET notes = CASE WHEN id % 2 = 0 THEN 'north' ELSE 'south' END, population = 1",
    );
    cities = ({ viewer: { id } }) => (id === "admin" ? true : { notes: { equals: id ?? "" } });
  });

  const seenBy = (task: Answer, viewer: Viewer): Promise<Answer> =>
    previewOf(api, task, { first: 200, viewer });

  test("rows out of the viewer's reach are neither shown nor summed up", async () => {
    const tried = await update({ population: { increment: 1 } }, {}, north);
    const own = await seenBy(tried, north);
    expect(own.fields).toMatchObject([{ changed: 150, before: { sum: "150" }, after: { sum: "300" } }]);
    const out = own.records.filter(({ before }: Answer) => before === null);
    expect(new Set(out.map(({ error }: Answer) => error.code))).toEqual(new Set(["RECORD_MISSING"]));
    expect(await seenBy(tried, admin)).toEqual(own);
    expect(await seenBy(tried, south)).toEqual({ fields: [], records: [] });
    // A row that has left the viewer's reach since, and rights that were taken away.
    await api.query("UPDATE city SET notes = 'south' WHERE id = 2");
    expect((await seenBy(tried, north)).records.map(({ recordId }: Answer) => recordId)).not.toContain("2");
    cities = ({ viewer: { id } }) => (id === "admin" ? true : { id: { gte: 250 } });
    const later = await seenBy(tried, north);
    expect(later.fields).toEqual([]);
    expect(later.records.every(({ recordId }: Answer) => Number(recordId) >= 250)).toBe(true);
    expect(later.records.length).toBeGreaterThan(0);
    cities = false;
    expect(await seenBy(tried, north)).toBeNull();
  });

  test("new records are shown to those with the same filter, as far as it lets them in", async () => {
    cities = {
      read: ({ viewer: { id } }) => (id === "admin" ? true : { notes: { equals: id ?? "" } }),
      create: true,
    };
    const data = ["north", "south"].map((notes, at) => ({
      id: 900 + at,
      name: "x",
      countryCode: "FR",
      population: 1,
      latitude: 1,
      longitude: 1,
      notes,
    }));
    const tried = await api.run("bulkCreateCities", { data: ["[CityBulkCreateInput!]!", data] }, DRY, north);
    const own = await seenBy(tried, north);
    expect(own.records.map(({ recordId }: Answer) => recordId)).toEqual(["900"]);
    expect(own.fields.find(({ field }: Answer) => field === "notes").values).toEqual([
      { value: "north", count: 1 },
    ]);
    expect(await seenBy(tried, south)).toEqual({ fields: [], records: [] });
  });

  test("fields that may not be read, and the other ends of links, are left out", async () => {
    await api.query(`INSERT INTO "_CityToTag" SELECT 2, id FROM tag`);
    cities = { fields: { population: { read: ({ viewer }) => viewer.id === "admin" } } };
    const tried = await update({ population: { increment: 1 }, tags: { remove: [`${TAG}3`] } }, {}, admin, {
      ids: ids(1, 10),
    });
    const whole = await seenBy(tried, admin);
    expect(whole.fields.map(({ field }: Answer) => field)).toEqual(["population", "tags"]);
    expect(JSON.stringify(whole)).not.toContain("ACTIVE");
    tags = ({ viewer: { id } }) => (id === "admin" ? true : { label: { equals: "tag 1" } });
    const part = await seenBy(tried, north);
    expect(part.fields).toEqual([]);
    const two = part.records.find(({ recordId }: Answer) => recordId === "2");
    expect([two.before, two.after]).toEqual([{ tags: [`${TAG}1`] }, { tags: [`${TAG}1`] }]);
    tags = false;
    const none = await seenBy(tried, north);
    expect(new Set(none.records.map(({ before }: Answer) => JSON.stringify(before)))).toEqual(
      new Set(["{}"]),
    );
  });
});
