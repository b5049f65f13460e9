import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";

const CHILDREN = 60_000;
const PARENTS = ["A0", "A1", "A2"];

let api: ModelsFixture;
beforeAll(async () => {
  api = await createModelsFixture();
  await api.query(
    `INSERT INTO country (code, name, continent) VALUES ('A0', 'One', 'ASIA'), ('A1', 'Two', 'ASIA'), ('A2', 'Three', 'ASIA'), ('B0', 'Small', 'ASIA')`,
  );
  // The cities of a country have ids in a row, and those of the small country come last.
  await api.query(
    `INSERT INTO city (id, name, country_code, population, latitude, longitude)
     SELECT i, 'city ' || i, 'A' || ((i - 1) / $1::int), i, 0, 0 FROM generate_series(1, $1::int * 3) i
     UNION ALL SELECT i, 'city ' || i, 'B0', i, 0, 0 FROM generate_series(900001, 900006) i`,
    [CHILDREN],
  );
  await api.query(`INSERT INTO tag VALUES ('00000000-0000-0000-0000-000000000001', 'one')`);
  await api.query(
    `INSERT INTO "_CityToTag" SELECT id, '00000000-0000-0000-0000-000000000001' FROM city WHERE id % 50000 = 1`,
  );
  await api.query("ANALYZE");
});
afterAll(() => api.stop());

describe("a field at the root is read by one statement", () => {
  test.each([
    ["a list", "{ cities(first: 2) { nodes { id } } }"],
    ["a record", `{ city(id: "1") { name country { name } tags { totalCount nodes { label } } } }`],
    ["a count alone", "{ cities { totalCount } }"],
    ["a count and a page", "{ cities(first: 1) { totalCount pageInfo { hasNextPage } } }"],
    [
      "records and edges",
      "{ cities(first: 2) { nodes { id tags { nodes { id } } } edges { cursor node { name country { name } } } } }",
    ],
    [
      "lists in lists",
      "{ countries { nodes { cities(first: 2) { totalCount nodes { tags { nodes { cities(first: 3) { nodes { country { name } } } } } } } } } }",
    ],
    [
      "a relation with different arguments, at any depth",
      `{ countries { nodes { few: cities(first: 1) { nodes { id } } last: cities(last: 2) { edges { cursor node { id } } }
         some: cities(where: {id: {lt: 3}}) { totalCount } nodes: cities(first: 1) { nodes { country { a: cities(first: 1) { nodes { id } } b: cities(first: 2) { nodes { name } } } } } } } }`,
    ],
    [
      "different arguments under nodes and edges",
      "{ countries { nodes { cities(first: 1) { nodes { id } } } edges { node { cities(first: 2) { nodes { name } } } } } }",
    ],
    [
      "fragments",
      `query ($is: Boolean = true) { cities(first: 2) { ...page ... on CityConnection @include(if: $is) { nodes { country { name } } } } }
       fragment page on CityConnection { nodes { ...city country { code } } } fragment city on City { id tags(first: 1) { totalCount } }`,
    ],
  ])("%s", async (_name, document) => {
    api.sql.length = 0;
    await api.data(document);
    expect(api.sql).toHaveLength(1);
  });

  test("and gives each occurrence what it asked for", async () => {
    const { countries } = await api.data(`query ($few: Int = 1) {
      countries(where: {code: {equals: "B0"}}) {
        nodes { cities(first: $few) { nodes { id } } all: cities { nodes { id } totalCount } again: cities(first: $few) { totalCount nodes { name } } }
        edges { node { cities(last: 2) { nodes { id } pageInfo { hasPreviousPage } } } }
      }
    }`);
    expect(countries.nodes).toEqual([
      {
        cities: { nodes: [{ id: "900001" }] },
        all: {
          nodes: Array.from({ length: 6 }, (_city, at) => ({ id: String(900_001 + at) })),
          totalCount: 6,
        },
        again: { totalCount: 6, nodes: [{ name: "city 900001" }] },
      },
    ]);
    expect(countries.edges).toEqual([
      {
        node: {
          cities: { nodes: [{ id: "900005" }, { id: "900006" }], pageInfo: { hasPreviousPage: true } },
        },
      },
    ]);
  });

  test("whose text depends only on the shape of what is asked for", async () => {
    api.sql.length = 0;
    for (const [first, code] of [
      [1, "A0"],
      [7, "B0"],
    ] as const) {
      await api.data(
        `query ($first: Int, $code: String) { countries(where: {code: {equals: $code}}, first: $first) { nodes { cities(first: $first, where: {id: {gt: $first}}) { nodes { id } } } } }`,
        { first, code },
      );
    }
    expect(new Set(api.sql).size).toBe(1);
  });
});

describe("the cost of a nested page does not depend on the number of children", () => {
  /** Rows of cities that the statement of a document reads. */
  const rowsRead = async (document: string): Promise<number> => {
    await api.data(document);
    const { text, values } = api.lastStatement();
    const connection = await api.connect();
    try {
      const { rows } = await connection.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, [...values]);
      return countRows((rows[0] as { "QUERY PLAN": [{ Plan: PlanNode }] })["QUERY PLAN"][0].Plan);
    } finally {
      connection.release();
    }
  };

  test("with an index on the foreign key and the key, under large and small parents", async () => {
    const page = "nodes { cities(first: 5) { nodes { id } } }";
    const large = await rowsRead(
      `{ countries(where: {code: {in: ["${PARENTS.join('", "')}"]}}) { ${page} } }`,
    );
    const small = await rowsRead(`{ countries(where: {code: {equals: "B0"}}) { ${page} } }`);
    expect(large).toBeLessThanOrEqual(6 * PARENTS.length);
    expect(small).toBeLessThanOrEqual(6);
  });

  test("in another order, a small parent reads its own children only", async () => {
    const read = await rowsRead(
      `{ countries(where: {code: {equals: "B0"}}) { nodes { cities(first: 2, orderBy: [{population: DESC}]) { nodes { id } } } } }`,
    );
    expect(read).toBeLessThanOrEqual(6);
  });
});

interface PlanNode {
  readonly "Relation Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly PlanNode[];
}

function countRows(node: PlanNode): number {
  const own =
    node["Relation Name"] === "city"
      ? (node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0)) * node["Actual Loops"]
      : 0;
  return (node.Plans ?? []).reduce((sum, inner) => sum + countRows(inner), own);
}
