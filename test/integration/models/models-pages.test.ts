import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answer, ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";
import { insertSampleRecords } from "./sample-records.ts";

let api: ModelsFixture;

beforeAll(async () => {
  api = await createModelsFixture();
  await insertSampleRecords(api);
});
afterAll(() => api.stop());

describe("pages", () => {
  const ORDERS = [
    "[]",
    "[{population: DESC}]",
    "[{elevation: ASC}]",
    "[{elevation: DESC}]",
    "[{elevation: ASC_NULLS_FIRST}, {name: DESC}]",
    "[{elevation: DESC_NULLS_LAST}, {population: ASC}]",
    "[{status: DESC}, {population: ASC}]",
    "[{country: {population: ASC}}, {id: DESC}]",
    "[{country: {continent: DESC}}, {latitude: ASC}]",
    "[{updatedAt: DESC}]",
    "[{tags: {count: DESC}}]",
    "[{country: {cities: {count: ASC}}}, {population: DESC}]",
  ];

  async function walk(orderBy: string, isBackward: boolean): Promise<string[]> {
    const seen: string[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < 30; page += 1) {
      const [size, place] = isBackward ? ["last", "before"] : ["first", "after"];
      const { cities }: Answer = await api.data(
        `query ($c: String) { cities(${size}: 37, ${place}: $c, orderBy: ${orderBy}) { nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
        { c: cursor },
      );
      const found = cities.nodes.map((node: { id: string }) => node.id);
      seen.push(...(isBackward ? found.toReversed() : found));
      cursor = isBackward ? cities.pageInfo.startCursor : cities.pageInfo.endCursor;
      if (!(isBackward ? cities.pageInfo.hasPreviousPage : cities.pageInfo.hasNextPage)) {
        break;
      }
    }
    return isBackward ? seen.toReversed() : seen;
  }

  test.each(ORDERS)("in order %s have neither gaps nor repeats, in both directions", async (orderBy) => {
    const { cities } = await api.data(`{ cities(first: 1000, orderBy: ${orderBy}) { nodes { id } } }`);
    const all = cities.nodes.map((node: { id: string }) => node.id);
    expect(new Set(all).size).toBe(300);
    expect(await walk(orderBy, false)).toEqual(all);
    expect(await walk(orderBy, true)).toEqual(all);
  });

  test("continue at the cursor when records are added and deleted, even the cursor's own", async () => {
    const page = async (after: string | null): Promise<Answer> =>
      (
        await api.data(
          `query ($after: String) { languages(first: 2, after: $after, orderBy: [{name: ASC}]) { edges { cursor node { name } } pageInfo { hasNextPage } } }`,
          { after },
        )
      ).languages;
    await api.query(`INSERT INTO language SELECT 'l' || i, 'Lang ' || i FROM generate_series(1, 4) i`);
    try {
      const first = await page(null);
      expect(first.edges.map((edge: Answer) => edge.node.name)).toEqual(["French", "German"]);
      const second = await page(first.edges[1].cursor);
      expect(second.edges.map((edge: Answer) => edge.node.name)).toEqual(["Lang 1", "Lang 2"]);
      await api.query(`DELETE FROM language WHERE code = 'l2'`);
      await api.query(`INSERT INTO language VALUES ('new', 'Aaa'), ('l25', 'Lang 25')`);
      const third = await page(second.edges[1].cursor);
      expect(third.edges.map((edge: Answer) => edge.node.name)).toEqual(["Lang 25", "Lang 3"]);
      const { languages } = await api.data(
        `query ($before: String) { languages(last: 3, before: $before, orderBy: [{name: ASC}]) { nodes { name } pageInfo { hasPreviousPage } } }`,
        { before: third.edges[0].cursor },
      );
      expect(languages).toEqual({
        nodes: [{ name: "French" }, { name: "German" }, { name: "Lang 1" }],
        pageInfo: { hasPreviousPage: true },
      });
    } finally {
      await api.query(`DELETE FROM language WHERE code LIKE 'l%' OR code = 'new'`);
    }
  });

  test("have neither gaps nor repeats when nested", async () => {
    const nested = (args: string): string =>
      `{ country(id: "A1") { cities(${args}, where: {status: {equals: ARCHIVED}}) { totalCount nodes { id } pageInfo { hasNextPage endCursor hasPreviousPage } } } }`;
    const first = (await api.data(nested("first: 4, orderBy: [{population: DESC}]"))).country.cities;
    expect(first).toMatchObject({ totalCount: 10, pageInfo: { hasNextPage: true, hasPreviousPage: false } });
    const rest = (
      await api.data(nested(`first: 10, after: "${first.pageInfo.endCursor}", orderBy: [{population: DESC}]`))
    ).country.cities;
    const { country } = await api.data(nested("first: 10, orderBy: [{population: DESC}]"));
    expect([...first.nodes, ...rest.nodes]).toEqual(country.cities.nodes);
    expect(rest).toMatchObject({ totalCount: 10, pageInfo: { hasNextPage: false, hasPreviousPage: true } });
    const last = (await api.data(nested("last: 3"))).country.cities;
    expect(last.nodes).toEqual((await api.data(nested("first: 10"))).country.cities.nodes.slice(-3));
  });

  test("of size 0 give the counts", async () => {
    expect(
      (await api.data(`{ cities(first: 0) { nodes { id } pageInfo { hasNextPage endCursor } } }`)).cities,
    ).toEqual({
      nodes: [],
      pageInfo: { hasNextPage: true, endCursor: null },
    });
    expect((await api.data(`{ cities { nodes { id } } }`)).cities.nodes).toHaveLength(20);
  });

  test.each([
    ["first: 1001", "first must be at most 1000, not 1001."],
    ["last: -1", "last must be 0 or more, not -1."],
    ["first: 1, last: 1", "Give either first or last, not both."],
    ['after: "nonsense"', "after is not a cursor."],
    ['before: ""', "before is not a cursor."],
    ["orderBy: [{name: ASC, id: ASC}]", 'OneOf Input Object "CityOrderBy" must specify exactly one key.'],
  ])("with the arguments %s are refused with the reason", async (args, message) => {
    expect((await api.refused(`{ cities(${args}) { nodes { id } } }`)).message).toContain(message);
    expect(
      (await api.refused(`{ country(id: "A1") { cities(${args}) { nodes { id } } } }`)).message,
    ).toContain(message);
  });

  test("are refused with a cursor of another order", async () => {
    const { cities } = await api.data(
      `{ cities(first: 1, orderBy: [{name: ASC}]) { pageInfo { endCursor } } }`,
    );
    expect(await api.refused(`{ cities(after: "${cities.pageInfo.endCursor}") { nodes { id } } }`)).toEqual({
      code: "VALIDATION_FAILED",
      message:
        "after is a cursor of a list ordered by name asc, id asc; this one is ordered by id asc. Use the same orderBy, or start again without after.",
    });
    const forged = Buffer.from(JSON.stringify(["id asc", "x"])).toString("base64url");
    expect((await api.refused(`{ cities(after: "${forged}") { nodes { id } } }`)).message).toContain(
      "damaged cursor",
    );
  });
});

/** The most rows that any step of the last statement reads, in all its turns together. */
async function mostRowsRead(): Promise<number> {
  const { text, values } = api.lastStatement();
  const rows: Answer[] = await api.query(`EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${text}`, values);
  const rowsOf = (plan: Answer): number[] => [
    plan["Actual Rows"] * plan["Actual Loops"],
    ...(plan.Plans ?? []).flatMap(rowsOf),
  ];
  return Math.max(...rows.flatMap((row) => rowsOf(row["QUERY PLAN"][0].Plan)));
}

test("pages of nested lists read their own records only, however many the parent has", async () => {
  await api.query(`INSERT INTO country (code, name, continent) VALUES ('ZZ', 'Crowded', 'ASIA')`);
  await api.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude)
    SELECT 500000 + i, 'city ' || i, 'ZZ', i, 0, 0 FROM generate_series(1, 5000) i`);
  await api.query("ANALYZE city");
  const page = (selection: string): Promise<Answer> =>
    api.data(
      `{ countries(where: {code: {in: ["A1", "ZZ"]}}) { nodes { cities(first: 5) { ${selection} } } } }`,
    );
  await page("nodes { id name } pageInfo { hasNextPage }");
  expect(await mostRowsRead()).toBeLessThan(100);
  // Their number needs them all, which shows that the measure sees it.
  await page("nodes { id } totalCount");
  expect(await mostRowsRead()).toBeGreaterThanOrEqual(5_000);
});
