import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";

let api: ModelsFixture;

const TAGS = Array.from({ length: 6 }, (_, at) => `0195f8f0-0000-7000-8000-00000000000${at}`);

beforeAll(async () => {
  api = await createModelsFixture();
  await api.query(`INSERT INTO country (code, name, continent, population)
    SELECT chr(65 + i / 10) || i % 10, 'Land ' || i, (enum_range(NULL::"Continent"))[1 + i % 7], CASE WHEN i % 3 = 0 THEN NULL ELSE i * 1000 END
      FROM generate_series(0, 29) i`);
  await api.query(`INSERT INTO language VALUES ('fr', 'French'), ('de', 'German'), ('xx', 'Nowhere')`);
  await api.query(
    `INSERT INTO "_CountryToLanguage" SELECT code, 'fr' FROM country UNION SELECT code, 'de' FROM country WHERE code < 'B'`,
  );
  await api.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude, elevation, status, notes)
    SELECT i, 'City ' || i, chr(65 + (i % 30) / 10) || (i % 30) % 10, i % 5, i / 10.0, -i, CASE WHEN i % 4 = 0 THEN NULL ELSE i % 7 END,
           CASE WHEN i % 2 = 0 THEN 'ACTIVE' ELSE 'ARCHIVED' END::"CityStatus", CASE WHEN i % 9 = 0 THEN 'Note 100%' ELSE NULL END
      FROM generate_series(1, 300) i`);
  await api.query(
    `INSERT INTO tag SELECT id::uuid, 'tag ' || n FROM unnest($1::text[]) WITH ORDINALITY t (id, n)`,
    [TAGS],
  );
  await api.query(
    `INSERT INTO "_CityToTag" SELECT c.id, t.id FROM city c JOIN tag t ON c.id % 6 <> right(t.id::text, 1)::int WHERE c.id <= 200`,
  );
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
  test("comes by id, with relations in both directions", async () => {
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

  test("is null when there is none, and an error when the id is none", async () => {
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

  test("the reader of bulk selections understands them alike", async () => {
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
    ['{name: {contains: "\\u0000"}}', "A value is not one that its column can hold"],
  ])("%s is refused with the reason", async (where, message) => {
    expect((await api.refused(`{ cities(where: ${where}) { nodes { id } } }`)).message).toContain(message);
  });

  test("take variables, and refuse lists without measure", async () => {
    expect(await ids("$v", { v: { id: { in: [1, 2] } } })).toEqual([1, 2]);
    const many = { id: { in: Array.from({ length: 10_001 }, (_, at) => at) } };
    const refused = await api.refused(`query ($v: CityWhere) { cities(where: $v) { nodes { id } } }`, {
      v: many,
    });
    expect(refused).toMatchObject({
      code: "VALIDATION_FAILED",
      message: expect.stringContaining("10001 values"),
    });
  });
});

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
  ];

  async function walk(orderBy: string, isBackward: boolean): Promise<string[]> {
    const seen: string[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < 30; page += 1) {
      const [size, place] = isBackward ? ["last", "before"] : ["first", "after"];
      const { cities }: any = await api.data(
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

  test("go on where they were when records come and go, the cursor's own among them", async () => {
    const page = async (after: string | null): Promise<any> =>
      (
        await api.data(
          `query ($after: String) { languages(first: 2, after: $after, orderBy: [{name: ASC}]) { edges { cursor node { name } } pageInfo { hasNextPage } } }`,
          { after },
        )
      ).languages;
    await api.query(`INSERT INTO language SELECT 'l' || i, 'Lang ' || i FROM generate_series(1, 4) i`);
    try {
      const first = await page(null);
      expect(first.edges.map((edge: any) => edge.node.name)).toEqual(["French", "German"]);
      const second = await page(first.edges[1].cursor);
      expect(second.edges.map((edge: any) => edge.node.name)).toEqual(["Lang 1", "Lang 2"]);
      await api.query(`DELETE FROM language WHERE code = 'l2'`);
      await api.query(`INSERT INTO language VALUES ('new', 'Aaa'), ('l25', 'Lang 25')`);
      const third = await page(second.edges[1].cursor);
      expect(third.edges.map((edge: any) => edge.node.name)).toEqual(["Lang 25", "Lang 3"]);
    } finally {
      await api.query(`DELETE FROM language WHERE code LIKE 'l%' OR code = 'new'`);
    }
  });

  test("nested ones do the same", async () => {
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

  test("of no size tell what there is", async () => {
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
  ])("asked for with %s are refused with the reason", async (args, message) => {
    expect((await api.refused(`{ cities(${args}) { nodes { id } } }`)).message).toContain(message);
    expect(
      (await api.refused(`{ country(id: "A1") { cities(${args}) { nodes { id } } } }`)).message,
    ).toContain(message);
  });

  test("a cursor of another order is refused", async () => {
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

  test("are as many for 2 records on a level as for 20, four levels down", async () => {
    const few = await statements(deep(2));
    expect(await statements(deep(20))).toBe(few);
    expect(few).toBeLessThanOrEqual(6);
  });

  test("stay as few when one relation is asked for twice, each time otherwise", async () => {
    const twice = (n: number): string => `{ countries(first: ${n}) { nodes {
      a: cities(first: 1) { nodes { name } } b: cities(first: 2, where: {status: {equals: ACTIVE}}) { totalCount nodes { name } } } } }`;
    const few = await statements(twice(2));
    expect(await statements(twice(20))).toBe(few);
  });

  test("do not read what is not asked for", async () => {
    expect(await statements(`{ cities { totalCount } }`)).toBe(1);
    expect(await statements(`{ cities { nodes { name } } }`)).toBe(1);
    expect(api.sql[0]).not.toMatch(/COUNT|latitude/);
    expect(await statements(`{ countries { nodes { cities { totalCount } } } }`)).toBe(1);
  });
});

describe("scope", () => {
  let scoped: ModelsFixture;

  beforeAll(async () => {
    scoped = await createModelsFixture({
      modelOptions: {
        Country: { scope: (viewer) => (viewer.id === "all" ? undefined : { code: { in: ["A1", "A2"] } }) },
        City: { scope: (viewer) => (viewer.id === "all" ? undefined : { status: { equals: "ACTIVE" } }) },
        Tag: { scope: () => ({ label: { startsWith: "open" } }) },
      },
    });
    await scoped.query(
      `INSERT INTO country (code, name, continent) VALUES ('A1', 'One', 'ASIA'), ('A2', 'Two', 'ASIA'), ('B1', 'Secret', 'ASIA')`,
    );
    await scoped.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude, status) VALUES
      (1, 'a', 'A1', 1, 1, 1, 'ACTIVE'), (2, 'b', 'A1', 1, 1, 1, 'ARCHIVED'), (3, 'c', 'B1', 1, 1, 1, 'ACTIVE'), (4, 'd', 'B1', 1, 1, 1, 'ARCHIVED')`);
    await scoped.query(`INSERT INTO tag VALUES ('${TAGS[0]}', 'open'), ('${TAGS[1]}', 'hidden')`);
    await scoped.query(
      `INSERT INTO "_CityToTag" VALUES (1, '${TAGS[0]}'), (1, '${TAGS[1]}'), (3, '${TAGS[1]}')`,
    );
  });
  afterAll(() => scoped.stop());

  test("holds at the top, in nested lists, in counts and over single links", async () => {
    expect(
      await scoped.data(
        `{ cities { totalCount nodes { id country { code } tags { totalCount nodes { label } } } } city(id: "2") { id } }`,
      ),
    ).toEqual({
      cities: {
        totalCount: 2,
        nodes: [
          { id: "1", country: { code: "A1" }, tags: { totalCount: 1, nodes: [{ label: "open" }] } },
          { id: "3", country: null, tags: { totalCount: 0, nodes: [] } },
        ],
      },
      city: null,
    });
    expect(await scoped.data(`{ countries { nodes { code cities { totalCount nodes { id } } } } }`)).toEqual({
      countries: {
        nodes: [
          { code: "A1", cities: { totalCount: 1, nodes: [{ id: "1" }] } },
          { code: "A2", cities: { totalCount: 0, nodes: [] } },
        ],
      },
    });
    const all = await scoped.data(`{ cities { totalCount nodes { country { code } } } }`, {}, { id: "all" });
    expect(all.cities).toMatchObject({ totalCount: 4, nodes: [{}, {}, { country: { code: "B1" } }, {}] });
  });

  test("filters cannot ask about what is out of it", async () => {
    const count = async (where: string): Promise<number> =>
      (await scoped.data(`{ cities(where: ${where}) { totalCount } }`)).cities.totalCount;
    expect(await count(`{country: {is: {name: {startsWith: "S"}}}}`)).toBe(0);
    expect(await count(`{tags: {some: {label: {equals: "hidden"}}}}`)).toBe(0);
    expect(await count(`{tags: {every: {label: {equals: "open"}}}}`)).toBe(2);
    expect(await count(`{tags: {none: {label: {equals: "hidden"}}}}`)).toBe(2);
  });

  test("writes neither reach out of it nor lead out of it", async () => {
    const write = async (field: string): Promise<any> =>
      (
        await scoped.data(
          `mutation { result: ${field} { __typename ... on Error { message } ... on ValidationError { problems { field } } } }`,
        )
      ).result;
    expect(await write(`updateCity(id: "2", data: {name: "x"})`)).toMatchObject({
      __typename: "NotFoundError",
    });
    expect(await write(`deleteCity(id: "4")`)).toMatchObject({ __typename: "NotFoundError" });
    expect(await write(`updateCity(id: "1", data: {countryCode: "B1"})`)).toMatchObject({
      problems: [{ field: "countryCode" }],
    });
    expect(await write(`updateCity(id: "1", data: {status: ARCHIVED})`)).toMatchObject({
      __typename: "ValidationError",
    });
    expect(await write(`updateCity(id: "1", data: {tags: {add: ["${TAGS[1]}"]}})`)).toMatchObject({
      problems: [{ field: "tags" }],
    });
    expect(
      await write(
        `createCity(data: {id: 9, name: "x", countryCode: "B1", population: 1, latitude: 1, longitude: 1})`,
      ),
    ).toMatchObject({
      problems: [{ field: "countryCode" }],
    });
    expect(await scoped.query("SELECT id, country_code, status FROM city WHERE id IN (1, 9)")).toEqual([
      { id: 1, country_code: "A1", status: "ACTIVE" },
    ]);
    expect(await write(`updateCity(id: "1", data: {countryCode: "A2"})`)).toMatchObject({
      __typename: "UpdateCityPayload",
    });
  });

  test("checks single links of a whole level with one statement", async () => {
    const statements = async (n: number): Promise<number> => {
      scoped.sql.length = 0;
      await scoped.data(`{ cities(first: ${n}) { nodes { country { code } } } }`);
      return scoped.sql.length;
    };
    expect(await statements(2)).toBe(await statements(1));
  });
});

test("a database out of reach is an error with a code, not a crash", async () => {
  const broken = await createModelsFixture();
  await broken.stop();
  const { errors } = await broken.execute(`{ cities { nodes { id } } }`);
  expect(errors?.[0]?.extensions["code"]).toBe("UNAVAILABLE");
});
