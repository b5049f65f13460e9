import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Viewer } from "../../../src/core/access/viewer.ts";
import { ANONYMOUS } from "../../../src/core/access/viewer.ts";
import { createTableShapes } from "../../../src/adapters/postgres/records/table-shape.ts";
import { markNativeTypes } from "../../../src/compose/mark-native-types.ts";
import { readModels } from "../../../src/compose/read-models.ts";
import type { ModelOptionsMap } from "../../../src/core/records/model-options.ts";
import { generated } from "../../../src/generated/powercrud.ts";
import type { Answer, ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";

/** With pg_trgm, and without; the same cities. */
let api: ModelsFixture;
let plain: ModelsFixture;

const LIMITED: Viewer = { id: "limited" };

/** Names and notes, by id. */
const CITIES: Readonly<Record<number, readonly [name: string, notes: string | null, country?: string]>> = {
  1: ["Paris", null],
  2: ["Parma", "Not far from Paris, says nobody"],
  3: ["Saint-Denis", "A suburb; write to info@saint-denis.example/paris_nord"],
  4: ["São Paulo", "100% Água"],
  5: ["Łódź", null],
  6: ["Weiß-Straße", `foo_bar O'Neill "quoted" back\\slash`],
  7: ["Berlin", "Capital of Germany", "DE"],
  8: ["Berlingen", null, "DE"],
  9: ["New York", "city of cities"],
  10: ["York", "new and old"],
  11: ["Hidden Paris", null],
  12: ["Москва", "столица"],
  13: ["Port Paris", null],
  14: ["Hiddan", null],
};

beforeAll(async () => {
  [api, plain] = await Promise.all([
    createModelsFixture({
      modelOptions: {
        City: {
          // option: models.search
          search: ["name", "notes"],
          access: {
            read: ({ viewer: { id } }) => (id === "limited" ? { id: { not: 11 } } : true),
            fields: {
              notes: { read: ({ viewer: { id } }) => id === null || id === "limited" },
              name: { read: ({ viewer: { id } }) => id !== "numbers" },
            },
          },
        },
      },
    }),
    createModelsFixture({
      generated: { ...generated, sql: "DROP EXTENSION pg_trgm" },
      modelOptions: {
        City: { search: ["name", "notes"] },
        // option: models.searchConfiguration
        Country: { search: ["capital", "name"], searchConfiguration: "pg_catalog.english" },
      },
    }),
  ]);
  for (const world of [api, plain]) {
    await world.query(
      "INSERT INTO country (code, name, capital, continent) VALUES ('FR', 'France', 'The running towns', 'EUROPE'), ('DE', 'Germany', NULL, 'EUROPE')",
    );
    for (const [id, [name, notes, country = "FR"]] of Object.entries(CITIES)) {
      await world.query(
        "INSERT INTO city (id, name, notes, country_code, population, latitude, longitude) VALUES ($1, $2, $3, $4, $1, 1, 1)",
        [id, name, notes, country],
      );
    }
  }
});
afterAll(() => Promise.all([api, plain].map((world) => world.stop())));

const idsOf = ({ nodes }: Answer): number[] =>
  (nodes as readonly { readonly id: string }[]).map(({ id }) => Number(id));

/** The ids of a list, in its order. */
async function found(search: string, world = api, viewer = ANONYMOUS): Promise<number[]> {
  const { cities } = await world.data(
    "query($search: String) { cities(search: $search) { totalCount nodes { id } } }",
    { search },
    viewer,
  );
  expect(cities.totalCount).toBe(cities.nodes.length);
  return idsOf(cities);
}

const sorted = (ids: readonly number[]): number[] => ids.toSorted((a, b) => a - b);

describe("a search", () => {
  test.each<[search: string, ids: readonly number[], why: string]>([
    ["paris", [1, 2, 3, 11, 13], "whole words in any field, whatever their case"],
    ["par", [1, 2, 3, 11, 13], "the beginning of the last word"],
    ["par york", [], "but not of others"],
    ["york new", [9, 10], "all words, in any order"],
    ["sao pau", [4], "letters without their accents"],
    ["lodz", [5], ""],
    ["weiss strasse", [6], ""],
    ["MOCKВА", [], ""],
    ["москв", [12], "any script"],
    ["info@saint", [3], "parts of addresses and paths"],
    ["nord", [3], ""],
    ["saint-den", [3], "words with signs between them side by side"],
    ['"new york"', [9], "quoted words side by side"],
    ["“new york”", [9], ""],
    ['"new yor"', [], "and as they are"],
    ['"new york', [9], ""],
    ["paris -parma", [1, 3, 11, 13], "without records that have a word with a minus"],
    ["york or berlin", [7, 8, 9, 10], "either of two"],
    ["o'neill", [6], "quotes and operators as gaps between words"],
    ["100%", [4], ""],
    ["foo_b", [6], ""],
    ["back\\slash", [6], ""],
    ["%", [], "nothing without a word"],
    ["_", [], ""],
    ["!!!", [], ""],
    ["\\", [], ""],
    ["':* & | <-> !(", [], ""],
    ["", Object.keys(CITIES).map(Number), "everything where it is blank"],
    ["  ", Object.keys(CITIES).map(Number), ""],
  ])("finds %s: %j %s", async (search, ids) => {
    expect(sorted(await found(search))).toEqual(ids);
    expect(sorted(await found(search, plain))).toEqual(ids);
  });

  test.each([
    ["berlni", [7]],
    ["pariss", [1, 2, 3, 11, 13]],
    ["sao paolo", [4]],
    ["germny capital", [7]],
    ['"berlni"', []],
    ["berlni or x", []],
    ["brl", []],
  ])("finds words with a wrong letter where pg_trgm is installed: %s", async (search, ids) => {
    expect(sorted(await found(search))).toEqual(ids);
    expect(await found(search, plain)).toEqual([]);
  });

  test("orders by how well records match, and then by similarity and key", async () => {
    // The text itself, its beginning, all words in the first field, and in others.
    expect(await found("paris", plain)).toEqual([1, 11, 13, 2, 3]);
    expect(await found("par", plain)).toEqual([1, 2, 11, 13, 3]);
    expect(await found("berlin", plain)).toEqual([7, 8]);
    expect(await found("paris")).toEqual([1, 13, 11, 2, 3]);
    expect((await found("pariss"))[0]).toBe(1);
    // "Parma" comes near, but there are records with the word itself.
    expect(await found("york")).toEqual([10, 9]);
    const { cities } = await api.data(
      `{ cities(search: "paris", orderBy: [{name: DESC}], first: 2) { nodes { id } } }`,
    );
    expect(idsOf(cities)).toEqual([3, 13]);
  });

  test("uses the words of a language where the config names it", async () => {
    const capital = async (search: string): Promise<Answer> =>
      (await plain.data(`{ countries(search: "${search}") { nodes { code } } }`)).countries.nodes;
    expect(await capital("town runs")).toEqual([{ code: "FR" }]);
    expect(await capital("the town")).toEqual([{ code: "FR" }]);
    expect(await capital("germany")).toEqual([{ code: "DE" }]);
    expect(await capital("the")).toEqual([]);
  });
});

describe("a searched list", () => {
  test("keeps to filter, ids and scope, in all that it shows", async () => {
    expect(await found("paris", api, LIMITED)).toEqual([1, 13, 2, 3]);
    // Words that come near count where no record has the words; one that the viewer may not see must not betray itself.
    expect(await found("hidden")).toEqual([11]);
    expect(await found("hidden", api, LIMITED)).toEqual([14]);
    const args = `search: "paris", where: {population: {gt: 1}}, ids: ["1", "2", "3", "11"]`;
    const read = async (viewer?: Viewer): Promise<Answer> =>
      api.data(
        `{ cities(${args}) { totalCount nodes { id } }
           citiesAggregate(${args}) { count sum { population } }
           citiesGroupBy(by: [countryCode], ${args}) { key { countryCode } count } }`,
        {},
        viewer,
      );
    expect(await read()).toMatchObject({
      cities: { totalCount: 3, nodes: [{ id: "11" }, { id: "2" }, { id: "3" }] },
      citiesAggregate: { count: 3, sum: { population: "16" } },
      citiesGroupBy: [{ key: { countryCode: "FR" }, count: 3 }],
    });
    expect(await read(LIMITED)).toMatchObject({
      cities: { totalCount: 2, nodes: [{ id: "2" }, { id: "3" }] },
      citiesAggregate: { count: 2, sum: { population: "5" } },
      citiesGroupBy: [{ count: 2 }],
    });
  });

  test("looks only into fields that the viewer may read, and is refused where there are none", async () => {
    const viewer = { id: "names" };
    expect([await found("paris", api, viewer), await found("suburb", api, viewer)]).toEqual([
      [1, 13, 11],
      [],
    ]);
    // In the notes of 10 there is "new", and in its name is "York".
    expect([await found("york new", api, viewer), await found("york -new", api, viewer)]).toEqual([
      [9],
      [10],
    ]);
    const { errors } = await api.execute(`{ cities(search: "a") { totalCount } }`, {}, { id: "numbers" });
    expect(errors?.[0]?.extensions["code"]).toBe("FORBIDDEN");
  });

  test("is one statement, nested lists with searches of their own included", async () => {
    api.sql.length = 0;
    const { countries } = await api.data(
      `{ countries(orderBy: [{name: ASC}]) { nodes { code
          near: cities(search: "berlni york") { nodes { id } }
          citiesAggregate(search: "york or berlin") { count max { population } }
          two: cities(search: "york or berlin", first: 1) { totalCount nodes { id } pageInfo { hasNextPage } } } } }`,
    );
    expect(countries.nodes).toEqual([
      {
        code: "FR",
        near: { nodes: [] },
        citiesAggregate: { count: 2, max: { population: 10 } },
        two: { totalCount: 2, nodes: [{ id: "10" }], pageInfo: { hasNextPage: true } },
      },
      {
        code: "DE",
        near: { nodes: [] },
        citiesAggregate: { count: 2, max: { population: 8 } },
        two: { totalCount: 2, nodes: [{ id: "7" }], pageInfo: { hasNextPage: true } },
      },
    ]);
    expect(api.sql).toHaveLength(1);
  });

  test("pages forward and backward over records that match equally well, without gaps", async () => {
    const whole = await found("par", plain);
    const walk = async (size: "first" | "last", cursor: "after" | "before"): Promise<number[]> => {
      const ids: number[] = [];
      for (let at: string | null = null; ids.length < whole.length;) {
        const { cities }: Answer = await plain.data(
          `query($at: String) { cities(search: "par", ${size}: 2, ${cursor}: $at) { edges { cursor node { id } } } }`,
          { at },
        );
        const edges = cities.edges as { readonly cursor: string; readonly node: { readonly id: string } }[];
        const page = edges.map(({ node }) => Number(node.id));
        ids.push(...(size === "first" ? page : page.toReversed()));
        at = (size === "first" ? edges.at(-1) : edges[0])?.cursor ?? null;
        expect(page.length).toBeGreaterThan(0);
      }
      return ids;
    };
    expect(await walk("first", "after")).toEqual(whole);
    expect(await walk("last", "before")).toEqual(whole.toReversed());
  });

  test("takes no cursor of another search", async () => {
    const { cities } = await api.data(`{ cities(search: "par", first: 1) { pageInfo { endCursor } } }`);
    const after = String(cities.pageInfo.endCursor);
    expect(await api.refused(`{ cities(search: "york", after: "${after}") { nodes { id } } }`)).toEqual({
      code: "VALIDATION_FAILED",
      message:
        'after is a cursor of a list ordered by relevance to "par" desc, id asc; this one is ordered by relevance to "york" desc, id asc. Use the same orderBy, or start again without after.',
    });
  });

  test.each([
    ["x".repeat(201), "search must have at most 200 characters, not 201. Look for its most telling words."],
    ["a\u0000b", "search cannot hold NUL characters or halves of characters."],
  ])("refuses what is not a search", async (search, message) => {
    const list = `query($search: String) { cities(search: $search) { totalCount } }`;
    const { errors } = await api.execute(list, { search });
    expect(errors?.[0]).toMatchObject({
      message,
      extensions: { code: "VALIDATION_FAILED", field: "search" },
    });
  });

  test("takes the longest search", async () => {
    expect(await found("y ".repeat(100))).toEqual([]);
    expect(await found(`${"абвг ".repeat(39)}paris`)).toEqual([]);
  });

  test("is refused by Prisma's reader, which cannot search", async () => {
    const search = { "#search": { text: "paris", fields: ["name"] } };
    await expect(
      api.listsOf("prisma").read("City", { count: { where: { AND: [search, { id: { gt: 0 } }] } } }),
    ).rejects.toMatchObject({
      code: "VALIDATION_FAILED",
      message: expect.stringContaining("POWERCRUD_READER=sql") as string,
    });
  });
});

test("finds the same records as a search word by word", async () => {
  const words = ["ab", "abc", "b", "bc", "Ä", "äb", "c-a", "c", "x1", "1"];
  const text = fc.array(fc.constantFrom(...words), { maxLength: 4 }).map((some) => some.join(" "));
  const naiveWords = (given: string): string[] =>
    given
      .normalize("NFKD")
      .replaceAll(/[\u0300-\u036f]/g, "")
      .toLowerCase()
      .split(/[\s-]+/)
      .filter((word) => word !== "");
  const has = (record: readonly string[], search: string): boolean => {
    const terms = search.split(" ").filter((term) => term !== "");
    return terms.every((term, at) => {
      const parts = naiveWords(term);
      const isLast = at === terms.length - 1;
      return record.some((_word, from) =>
        parts.every((part, offset) => {
          const word = record[from + offset] ?? "";
          return isLast && offset === parts.length - 1 ? word.startsWith(part) : word === part;
        }),
      );
    });
  };
  const records = fc.sample(fc.tuple(text, fc.option(text)), { numRuns: 60, seed: 7 });
  for (const world of [api, plain]) {
    await world.query(
      `INSERT INTO city (id, name, notes, country_code, population, latitude, longitude)
       SELECT 1000 + at, name, notes, 'DE', 0, 0, 0 FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS t (name, notes, at)`,
      [records.map(([name]) => name), records.map(([, notes]) => notes)],
    );
  }
  for (const search of fc.sample(text, { numRuns: 40, seed: 8 }).filter((some) => some !== "")) {
    const expected = records.flatMap(([name, notes], at) =>
      has([...naiveWords(name), ...naiveWords(notes ?? "")], search) ? [1001 + at] : [],
    );
    for (const world of [api, plain]) {
      const { cities } = await world.data(
        `query($search: String) { cities(search: $search, first: 1000, where: {id: {gt: 1000}}) { nodes { id } } }`,
        { search },
      );
      expect([search, sorted(idsOf(cities))]).toEqual([search, expected]);
    }
  }
});

describe("a config is refused at start", () => {
  test.each<[ModelOptionsMap, ...string[]]>([
    [
      { City: { search: ["nmae"] } },
      'models.City.search: "nmae" is not a text field of the model; did you mean name?',
    ],
    [
      { City: { search: ["population", "country", "status"] } },
      'models.City.search: "population" cannot be searched: it is of the type Int, not a text; known: name, countryCode, notes',
      'models.City.search: "country" cannot be searched: it is a relation; known: name, countryCode, notes',
      'models.City.search: "status" cannot be searched: it is of the type CityStatus, not a text; known: name, countryCode, notes',
    ],
    [
      { City: { search: ["name", "notes"], fields: { notes: { isExposed: false } } } },
      'models.City.search: "notes" cannot be searched: it is hidden; known: name, countryCode',
    ],
    [
      { Tag: { search: ["id", "label", "label"] } },
      'models.Tag.search: "id" cannot be searched: it is of the type uuid, not a text; known: label',
      'models.Tag.search: "label" is named twice',
    ],
    [{ City: { search: [] } }, "models.City.search must name at least one field; leave it out for none"],
    [
      { City: { searchConfiguration: "french" } },
      "models.City.searchConfiguration says how texts are searched, but models.City.search names no field",
    ],
    [
      { City: { search: ["name"], searchConfiguration: "simple'" } },
      `models.City.searchConfiguration must be the name of a text search configuration, such as french, but is "simple'"`,
    ],
  ])("%j", (models, ...problems) => {
    expect(() => readModels({ generated, models })).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", details: { problems } }) as Error,
    );
  });

  test("that names a configuration which the database does not have", async () => {
    const { models } = readModels({
      generated,
      models: { City: { search: ["name"], searchConfiguration: "frensh" } },
    });
    const shapes = createTableShapes({ query: (text, values) => api.query(text, values) as never });
    await expect(markNativeTypes(models, shapes)).rejects.toMatchObject({
      code: "INVALID_CONFIG",
      message:
        "models.City.searchConfiguration: the database has no text search configuration frensh; did you mean french?",
    });
  });
});
