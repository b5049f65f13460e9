import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";
import { insertSampleRecords } from "./sample-records.ts";

let api: ModelsFixture;

beforeAll(async () => {
  api = await createModelsFixture();
  await insertSampleRecords(api);
});
afterAll(() => api.stop());

async function ids(where: string, variables?: Record<string, unknown>): Promise<number[]> {
  const { cities } = await api.data(
    `${variables === undefined ? "" : "query ($v: CityWhere) "}{ cities(first: 1000, where: ${where}) { totalCount nodes { id } } }`,
    variables,
  );
  expect(cities.totalCount).toBe(cities.nodes.length);
  return cities.nodes.map((node: { id: string }) => Number(node.id));
}

/** The same question in SQL. */
async function expected(condition: string): Promise<number[]> {
  const rows = await api.query(
    `SELECT c.id FROM city c JOIN country k ON k.code = c.country_code WHERE ${condition} ORDER BY c.id`,
  );
  return rows.map((row) => row["id"] as number);
}

describe("one record", () => {
  test("is found by id, with relations in both directions", async () => {
    expect(
      await api.data(
        `{ city(id: "31") { id name status country { id code continent } tags(first: 1) { totalCount nodes { label } } } }`,
      ),
    ).toEqual({
      city: {
        id: "31",
        name: "City 31",
        status: "ARCHIVED",
        country: { id: "A1", code: "A1", continent: "ANTARCTICA" },
        tags: { totalCount: 5, nodes: [{ label: "tag 1" }] },
      },
    });
  });

  test("is null if it does not exist, and an error if the id is malformed", async () => {
    expect(await api.data(`{ city(id: "999") { id } country(id: "ZZ") { id } }`)).toEqual({
      city: null,
      country: null,
    });
    expect(await api.refused(`{ city(id: "x") { id } }`)).toEqual({
      code: "VALIDATION_FAILED",
      message: '"x" is not an id of City: expected the text of id Int.',
    });
    expect(await api.refused(`{ tag(id: "x") { id } }`)).toMatchObject({ code: "VALIDATION_FAILED" });
  });
});

