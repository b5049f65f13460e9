import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { codeBlocks } from "../../support/markdown-code.ts";
import type { BulkFixture } from "./bulk-fixture.ts";
import type { Answer } from "./models-fixture.ts";
import { DRY, previewOf } from "./preview-of.ts";
import type { PreviewWorld } from "./preview-world.ts";
import { COUNT, createPreviewWorld, ids, TAG } from "./preview-world.ts";

/** What a summary must be, computed one by one from the values of all records before and after. */
function summaryOf(field: string, before: readonly unknown[], after: readonly unknown[]): Answer {
  const text = (value: unknown): string => JSON.stringify(value);
  const changed = after.filter((value, at) => text(value) !== text(before[at]));
  const counts = new Map<string, number>();
  changed.forEach((value) => counts.set(text(value), (counts.get(text(value)) ?? 0) + 1));
  const figures = (values: readonly unknown[]): Answer => {
    const numbers = values.filter((value) => value !== null).map(Number);
    const sum = numbers.reduce((one, other) => one + other, 0);
    return { min: Math.min(...numbers), max: Math.max(...numbers), sum: String(sum) };
  };
  const isNumber = [...before, ...after].some((value) => typeof value === "number");
  return {
    field,
    changed: changed.length,
    valueCount: counts.size,
    values: [...counts]
      .toSorted(([a, n], [b, m]) => m - n || Number(a) - Number(b))
      .slice(0, 10)
      .map(([value, count]) => ({ value: JSON.parse(value) as unknown, count })),
    before: isNumber ? figures(before) : null,
    after: isNumber ? figures(after) : null,
  };
}

