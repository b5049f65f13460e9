import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Viewer } from "../../../src/core/access/viewer.ts";
import { codeBlocks } from "../../support/markdown-code.ts";
import type { Answer, ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";
import { insertSampleRecords } from "./sample-records.ts";

let api: ModelsFixture;

beforeAll(async () => {
  api = await createModelsFixture({
    modelOptions: {
      City: {
        search: ["name"],
        scope: ({ id }) => (id === "limited" ? { status: { equals: "ACTIVE" } } : undefined),
        fields: {
          longitude: { isExposed: false },
          rankInCountry: { isFilterable: false },
          populationShare: { isSortable: false },
        },
      },
      Country: { scope: ({ id }) => (id === "limited" ? { code: { not: "A1" } } : undefined) },
    },
  });
  await insertSampleRecords(api);
});
afterAll(() => api.stop());

const LIMITED: Viewer = { id: "limited" };

/** One row of a statement, with numbers and texts. */
async function row(sql: string): Promise<Answer> {
  return (await api.query(sql))[0];
}

async function refusal(field: string): Promise<string> {
  const { code, message } = await api.refused(`{ ${field} }`);
  expect(code).toBe("VALIDATION_FAILED");
  return message;
}

describe("ids", () => {
  test("narrow a list to these records, in the list's order, within filter and scope", async () => {
    const list = async (args: string, viewer?: Viewer): Promise<Answer> =>
      (await api.data(`{ cities(${args}) { totalCount nodes { id } } }`, {}, viewer)).cities;
    expect(await list(`ids: ["4", "999", "3", "4", "007"]`)).toEqual({
      totalCount: 3,
      nodes: [{ id: "3" }, { id: "4" }, { id: "7" }],
    });
    expect(await list(`ids: ["4", "3"], orderBy: [{id: DESC}], first: 1`)).toEqual({
      totalCount: 2,
      nodes: [{ id: "4" }],
    });
    expect(await list(`ids: ["4", "3"], where: {id: {lt: 4}}`)).toMatchObject({ nodes: [{ id: "3" }] });
    expect(await list(`ids: ["4", "3"]`, LIMITED)).toEqual({ totalCount: 1, nodes: [{ id: "4" }] });
    expect(await list(`ids: []`)).toEqual({ totalCount: 0, nodes: [] });
    expect(await list(`ids: null, first: 1`)).toMatchObject({ totalCount: 300 });
  });

  test("do the same on nested lists, and in one statement for all records", async () => {
    api.sql.length = 0;
    const { countries } = await api.data(
      `{ countries(ids: ["A1", "B0"]) { nodes { code cities(ids: ["1", "31", "10", "2"]) { totalCount nodes { id } } } } }`,
    );
    expect(countries.nodes).toEqual([
      { code: "A1", cities: { totalCount: 2, nodes: [{ id: "1" }, { id: "31" }] } },
      { code: "B0", cities: { totalCount: 1, nodes: [{ id: "10" }] } },
    ]);
    expect(api.sql).toHaveLength(1);
  });

  test("that are malformed, or too many, are refused", async () => {
    expect(await refusal(`cities(ids: ["1", "x"]) { totalCount }`)).toBe(
      'ids[1]: "x" is not an id of City: expected the text of id Int.',
    );
    const many = Array.from({ length: 1_001 }, (_id, at) => `"${at}"`).join(" ");
    expect(await refusal(`cities(ids: [${many}]) { totalCount }`)).toBe(
      "ids must name at most 1000 records, not 1001. Ask for the others by another request.",
    );
  });
});

describe("an aggregate", () => {
  test("has the figures of the records that match, by one statement that computes nothing else", async () => {
    const expected = await row(
      `SELECT count(*)::int, sum(population)::text AS population, avg(elevation)::float8 AS elevation,
              count(DISTINCT elevation)::int AS heights, min(latitude) AS low, max(latitude) AS high
         FROM city WHERE status = 'ACTIVE'`,
    );
    api.sql.length = 0;
    const { figures } = await api.data(
      `{ figures: citiesAggregate(where: {status: {equals: ACTIVE}}) {
           count sum { population } avg { elevation } countDistinct { elevation status } min { latitude } max { latitude } } }`,
    );
    expect(figures).toEqual({
      count: expected.count,
      sum: { population: expected.population },
      avg: { elevation: expected.elevation },
      countDistinct: { elevation: expected.heights, status: 1 },
      min: { latitude: expected.low },
      max: { latitude: expected.high },
    });
    expect(api.sql).toHaveLength(1);
    api.sql.length = 0;
    expect(await api.data(`{ citiesAggregate { ...on CityAggregate { count } } }`)).toEqual({
      citiesAggregate: { count: 300 },
    });
    expect(api.sql.join()).not.toMatch(/sum|avg|min|max|DISTINCT/);
    api.sql.length = 0;
    expect(await api.data(`{ citiesAggregate { __typename } }`)).toEqual({
      citiesAggregate: { __typename: "CityAggregate" },
    });
    expect(api.sql).toEqual([]);
  });

  test("of no records has the count 0 and no other figures", async () => {
    expect(
      await api.data(
        `{ citiesAggregate(ids: []) { count sum { population } avg { latitude } min { updatedAt } countDistinct { name } } }`,
      ),
    ).toEqual({
      citiesAggregate: {
        count: 0,
        sum: { population: null },
        avg: { latitude: null },
        min: { updatedAt: null },
        countDistinct: { name: 0 },
      },
    });
  });

  test("keeps to the viewer's scope, also where its filter looks at related records", async () => {
    const count = async (args: string): Promise<number> =>
      (await api.data(`{ citiesAggregate(${args}) { count } }`, {}, LIMITED)).citiesAggregate.count;
    expect(await count("where: {}")).toBe(150);
    expect(await count(`where: {country: {is: {code: {equals: "A1"}}}}`)).toBe(0);
    const { citiesGroupBy } = await api.data(
      `{ citiesGroupBy(by: [status]) { key { status } count } }`,
      {},
      LIMITED,
    );
    expect(citiesGroupBy).toEqual([{ key: { status: "ACTIVE" }, count: 150 }]);
  });

  test("knows nothing of hidden fields, and nothing to ask of unfilterable and unsortable ones", async () => {
    const fieldsOf = async (type: string): Promise<string[]> => {
      const { __type } = await api.data(
        `{ __type(name: "${type}") { fields { name } inputFields { name } enumValues { name } } }`,
      );
      return (__type.fields ?? __type.inputFields ?? __type.enumValues).map(({ name }: Answer) => name);
    };
    for (const type of ["CityExtremes", "CitySums", "CityAverages", "CityDistinctCounts"]) {
      expect(await fieldsOf(type)).not.toContain("longitude");
      expect(await fieldsOf(type)).toContain("rankInCountry");
    }
    for (const type of ["CityGroupKey", "CityGroupKeyValues", "CitySumsHaving", "CityNumbersOrderBy"]) {
      expect(await fieldsOf(type)).not.toContain("longitude");
    }
    for (const type of ["CityGroupKey", "CityGroupKeyValues", "CitySumsHaving"]) {
      expect(await fieldsOf(type)).not.toContain("rankInCountry");
      expect(await fieldsOf(type)).toContain("populationShare");
    }
    expect(await fieldsOf("CityNumbersOrderBy")).not.toContain("populationShare");
  });
});

describe("groups", () => {
  test("have their keys and figures, with conditions and an order, by one statement", async () => {
    const expected = await api.query(
      `SELECT country_code AS code, status::text, count(*)::int, sum(population)::text AS population FROM city
        GROUP BY country_code, city.status HAVING count(*) > 4 AND sum(population) >= 20 ORDER BY sum(population) DESC, 1, city.status`,
    );
    api.sql.length = 0;
    const { citiesGroupBy } = await api.data(
      `{ citiesGroupBy(by: [countryCode, status], having: {count: {gt: 4}, sum: {population: {gte: 20}}},
           orderBy: [{sum: {population: DESC}}]) { key { countryCode status } count sum { population } } }`,
    );
    expect(citiesGroupBy.length).toBeGreaterThan(3);
    expect(citiesGroupBy).toEqual(
      expected.map(({ code, status, count, population }) => ({
        key: { countryCode: code, status },
        count,
        sum: { population },
      })),
    );
    expect(api.sql).toHaveLength(1);
  });

  test("of a null are a group, which stands where the order says", async () => {
    const heights = async (orderBy: string): Promise<unknown[]> =>
      (
        await api.data(`{ citiesGroupBy(by: [elevation], ${orderBy}) { key { elevation countryCode } } }`)
      ).citiesGroupBy.map(({ key }: Answer) => key.elevation);
    expect(await heights("first: 2")).toEqual([0, 1]);
    expect(await heights("orderBy: [{key: {elevation: DESC}}], first: 2")).toEqual([null, 6]);
    expect(await heights("orderBy: [{key: {elevation: DESC_NULLS_LAST}}]")).toEqual([
      6,
      5,
      4,
      3,
      2,
      1,
      0,
      null,
    ]);
  });

  test("take conditions joined by AND, OR and NOT", async () => {
    const { citiesGroupBy } = await api.data(
      `{ citiesGroupBy(by: [population], having: {OR: [{max: {id: {equals: 300}}}, {NOT: {min: {id: {not: 2}}}}]}) { key { population } } }`,
    );
    expect(citiesGroupBy).toEqual([{ key: { population: 0 } }, { key: { population: 2 } }]);
  });

  test("of periods begin with the day, week, month or year in a time zone", async () => {
    await api.query(
      `UPDATE city SET updated_at = CASE WHEN id <= 100 THEN '2026-03-31T22:30:00Z' WHEN id <= 250 THEN '2026-03-31T21:30:00Z' ELSE '2025-12-31T23:59:00Z' END::timestamptz`,
    );
    const periods = async (key: string, zone = ""): Promise<unknown[]> =>
      (
        await api.data(
          `{ citiesGroupBy(by: [updatedAt_${key}]${zone}) { key { at: updatedAt_${key} } count } }`,
        )
      ).citiesGroupBy.map(({ key: { at }, count }: Answer) => [at, count]);
    const PARIS = `, timeZone: "Europe/Paris"`;
    expect(await periods("HOUR")).toEqual([
      ["2025-12-31T23:00:00.000Z", 50],
      ["2026-03-31T21:00:00.000Z", 150],
      ["2026-03-31T22:00:00.000Z", 100],
    ]);
    expect(await periods("DAY", PARIS)).toEqual([
      ["2025-12-31T23:00:00.000Z", 50],
      ["2026-03-30T22:00:00.000Z", 150],
      ["2026-03-31T22:00:00.000Z", 100],
    ]);
    expect(await periods("WEEK")).toEqual([
      ["2025-12-29T00:00:00.000Z", 50],
      ["2026-03-30T00:00:00.000Z", 250],
    ]);
    expect(await periods("MONTH", PARIS)).toEqual([
      ["2025-12-31T23:00:00.000Z", 50],
      ["2026-02-28T23:00:00.000Z", 150],
      ["2026-03-31T22:00:00.000Z", 100],
    ]);
    expect(await periods("YEAR")).toEqual([
      ["2025-01-01T00:00:00.000Z", 50],
      ["2026-01-01T00:00:00.000Z", 250],
    ]);
  });

  test.each([
    ["by: []", "by must name 1 to 10 keys, not 0."],
    ["by: [status], first: 1001", /^first must be from 0 to 1000, not 1001\. Narrow/],
    ["by: [status], first: -1", /^first must be from 0 to 1000, not -1/],
    ['by: [status], timeZone: "Paris"', /"Paris" is not the IANA name of a time zone, such as Europe\/Paris/],
    ['by: [status], timeZone: "+02:00"', /is not the IANA name/],
    [
      "by: [status], orderBy: [{key: {name: ASC}}]",
      "orderBy: groups can be sorted by name only if it is in by.",
    ],
    ["by: [status], having: {sum: {}}", /^having\.sum names no column/],
    ["by: [status], having: {sum: null}", /^having\.sum must not be null/],
    ["by: [status], having: {avg: {latitude: {}}}", /^having\.avg\.latitude names no condition/],
    ["by: [status], having: {AND: [{count: {gt: null}}]}", /^having\.AND\[0\]\.count\.gt must not be null/],
  ])("of %s are refused", async (args, message) => {
    expect(await refusal(`citiesGroupBy(${args}) { count }`)).toMatch(message);
  });
});

test("the examples of docs/queries.md run", async () => {
  const examples = codeBlocks(await readFile("docs/queries.md", "utf8"), "graphql");
  expect(examples).toHaveLength(6);
  for (const example of examples) {
    expect(await api.data(example)).toBeTruthy();
  }
});
