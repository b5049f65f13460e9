import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Viewer } from "../../../src/index.ts";
import type { BulkFixture } from "./bulk-fixture.ts";
import type { Answer } from "./models-fixture.ts";
import { DRY, previewOf } from "./preview-of.ts";
import type { PreviewWorld } from "./preview-world.ts";
import { createPreviewWorld, ids, TAG } from "./preview-world.ts";

let world: PreviewWorld;
let api: BulkFixture;
const update: PreviewWorld["update"] = (...asked) => world.update(...asked);

beforeAll(async () => {
  world = await createPreviewWorld();
  ({ api } = world);
});
afterAll(() => api.stop());
beforeEach(() => world.reset());

describe("is seen with the viewer's eyes", () => {
  const north = { id: "north" };
  const south = { id: "south" };
  const admin = { id: "admin" };

  beforeEach(async () => {
    await api.query(
      "UPDATE city SET notes = CASE WHEN id % 2 = 0 THEN 'north' ELSE 'south' END, population = 1",
    );
    world.cities = ({ viewer: { id } }) => (id === "admin" ? true : { notes: { equals: id ?? "" } });
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
    world.cities = ({ viewer: { id } }) => (id === "admin" ? true : { id: { gte: 250 } });
    const later = await seenBy(tried, north);
    expect(later.fields).toEqual([]);
    expect(later.records.every(({ recordId }: Answer) => Number(recordId) >= 250)).toBe(true);
    expect(later.records.length).toBeGreaterThan(0);
    world.cities = false;
    expect(await seenBy(tried, north)).toBeNull();
  });

  test("new records are shown to those with the same filter, as far as it lets them in", async () => {
    world.cities = {
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
    world.cities = { fields: { population: { read: ({ viewer }) => viewer.id === "admin" } } };
    const tried = await update({ population: { increment: 1 }, tags: { remove: [`${TAG}3`] } }, {}, admin, {
      ids: ids(1, 10),
    });
    const whole = await seenBy(tried, admin);
    expect(whole.fields.map(({ field }: Answer) => field)).toEqual(["population", "tags"]);
    expect(JSON.stringify(whole)).not.toContain("ACTIVE");
    world.tags = ({ viewer: { id } }) => (id === "admin" ? true : { label: { equals: "tag 1" } });
    const part = await seenBy(tried, north);
    expect(part.fields).toEqual([]);
    const two = part.records.find(({ recordId }: Answer) => recordId === "2");
    expect([two.before, two.after]).toEqual([{ tags: [`${TAG}1`] }, { tags: [`${TAG}1`] }]);
    world.tags = false;
    const none = await seenBy(tried, north);
    expect(new Set(none.records.map(({ before }: Answer) => JSON.stringify(before)))).toEqual(
      new Set(["{}"]),
    );
  });
});
