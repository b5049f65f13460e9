import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Viewer } from "../../../src/core/access/viewer.ts";
import type { RelationField } from "../../../src/core/records/model.ts";
import { relationsOf } from "../../../src/core/records/model.ts";
import type { ListReading, SelectedList } from "../../../src/core/records/record-lists.ts";
import { parseOrder } from "../../../src/core/filters/order-terms.ts";
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
        access: ({ viewer: { id } }) => (id === "limited" ? { status: { equals: "ACTIVE" } } : true),
        fields: {
          longitude: { isExposed: false },
          rankInCountry: { isFilterable: false },
          populationShare: { isSortable: false },
        },
      },
      Country: { access: ({ viewer: { id } }) => (id === null ? true : { code: { not: "A1" } }) },
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

describe("an aggregate inside a record", () => {
  test("has the figures of its own list, each alias with its own filter, in one statement", async () => {
    const expected = await api.query(
      `SELECT c.code, count(t.id)::int, coalesce(sum(t.population), 0)::text AS population, avg(t.latitude)::float8 AS latitude,
              count(t.id) FILTER (WHERE t.status = 'ACTIVE')::int AS active, max(t.updated_at) FILTER (WHERE t.status = 'ACTIVE') AS latest,
              count(DISTINCT t.elevation) FILTER (WHERE t.id IN (1, 2, 31))::int AS heights
         FROM country c LEFT JOIN city t ON t.country_code = c.code WHERE c.code < 'B' GROUP BY c.code ORDER BY c.code DESC`,
    );
    api.sql.length = 0;
    const { countries } = await api.data(
      `query ($ids: [ID!]) { countries(where: {code: {lt: "B"}}, orderBy: [{code: DESC}]) { nodes { code
         citiesAggregate { count sum { population } avg { latitude } }
         active: citiesAggregate(where: {status: {equals: ACTIVE}}) { count ...latest }
         few: citiesAggregate(ids: $ids) { countDistinct { elevation } }
         cities(first: 1) { totalCount }
       } } } fragment latest on CityAggregate { max { at: updatedAt } }`,
      { ids: ["1", "2", "31"] },
    );
    expect(api.sql).toHaveLength(1);
    expect(countries.nodes).toEqual(
      expected.map(({ code, count, population, latitude, active, latest, heights }) => ({
        code,
        citiesAggregate: {
          count,
          sum: { population },
          avg: { latitude: expect.closeTo(latitude as number, 9) },
        },
        active: { count: active, max: { at: (latest as Date | null)?.toISOString() ?? null } },
        few: { countDistinct: { elevation: heights } },
        cities: { totalCount: count },
      })),
    );
  });

  test("is read along with one record, a payload, and records of lists that are many-to-many", async () => {
    const { city } = await api.data(
      `{ city(id: "31") { country { cities(first: 1) { nodes { tagsAggregate { count } } } citiesAggregate { __typename } } } }`,
    );
    expect(city.country).toEqual({
      cities: { nodes: [{ tagsAggregate: { count: 5 } }] },
      citiesAggregate: { __typename: "CityAggregate" },
    });
    const { updateCity } = await api.data(
      `mutation { updateCity(id: "31", data: {notes: "x"}) { ... on UpdateCityPayload { city { tagsAggregate { count countDistinct { label } } } } } }`,
    );
    expect(updateCity.city.tagsAggregate).toMatchObject({ count: 5, countDistinct: { label: 5 } });
  });

  test("counts only what the viewer may see", async () => {
    const { countries } = await api.data(
      `{ countries(ids: ["A0", "A1"]) { nodes { code citiesAggregate { count } none: citiesAggregate(where: {country: {is: {code: {equals: "A1"}}}}) { count } } } }`,
      {},
      LIMITED,
    );
    // All cities of A0 have an even number.
    expect(countries.nodes).toEqual([{ code: "A0", citiesAggregate: { count: 10 }, none: { count: 0 } }]);
  });

  test("is refused by Prisma's reader, which can order by numbers of related records", async () => {
    const lists = api.listsOf("prisma");
    const model = api.models.get("Country");
    const [field] = relationsOf(model).filter(({ name }) => name === "cities") as [RelationField];
    const terms = parseOrder({ models: api.models, scopeOf: () => undefined }, model, [
      { cities: { count: "DESC" } },
    ]);
    const part = { terms, where: undefined, isBackward: false, limit: 1 };
    const select = (selected: readonly SelectedList[]): ListReading => ({
      page: { part, hasPlaces: true, selection: { columns: model.key, ones: [], lists: selected } },
    });
    expect(await lists.read("Country", select([]))).toMatchObject({
      records: [{ code: "A0" }],
      places: [["10", "A0"]],
    });
    const list = { field, name: "cities()", figures: { where: undefined, aggregates: [] } };
    await expect(lists.read("Country", select([list]))).rejects.toThrow(
      "POWERCRUD_READER=prisma cannot read figures over cities along with each record. Ask for them at the root",
    );
  });
});