describe("filters", () => {
  test.each([
    ["{}", "true"],
    ["{id: {equals: 7}}", "c.id = 7"],
    ["{id: {not: 7}}", "c.id <> 7"],
    ["{id: {in: [1, 2, 999]}}", "c.id IN (1, 2, 999)"],
    ["{id: {notIn: [1, 2]}}", "c.id NOT IN (1, 2)"],
    ["{id: {gt: 10, lte: 20}}", "c.id > 10 AND c.id <= 20"],
    ["{id: {gte: 290}}", "c.id >= 290"],
    ["{latitude: {lt: 0.35}}", "latitude < 0.35"],
    ['{name: {contains: "ty 12"}}', "c.name LIKE '%ty 12%'"],
    ['{name: {contains: "TY 12"}}', "false"],
    ['{name: {contains: "TY 12", mode: INSENSITIVE}}', "c.name ILIKE '%ty 12%'"],
    ['{name: {startsWith: "City 29"}}', "c.name LIKE 'City 29%'"],
    ['{name: {endsWith: "99"}}', "c.name LIKE '%99'"],
    ["{elevation: {isNull: true}}", "elevation IS NULL"],
    ["{elevation: {isNull: false, gt: 3}}", "elevation > 3"],
    ["{elevation: {not: 3}}", "elevation <> 3"],
    ['{notes: {contains: "100%"}}', "notes IS NOT NULL"],
    ['{notes: {equals: "note 100%", mode: INSENSITIVE}}', "notes = 'Note 100%'"],
    ['{notes: {equals: "note%", mode: INSENSITIVE}}', "false"],
    ['{notes: {not: "note%", mode: INSENSITIVE}}', "notes IS NOT NULL"],
    ['{notes: {in: ["NOTE 100%", "%"], mode: INSENSITIVE}}', "notes = 'Note 100%'"],
    ['{notes: {contains: "1_0"}}', "false"],
    ["{status: {equals: ACTIVE}}", "status = 'ACTIVE'"],
    ["{status: {in: [ACTIVE, ARCHIVED], not: ACTIVE}}", "status = 'ARCHIVED'"],
    ["{AND: [{id: {gt: 5}}, {id: {lt: 9}}]}", "c.id > 5 AND c.id < 9"],
    ["{AND: []}", "true"],
    ['{OR: [{id: {equals: 5}}, {name: {equals: "City 9"}}]}', "c.id IN (5, 9)"],
    ["{OR: []}", "false"],
    ["{NOT: {id: {gt: 5}}}", "c.id <= 5"],
    [
      "{NOT: {OR: [{id: {gt: 5}}, {id: {equals: 2}}]}, population: {equals: 1}}",
      "c.id <= 5 AND c.id <> 2 AND c.population = 1",
    ],
    [
      '{country: {is: {continent: {equals: EUROPE}, population: {gt: "9000"}}}}',
      "k.continent = 'EUROPE' AND k.population > 9000",
    ],
    ["{country: {isNot: {population: {isNull: true}}}}", "k.population IS NOT NULL"],
    ['{country: {is: {languages: {some: {code: {equals: "de"}}}}}}', "k.code < 'B'"],
    ['{tags: {some: {label: {equals: "tag 1"}}}}', "c.id <= 200 AND c.id % 6 <> 0"],
    ["{tags: {none: {}}}", "c.id > 200"],
    ["{tags: {some: {}}}", "c.id <= 200"],
    ['{tags: {every: {label: {not: "tag 1"}}}}', "c.id > 200 OR c.id % 6 = 0"],
    ['{updatedAt: {gt: "2020-01-01T00:00:00Z"}}', "true"],
    ['{updatedAt: {lt: "2020-01-01T00:00:00+02:00"}}', "false"],
  ])("%s", async (where, condition) => {
    expect(await ids(where)).toEqual(await expected(condition));
  });

  test("mean the same in bulk selections", async () => {
    const where = { tags: { some: { label: { equals: "tag 1" } } }, NOT: { elevation: { isNull: true } } };
    const found = await api.reader.findIds("City", where, 1000);
    expect(found.map(Number)).toEqual(
      await expected("c.id <= 200 AND c.id % 6 <> 0 AND elevation IS NOT NULL"),
    );
    expect(await api.reader.findIds("City", undefined, 3)).toEqual(["1", "2", "3"]);
    expect(await api.reader.existingIds("City", ["1", "2", "999"], { status: { equals: "ACTIVE" } })).toEqual(
      ["2"],
    );
    const many = Array.from({ length: 70_000 }, (_, at) => String(at));
    expect(await api.reader.existingIds("City", many, undefined)).toHaveLength(300);
  });

  test.each([
    ['{nam: {equals: "x"}}', 'Field "nam" is not defined by type "CityWhere"'],
    ["{name: {equals: 5}}", "String cannot represent a non string value: 5"],
    ["{name: {}}", "where.name names no condition."],
    ["{country: {}}", "where.country names no condition."],
    ["{name: null}", "where.name must not be null."],
    ["{elevation: {equals: null}}", "where.elevation.equals must not be null. Use isNull."],
    ["{country: {is: null}}", "where.country.is must not be null"],
    ["{AND: [{name: {}}]}", "where.AND[0].name names no condition."],
    ['{updatedAt: {gt: "yesterday"}}', "DateTime cannot represent"],
    ['{country: {is: {population: {gt: "many"}}}}', "BigInt cannot represent"],
    ['{tags: {some: {id: {equals: "x"}}}}', "A value is not one that its column can hold"],
    ['{name: {contains: "\\u0000"}}', "where.name.contains cannot hold NUL characters"],
  ])("%s is refused with the reason", async (where, message) => {
    expect((await api.refused(`{ cities(where: ${where}) { nodes { id } } }`)).message).toContain(message);
  });

  test("take variables, and are refused when too large", async () => {
    expect(await ids("$v", { v: { id: { in: [1, 2] } } })).toEqual([1, 2]);
    const oneOf = (count: number): object => ({
      OR: Array.from({ length: count }, (_, at) => ({ id: { equals: at + 1 } })),
    });
    expect(await ids("$v", { v: oneOf(1000) })).toHaveLength(300);
    const deep = Array.from({ length: 500 }).reduce<object>((NOT) => ({ NOT }), { id: { equals: 1 } });
    const many = { id: { in: Array.from({ length: 10_001 }, (_, at) => at) } };
    for (const [v, size] of [
      [many, "10001 values"],
      [{ OR: [{ id: { in: many.id.in.slice(1) } }, { id: { notIn: [5] } }] }, "10001 values"],
      [oneOf(40_000), "40000 conditions"],
      [{ tags: { some: { cities: { some: oneOf(1001) } } } }, "1001 conditions"],
      [deep, "501 levels"],
    ] as const) {
      const found = { code: "VALIDATION_FAILED", message: expect.stringContaining(size) as string };
      for (const source of [
        `query ($v: CityWhere) { cities(where: $v) { nodes { id } } }`,
        `query ($v: CityWhere) { countries { nodes { cities(where: $v) { nodes { id } } } } }`,
      ]) {
        expect(await api.refused(source, { v })).toMatchObject(found);
      }
    }
  });
});

describe("statements", () => {
  async function statements(source: string): Promise<number> {
    api.sql.length = 0;
    await api.data(source);
    return api.sql.length;
  }

  const deep = (
    n: number,
  ): string => `{ languages(where: {code: {in: ["fr", "de"]}}) { nodes { name countries(first: ${n}) { totalCount nodes {
    name cities(first: ${n}, orderBy: [{name: DESC}]) { edges { node { name country { name } tags(first: ${n}) { totalCount nodes { label } } } } } } } } } }`;

  test("are one for 2 records per level as for 20, four levels deep", async () => {
    expect(await statements(deep(2))).toBe(1);
    expect(await statements(deep(20))).toBe(1);
  });

  test("do not grow when one relation is selected twice with different arguments", async () => {
    const twice = (n: number): string => `{ countries(first: ${n}) { nodes {
      a: cities(first: 1) { nodes { name } } b: cities(first: 2, where: {status: {equals: ACTIVE}}) { totalCount nodes { name } } } } }`;
    const few = await statements(twice(2));
    expect(await statements(twice(20))).toBe(few);
  });

  test("read only selected fields", async () => {
    expect(await statements(`{ cities { totalCount } }`)).toBe(1);
    expect(await statements(`{ cities { nodes { name } } }`)).toBe(1);
    expect(api.sql[0]).not.toMatch(/COUNT|latitude/);
    expect(await statements(`{ countries { nodes { cities { totalCount } } } }`)).toBe(1);
  });
});

test("an unreachable database is an error with a code, not a crash", async () => {
  const broken = await createModelsFixture();
  await broken.stop();
  const { errors } = await broken.execute(`{ cities { nodes { id } } }`);
  expect(errors?.[0]?.extensions["code"]).toBe("UNAVAILABLE");
});
