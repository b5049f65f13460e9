import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ModelOptionsMap, Viewer } from "../../../src/index.ts";
import { codeBlocks } from "../../support/markdown-code.ts";
import type { Answer, ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";
import { APP, calls } from "./nested-app.ts";

const SMALL: Viewer = { id: "small" };
const FIELDS = `__typename ... on Error { code message } ... on ValidationError { problems { code field message } }
  ... on ConflictError { conflicts { model } }`;
const TAGS = `city { id tags(first: 10, orderBy: [{label: ASC}]) { nodes { label } } }`;
const READ = `country { code updatedAt cities(first: 10, orderBy: [{id: ASC}]) { nodes { id name } } }`;

let api: ModelsFixture;

async function fill(): Promise<void> {
  calls.length = 0;
  await api.query(emptying("city, country, tag, powercrud.task"));
  await api.query("DELETE FROM powercrud.lock");
  await api.query(
    "INSERT INTO country (code, name, continent, updated_at) VALUES ('FR', 'France', 'EUROPE', '2021-01-01')",
  );
  await api.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude)
    VALUES (1, 'Paris', 'FR', 1, 1, 1), (2, 'Lyon', 'FR', 200, 2, 2)`);
}

function create(cities: unknown, viewer?: Viewer): Promise<Answer> {
  const data = { code: "MC", name: "Monaco", continent: "EUROPE", cities };
  return run(
    `mutation ($data: CountryCreateInput!) {
    it: createCountry(data: $data) { ${FIELDS} ... on CreateCountryPayload { ${READ} } } }`,
    { data },
    viewer,
  );
}

function update(data: unknown, more = "", viewer?: Viewer): Promise<Answer> {
  return run(
    `mutation ($data: CountryUpdateInput!) {
    it: updateCountry(id: "FR", data: $data ${more}) { ${FIELDS} ... on UpdateCountryPayload { ${READ} } } }`,
    { data },
    viewer,
  );
}

async function run(source: string, variables: Record<string, unknown>, viewer?: Viewer): Promise<Answer> {
  return (await api.data(source, variables, viewer)).it;
}

function updateCity(data: unknown, viewer?: Viewer, id = "1"): Promise<Answer> {
  return run(
    `mutation ($id: ID!, $data: CityUpdateInput!) {
    it: updateCity(id: $id, data: $data) { ${FIELDS} ... on UpdateCityPayload { ${TAGS} } } }`,
    { id, data },
    viewer,
  );
}

function createCity(data: object, viewer?: Viewer): Promise<Answer> {
  return run(
    `mutation ($data: CityCreateInput!) {
    it: createCity(data: $data) { ${FIELDS} ... on CreateCityPayload { ${TAGS} } } }`,
    { data: { ...city(9), countryCode: "FR", ...data } },
    viewer,
  );
}

async function insertTag(label: string): Promise<string> {
  const [tag] = await api.query("INSERT INTO tag VALUES (gen_random_uuid(), $1) RETURNING id::text", [label]);
  return tag?.["id"] as string;
}

function city(id: number, more: object = {}): object {
  return { id, name: `City ${id}`, population: 1, latitude: 1, longitude: 1, ...more };
}

function labelsOf({ city: { tags } }: Answer): string[] {
  return tags.nodes.map(({ label }: { label: string }) => label);
}

function everything(): Promise<unknown> {
  return api.query(`SELECT (SELECT jsonb_agg(to_jsonb(c) ORDER BY c.code) FROM country c) AS countries,
    (SELECT jsonb_agg(to_jsonb(c) ORDER BY c.id) FROM city c) AS cities, (SELECT count(*)::int FROM "_CityToTag") AS links,
    (SELECT count(*)::int FROM tag) AS tags`);
}

/** Runs a write that must be refused, and checks that it changed nothing. */
async function refused(write: () => Promise<Answer>): Promise<Answer> {
  const before = await everything();
  const answer = await write();
  expect(answer.__typename).toMatch(/Error$/);
  expect(await everything()).toEqual(before);
  return answer;
}

describe.each([
  ["plain", {}],
  ["with the app's hooks and scopes", APP],
])("records written together with another, %s:", (_how, modelOptions: ModelOptionsMap) => {
  beforeAll(async () => {
    api = await createModelsFixture({ modelOptions });
  });
  afterAll(() => api.stop());
  beforeEach(fill);

  test("creates and connects records with a new one", async () => {
    const tag = await insertTag("port");
    const answer = await create({ create: [city(8, { tags: [tag] }), city(9)], connect: ["2"] });
    expect(answer.country.cities.nodes).toEqual([
      { id: "2", name: "Lyon" },
      { id: "8", name: "City 8" },
      { id: "9", name: "City 9" },
    ]);
    expect(await api.query(`SELECT "A" FROM "_CityToTag"`)).toEqual([{ A: 8 }]);
  });

  test("writes lists of a record that is there, with and without a change of its own", async () => {
    const named = await update({ name: "La France", cities: { create: [city(9)] } });
    expect(named.country.cities.nodes.map(({ id }: { id: string }) => id)).toEqual(["1", "2", "9"]);
    const bare = await update({ cities: { create: [city(8)], connect: ["1"] } });
    expect(bare.country.cities.nodes.map(({ id }: { id: string }) => id)).toEqual(["1", "2", "8", "9"]);
    expect(await api.query("SELECT name FROM country")).toEqual([{ name: "La France" }]);
  });

  test("creates records with a new one that it is linked with, beside those that are there, from both sides", async () => {
    const answer = await createCity({
      tags: [await insertTag("old")],
      createTags: [{ label: "port" }, { label: "sea" }],
    });
    expect(labelsOf(answer)).toEqual(["old", "port", "sea"]);
    const { tag } = await run(
      `mutation ($data: TagCreateInput!) { it: createTag(data: $data) { ${FIELDS} ... on CreateTagPayload {
        tag { label cities(first: 10, orderBy: [{id: ASC}]) { nodes { id name country { code } } } } } } }`,
      { data: { label: "new", cities: ["2"], createCities: [city(7, { countryCode: "FR" })] } },
    );
    expect(tag.cities.nodes).toEqual([
      { id: "2", name: "Lyon", country: { code: "FR" } },
      { id: "7", name: "City 7", country: { code: "FR" } },
    ]);
  });

  test("creates records with one that is there and linked with them, beside every change of its links", async () => {
    const [one, two] = [await insertTag("one"), await insertTag("two")];
    const createTags = (label: string) => ({ createTags: [{ label }] });
    expect(labelsOf(await updateCity(createTags("a")))).toEqual(["a"]);
    expect(labelsOf(await updateCity({ name: "P", tags: { add: [one] }, ...createTags("b") }))).toEqual([
      "a",
      "b",
      "one",
    ]);
    expect(labelsOf(await updateCity({ tags: { set: [two] }, ...createTags("c") }))).toEqual(["c", "two"]);
    expect(labelsOf(await updateCity({ tags: { remove: [two] }, ...createTags("d") }))).toEqual(["c", "d"]);
    expect(await api.query("SELECT name FROM city WHERE id = 1")).toEqual([{ name: "P" }]);
  });

  const ID = "0195f8f0-0000-7000-8000-00000000000b";

  test.each([
    [
      "a character that cannot be stored",
      [{ label: "x" }, { label: "y\u0000" }],
      "createTags.1.label",
      "VALIDATION_FAILED",
    ],
    ["a malformed key", [{ label: "x" }, { id: "y", label: "y" }], "createTags.1.id", "VALIDATION_FAILED"],
    [
      "two of the same key",
      [
        { id: ID, label: "x" },
        { id: ID, label: "y" },
      ],
      "createTags.1",
      "VALIDATION_FAILED",
    ],
    [
      "a value that is taken",
      [{ label: "x" }, { label: "taken" }],
      "createTags.1.label",
      "CONSTRAINT_VIOLATED",
    ],
    ["null in the place of a list", null, "createTags", "VALIDATION_FAILED"],
    [
      "too many",
      Array.from({ length: 1001 }, (_, at) => ({ label: String(at) })),
      "createTags",
      "VALIDATION_FAILED",
    ],
  ])(
    "refuses %s among linked records, with its path, and writes nothing",
    async (_what, createTags, field, code) => {
      await insertTag("taken");
      for (const write of [() => createCity({ createTags }), () => updateCity({ name: "x", createTags })]) {
        const { problems } = await refused(write);
        expect(problems).toEqual([{ code, field, message: expect.stringContaining(field) }]);
      }
    },
  );

  test("writes no linked records while a task holds one of them, or the record that they are linked with", async () => {
    for (const [model, id] of [
      ["City", "1"],
      ["City", "9"],
      ["Tag", ID],
    ] as const) {
      const { release } = await api.hold([{ model, ids: [id] }]);
      const data = { createTags: [{ id: ID, label: "x" }] };
      const answer = await refused(() => (id === "9" ? createCity(data) : updateCity(data)));
      expect(answer).toMatchObject({
        code: "CONFLICT",
        message: expect.stringContaining(`${model} ${id} is held`),
        conflicts: [{ model }],
      });
      await release();
    }
  });

  test("writes nothing where the record has changed, or is not there", async () => {
    const data = { cities: { create: [city(9)] } };
    const stale = await refused(() => update(data, `expectedUpdatedAt: "2020-01-01T00:00:00Z"`));
    expect(stale.code).toBe("STALE_RECORD");
    await api.query("DELETE FROM city");
    await api.query("DELETE FROM country");
    expect(await refused(() => update(data))).toMatchObject({ code: "NOT_FOUND" });
  });

  test.each([
    [
      "a character that cannot be stored",
      { create: [city(8), city(9, { name: "x\u0000" })] },
      "cities.1.name",
      "VALIDATION_FAILED",
    ],
    ["a key that is taken", { create: [city(8), city(1), city(9)] }, "cities.1.id", "CONSTRAINT_VIOLATED"],
    ["two of the same key", { create: [city(8), city(8)] }, "cities.1", "VALIDATION_FAILED"],
    [
      "a link to nothing",
      { create: [city(8, { tags: ["0195f8f0-0000-7000-8000-00000000000a"] })] },
      "cities.0.tags",
      "CONSTRAINT_VIOLATED",
    ],
    [
      "a record to connect that is not there",
      { connect: ["1", "5"] },
      "cities.connect.1",
      "CONSTRAINT_VIOLATED",
    ],
    ["a malformed id", { connect: ["x"] }, "cities.connect.0.id", "VALIDATION_FAILED"],
    ["an id twice", { connect: ["1", "01"] }, "cities.connect.1.id", "VALIDATION_FAILED"],
    ["null in the place of a list", null, "cities", "VALIDATION_FAILED"],
    ["neither of both", {}, "cities", "VALIDATION_FAILED"],
    [
      "too many",
      { connect: Array.from({ length: 1001 }, (_, at) => String(at)) },
      "cities",
      "VALIDATION_FAILED",
    ],
  ])("refuses %s, with its path, and writes nothing", async (_what, cities, field, code) => {
    for (const write of [() => create(cities), () => update({ name: "x", cities })]) {
      const { problems } = await refused(write);
      expect(problems).toEqual([{ code, field, message: expect.stringContaining(field) }]);
    }
  });

  test("refuses a change that names nothing", async () => {
    expect(await refused(() => update({ cities: { connect: [] } }))).toMatchObject({
      code: "VALIDATION_FAILED",
    });
  });

  test("writes nothing while a task holds one of the records", async () => {
    for (const [model, id] of [
      ["City", "1"],
      ["City", "9"],
      ["Country", "FR"],
      ["Country", "MC"],
    ] as const) {
      const { release } = await api.hold([{ model, ids: [id] }]);
      const write = id === "MC" ? create : (cities: unknown) => update({ cities });
      const answer = await refused(() => write({ create: [city(9)], connect: ["1"] }));
      expect(answer).toMatchObject({
        code: "CONFLICT",
        message: expect.stringContaining(`${model} ${id} is held`),
        conflicts: [{ model }],
      });
      await release();
    }
  });
});

describe("the app's rules for records that are written together with another:", () => {
  beforeAll(async () => {
    api = await createModelsFixture({ modelOptions: APP });
  });
  afterAll(() => api.stop());
  beforeEach(fill);

  test("the examples of the guide do what it says", async () => {
    const [created = "", connected = "", linked = ""] = codeBlocks(
      await readFile("docs/nested-writes.md", "utf8"),
      "graphql",
    );
    expect(await api.data(created)).toEqual({
      createCountry: { country: { code: "MC", cities: { totalCount: 2 } } },
    });
    expect(await api.data(connected)).toEqual({
      updateCountry: { country: { cities: { nodes: [{ id: "1" }, { id: "2" }, { id: "2993458" }] } } },
    });
    expect(await api.data(linked)).toEqual({
      updateCity: { city: { tags: { nodes: [{ label: "capital" }, { label: "port" }] } } },
    });
  });

  test("linked records: hooks see their link, and refuse the whole", async () => {
    await createCity({ createTags: [{ label: "a" }] });
    await updateCity({ createTags: [{ label: "b" }] });
    expect(calls.filter((call) => call.startsWith("create ["))).toEqual([
      'create [{"set":"a"},{"add":["9"]}]',
      'create [{"set":"b"},{"add":["1"]}]',
    ]);
    const { problems } = await refused(() =>
      updateCity({ name: "x", createTags: [{ label: "a2" }, { label: "refused" }] }),
    );
    expect(problems).toMatchObject([{ field: "createTags.1", message: "createTags.1: No tag is refused." }]);
  });

  test("linked records: viewers need the right to create them and to write the links, and stay within their scopes", async () => {
    const createTags = [{ label: "port" }];
    const untagged = await refused(() => updateCity({ name: "x", createTags }, { id: "untagged" }));
    expect(untagged).toMatchObject({ code: "FORBIDDEN", message: "You may not create any Tag." });
    for (const write of [updateCity, createCity]) {
      const unlinked = await refused(() => write({ createTags }, { id: "unlinked" }));
      expect(unlinked).toMatchObject({ code: "FORBIDDEN", message: "You may not write City.tags." });
    }
    const outside = await refused(() => updateCity({ name: "x", createTags }, SMALL));
    expect(outside.problems).toMatchObject([{ code: "VALIDATION_FAILED", field: "createTags.0" }]);
    const hidden = await refused(() => updateCity({ createTags: [{ label: "sea" }] }, SMALL, "2"));
    expect(hidden.code).toBe("NOT_FOUND");
    expect(labelsOf(await updateCity({ createTags: [{ label: "sea" }] }, SMALL))).toEqual(["sea"]);
  });

  test("hooks see them as in writes of their own", async () => {
    await create({ create: [city(8), city(9)], connect: ["1"] });
    expect(calls).toEqual(["create 8 of MC", "create 9 of MC", "updated 1 to MC"]);
  });

  test("validators and hooks refuse the whole", async () => {
    const invalid = await refused(() => create({ create: [city(8), city(9, { name: "invalid" })] }));
    expect(invalid.problems).toEqual([
      { code: "VALIDATION_FAILED", field: "cities.1.name", message: "cities.1.name: No city is invalid." },
    ]);
    const hooked = await refused(() =>
      update({ name: "x", cities: { create: [city(8, { name: "refused" })] } }),
    );
    expect(hooked.problems).toEqual([
      { code: "VALIDATION_FAILED", field: "cities.0", message: "cities.0: No city is refused." },
    ]);
  });

  test("viewers connect and create only what is within their scope", async () => {
    const hidden = await refused(() => create({ connect: ["1", "2"] }, SMALL));
    expect(hidden.problems).toEqual([
      {
        code: "CONSTRAINT_VIOLATED",
        field: "cities.connect.1",
        message: "cities.connect.1: there is no City 2.",
      },
    ]);
    const outside = await refused(() => create({ create: [city(9, { population: 500 })] }, SMALL));
    expect(outside.problems).toMatchObject([{ code: "VALIDATION_FAILED", field: "cities.0" }]);
    expect((await create({ create: [city(9)], connect: ["1"] }, SMALL)).country.cities.nodes).toHaveLength(2);
  });
});

test("lists that callers may not write are not in the inputs", async () => {
  const inputs = async (options: ModelOptionsMap): Promise<unknown> => {
    api = await createModelsFixture({ modelOptions: options });
    try {
      const { of, create: created } = await api.data(
        `{ of: __type(name: "CountryUpdateInput") { inputFields { name } }
           create: __type(name: "CountryNestedCitiesInput") { inputFields { name } } }`,
      );
      return { isNested: JSON.stringify(of).includes("cities"), has: JSON.stringify(created) };
    } finally {
      await api.stop();
    }
  };
  expect(await inputs({ City: { fields: { countryCode: { isReadOnly: true } } } })).toEqual({
    isNested: false,
    has: "null",
  });
  expect(await inputs({ Country: { fields: { cities: { isReadOnly: true } } } })).toMatchObject({
    isNested: false,
  });
});