describe("an order by the number of related records", () => {
  test("is that of the records that the viewer may see, also by way of another record", async () => {
    await api.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude, status)
      SELECT 1000 + i, 'Extra', CASE WHEN i < 3 THEN 'B2' ELSE 'B1' END, 1, 1, 1, CASE WHEN i < 3 THEN 'ACTIVE' ELSE 'ARCHIVED' END::"CityStatus" FROM generate_series(1, 9) i`);
    try {
      const first = async (orderBy: string, viewer?: Viewer): Promise<unknown> =>
        (
          await api.data(`{ countries(first: 2, orderBy: ${orderBy}) { nodes { code } } }`, {}, viewer)
        ).countries.nodes.map(({ code }: Answer) => code);
      expect(await first("[{cities: {count: DESC}}]")).toEqual(["B1", "B2"]);
      expect(await first("[{cities: {count: DESC}}]", LIMITED)).toEqual(["B2", "A0"]);
      const cities = async (viewer?: Viewer): Promise<Answer> =>
        (
          await api.data(
            `{ cities(first: 1, orderBy: [{country: {cities: {count: DESC}}}, {id: DESC}]) { nodes { id } } }`,
            {},
            viewer,
          )
        ).cities.nodes[0].id;
      expect(await cities()).toBe("1009");
      expect(await cities(LIMITED)).toBe("1002");
    } finally {
      await api.query("DELETE FROM city WHERE id > 1000");
    }
  });

  test("pages nested lists without gaps or repeats", async () => {
    const page = async (args: string): Promise<Answer> =>
      (
        await api.data(
          `{ language(id: "fr") { countries(${args}, orderBy: [{cities: {count: ASC}}, {code: DESC}]) { nodes { code } pageInfo { hasNextPage endCursor hasPreviousPage startCursor } } } }`,
        )
      ).language.countries;
    const all = (await page("first: 30")).nodes;
    expect(all).toHaveLength(30);
    const first = await page("first: 13");
    const second = await page(`first: 30, after: "${first.pageInfo.endCursor}"`);
    expect([...first.nodes, ...second.nodes]).toEqual(all);
    const last = await page("last: 7");
    const before = await page(`last: 30, before: "${last.pageInfo.startCursor}"`);
    expect([...before.nodes, ...last.nodes]).toEqual(all);
  });

  test("is unknown where the relation is not for sorting, and shows nothing of hidden records in its order or cursors", async () => {
    const { __type } = await api.data(
      `{ __type(name: "CountryOrderBy") { inputFields { name type { name } } } }`,
    );
    expect(__type.inputFields).toContainEqual({ name: "cities", type: { name: "CountOrderBy" } });
    const { cities } = await api.data(
      `{ cities(ids: ["2", "31", "4"], where: {}, orderBy: [{country: {name: DESC}}]) { edges { cursor node { id } } } }`,
      {},
      { id: "few" },
    );
    expect(cities.edges[0]).toMatchObject({ node: { id: "31" } });
    expect(Buffer.from(cities.edges[0].cursor, "base64url").toString()).not.toContain("Land 1");
  });
});

test("the examples of docs/queries.md run", async () => {
  const examples = codeBlocks(await readFile("docs/queries.md", "utf8"), "graphql");
  expect(examples).toHaveLength(7);
  for (const example of examples) {
    expect(await api.data(example)).toBeTruthy();
  }
});