describe("the preview of cities", () => {
  let world: PreviewWorld;
  let api: BulkFixture;
  const update: PreviewWorld["update"] = (...asked) => world.update(...asked);

  beforeAll(async () => {
    world = await createPreviewWorld();
    ({ api } = world);
  });
  afterAll(() => api.stop());
  beforeEach(() => world.reset());

  const values = async (column: string): Promise<unknown[]> =>
    (await api.query(`SELECT ${column} AS value FROM city ORDER BY id`)).map(({ value }) => value as unknown);

  test("sums up every field over all records as a plain calculation does, and changes nothing", async () => {
    const data = { population: { increment: 1 }, elevation: { set: 2 }, notes: { set: "b" } };
    const before = await Promise.all(["population", "elevation", "notes"].map(values));
    const tried = await update(data);
    expect(tried).toMatchObject({ status: "PARTIAL", progress: { succeeded: 294, failed: 6 } });
    expect(await Promise.all(["population", "elevation", "notes"].map(values))).toEqual(before);
    const { fields } = await previewOf(api, tried);
    await update(data, { dryRun: false });
    const after = await Promise.all(["population", "elevation", "notes"].map(values));
    const isWritten = (_value: unknown, at: number): boolean => (at + 1) % 50 !== 0;
    expect(fields).toEqual(
      ["population", "elevation", "notes"].map((field, at) =>
        summaryOf(field, before[at]?.filter(isWritten) ?? [], after[at]?.filter(isWritten) ?? []),
      ),
    );
  });

  test("is asked for as docs/preview.md shows", async () => {
    const [mutation = ""] = codeBlocks(await readFile("docs/preview.md", "utf8"), "graphql");
    await api.query("DELETE FROM city WHERE id > 4");
    const { preview } = (await api.data(mutation)).bulkUpdateCities.task;
    expect(preview).toMatchObject({
      fields: [
        {
          field: "population",
          changed: 4,
          before: { min: 1, max: 4, sum: "10" },
          after: { min: 2, max: 8, sum: "20" },
        },
      ],
      records: [{}, {}, {}],
    });
  });

  test("shows a sample spread over the selection, with some that would fail, in any length", async () => {
    const tried = await update({ population: { multiply: 3 } });
    for (const first of [4, 20, 200]) {
      const { records } = await previewOf(api, tried, { first });
      expect(records).toHaveLength(first);
      const failed = records.filter(({ error }: Answer) => error !== null);
      expect(failed.length).toBe(Math.min(6, first / 4));
      for (const { recordId, before, after, error } of failed) {
        expect(Number(recordId) % 50).toBe(0);
        expect([before, after]).toEqual([{ population: 999 }, null]);
        expect(error).toMatchObject({ outcome: "FAILED", code: "CONSTRAINT_VIOLATED" });
      }
      const written = records.filter(({ error }: Answer) => error === null);
      written.forEach(({ recordId, before, after }: Answer) => {
        const population = Number(recordId) % 7;
        expect([before, after]).toEqual([{ population }, { population: population * 3 }]);
      });
      const quarters = new Set(
        written.map(({ recordId }: Answer) => Math.floor((Number(recordId) - 1) / 75)),
      );
      expect(quarters.size).toBe(first === 4 ? 3 : 4);
      const order = written.map(({ recordId }: Answer) => Number(recordId));
      expect(order).toEqual(order.toSorted((a: number, b: number) => a - b));
    }
    expect((await previewOf(api, tried, { first: 0 })).records).toEqual([]);
    await expect(previewOf(api, tried, { first: 201 })).rejects.toThrow(
      "first must be from 0 to 200, not 201.",
    );
  });

  test("shows records that change before others", async () => {
    await api.query("UPDATE city SET notes = 'b' WHERE id NOT IN (7, 150, 299)");
    const tried = await update({ notes: { set: "b" } });
    const { records, fields } = await previewOf(api, tried, { first: 200 });
    expect(fields).toMatchObject([{ field: "notes", changed: 3, values: [{ value: "b", count: 3 }] }]);
    const changed = records.filter(({ before, after }: Answer) => before.notes !== after.notes);
    expect(changed.map(({ recordId }: Answer) => recordId)).toEqual(["7", "150", "299"]);
  });

  test("shows new records with what the database adds, and how the lists of an upsert meet", async () => {
    const fresh = (id: number, name: string): object => ({
      id,
      name,
      countryCode: "FR",
      population: 5,
      latitude: 1,
      longitude: 2,
      tags: [`${TAG}1`],
    });
    const data = [fresh(900, "x"), fresh(901, "y"), { ...fresh(902, "z"), countryCode: "XX" }];
    const created = await previewOf(
      api,
      await api.run("bulkCreateCities", { data: ["[CityBulkCreateInput!]!", data] }, DRY),
    );
    expect(created.records.map(({ recordId, before }: Answer) => [recordId, before])).toEqual(
      expect.arrayContaining([
        ["900", null],
        ["901", null],
        ["902", null],
      ]),
    );
    expect(created.records.find(({ recordId }: Answer) => recordId === "900").after).toEqual({
      name: "x",
      countryCode: "FR",
      population: 5,
      latitude: 1,
      longitude: 2,
      elevation: null,
      notes: null,
      rankInCountry: null,
      populationShare: null,
      tags: [`${TAG}1`],
    });
    expect(created.records.find(({ recordId }: Answer) => recordId === "902")).toMatchObject({
      after: null,
      error: { code: "CONSTRAINT_VIOLATED" },
    });
    const summaryOn = (name: string): Answer => created.fields.find(({ field }: Answer) => field === name);
    expect(summaryOn("population")).toEqual({
      field: "population",
      changed: 2,
      valueCount: 1,
      values: [{ value: 5, count: 2 }],
      before: { min: null, max: null, sum: null },
      after: { min: 5, max: 5, sum: "10" },
    });
    expect(summaryOn("name")).toMatchObject({ changed: 2, valueCount: 2, before: null });
    expect(summaryOn("tags")).toMatchObject({ changed: 2, values: [{ value: [`${TAG}1`], count: 2 }] });

    const records = ["3", "903"].map((id) => ({
      id,
      create: { ...fresh(Number(id), "new"), id: undefined },
      update: { population: 6, tags: { set: [`${TAG}2`] } },
    }));
    const upserted = await previewOf(
      api,
      await api.run("bulkUpsertCities", { records: ["[CityUpsertInput!]!", records] }, DRY),
    );
    expect(upserted.records).toMatchObject([
      { recordId: "3", before: { population: 3, tags: [] }, after: { population: 6, tags: [`${TAG}2`] } },
      { recordId: "903", before: null, after: { name: "new", population: 5, tags: [`${TAG}1`] } },
    ]);
    expect(upserted.fields.find(({ field }: Answer) => field === "population")).toMatchObject({
      changed: 2,
      before: { min: 3, max: 3, sum: "3" },
      after: { min: 5, max: 6, sum: "11" },
    });

    const byKey = [
      { key: { label: "tag 1" }, create: {}, update: { label: "renamed" } },
      { key: { label: "fresh" }, create: {}, update: { label: "never" } },
      { key: { label: "tag 2" }, create: {}, update: { label: "tag 3" } },
    ];
    const named = await previewOf(
      api,
      await api.run("bulkUpsertTags", { records: ["[TagUpsertInput!]!", byKey] }, DRY),
    );
    expect(named.fields).toMatchObject([{ field: "label", changed: 2, valueCount: 2 }]);
    expect(named.records).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          recordId: `${TAG}1`,
          before: { label: "tag 1" },
          after: { label: "renamed" },
        }),
        expect.objectContaining({ before: null, after: { label: "fresh" }, error: null }),
        expect.objectContaining({
          after: null,
          error: expect.objectContaining({ code: "CONSTRAINT_VIOLATED" }) as object,
        }),
      ]),
    );
  });

  test("shows whom a delete would take, and whose links would change", async () => {
    await api.query(`INSERT INTO "_CityToTag" SELECT i, ($1 || 1)::uuid FROM generate_series(1, 10) i`, [
      TAG,
    ]);
    const removed = await api.run(
      "bulkDeleteCities",
      { selection: ["CitySelection!", { ids: ids(1, COUNT) }] },
      DRY,
    );
    const { fields, records } = await previewOf(api, removed);
    expect(fields).toEqual([]);
    expect(records).toHaveLength(20);
    const city = records.find(({ recordId }: Answer) => Number(recordId) % 50 !== 0);
    expect(city).toMatchObject({
      before: { name: `City ${city.recordId}`, countryCode: "FR" },
      after: null,
      error: null,
    });

    const linked = await previewOf(api, await update({ tags: { add: [`${TAG}1`, `${TAG}2`] } }));
    expect(linked.fields).toEqual([
      {
        field: "tags",
        changed: COUNT,
        valueCount: 1,
        values: [{ value: [`${TAG}1`, `${TAG}2`], count: COUNT }],
        before: null,
        after: null,
      },
    ]);
    expect(linked.records).toHaveLength(20);
    for (const { recordId, before, after } of linked.records) {
      expect(before.tags).toEqual(Number(recordId) <= 10 ? [`${TAG}1`] : []);
      expect(after.tags).toEqual([`${TAG}1`, `${TAG}2`]);
    }
  });

  test("of a run that would change nothing shows what stands in the way; of no records, nothing", async () => {
    const refused = await update({ population: { increment: 1 } }, { errorPolicy: "ALL_OR_NOTHING" });
    expect(refused.status).toBe("FAILED");
    expect(await previewOf(api, refused)).toEqual({
      fields: [],
      records: [
        {
          recordId: "50",
          before: { population: 999 },
          after: null,
          error: {
            outcome: "FAILED",
            code: "CONSTRAINT_VIOLATED",
            message: "It would break the rule small.",
          },
        },
      ],
    });
    const whole = await update({ population: { decrement: 1 } }, { errorPolicy: "ALL_OR_NOTHING" });
    expect(await previewOf(api, whole)).toMatchObject({ fields: [{ changed: COUNT }] });
    const none = await update({ notes: { set: "x" } }, {}, undefined, { where: { id: { gt: 1000 } } });
    expect(await previewOf(api, none)).toEqual({
      fields: [{ field: "notes", changed: 0, valueCount: 0, values: [], before: null, after: null }],
      records: [],
    });
    const real = await update({ notes: { set: "x" } }, { dryRun: false });
    expect(await previewOf(api, real)).toBeNull();
  });

  test("counts once what was tried twice: a paused run is rolled back and begins again", async () => {
    const holder = await api.connect();
    await holder.query("BEGIN");
    await holder.query("SELECT FROM city WHERE id = 290 FOR UPDATE");
    const { it } = await api.data(
      `mutation ($ids: [ID!]!) { it: bulkUpdateCities(selection: {ids: $ids}, data: {population: {decrement: 1}},
        options: {dryRun: true, mode: ASYNC}) { ... on TaskLaunched { task { id } } } }`,
      { ids: ids(1, COUNT) },
    );
    const statusIs = (status: string): Promise<void> =>
      expect
        .poll(async () => (await api.data(`{ task(id: "${it.task.id}") { status } }`)).task.status, {
          timeout: 20_000,
        })
        .toBe(status);
    await statusIs("RUNNING");
    await api.data(`mutation { pauseTask(id: "${it.task.id}") { __typename } }`);
    await holder.query("ROLLBACK");
    holder.release();
    await statusIs("PAUSED");
    await api.data(`mutation { resumeTask(id: "${it.task.id}") { __typename } }`);
    await statusIs("SUCCEEDED");
    expect((await api.data(`{ task(id: "${it.task.id}") { attempt } }`)).task.attempt).toBe(2);
    expect((await previewOf(api, it.task)).fields).toMatchObject([{ field: "population", changed: COUNT }]);
  });

  test("shows what triggers of the database change besides, and no other field", async () => {
    const args = {
      selection: ["CountrySelection!", { ids: ["FR"] }],
      data: ["CountryBulkUpdateInput!", { name: { set: "Gaul" } }],
    } as const;
    expect(await previewOf(api, await api.run("bulkUpdateCountries", args, DRY))).toMatchObject({
      fields: [
        { field: "name", changed: 1, values: [{ value: "Gaul", count: 1 }] },
        { field: "capital", changed: 1, values: [{ value: "of Gaul", count: 1 }] },
      ],
      records: [
        {
          before: { name: "France", capital: null },
          after: { name: "Gaul", capital: "of Gaul" },
          error: null,
        },
      ],
    });
  });
});
