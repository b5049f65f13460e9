import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Answer, ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

let api: ModelsFixture;

beforeAll(async () => {
  api = await createModelsFixture();
});
afterAll(() => api.stop());

beforeEach(async () => {
  await api.query(
    emptying(`country, language, city, tag, "_CityToTag", "_CountryToLanguage", powercrud.task`),
  );
  await api.query(`DELETE FROM powercrud.lock`);
  await api.query(
    `INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE'), ('DE', 'Germany', 'EUROPE')`,
  );
  await api.query(`INSERT INTO language VALUES ('fr', 'French'), ('de', 'German')`);
  await api.query(
    `INSERT INTO city (id, name, country_code, population, latitude, longitude)
     VALUES (1, 'Paris', 'FR', 2000000, 48.8, 2.3), (2, 'Lyon', 'FR', 500000, 45.7, 4.8)`,
  );
});

const ERRORS = `... on Error { message code } ... on ValidationError { problems { field code message } }
  ... on ConflictError { totalConflicts conflicts { model recordId heldBy { id createdBy progress { total processed } } } }`;
const CREATE = `mutation ($data: CityCreateInput!) { createCity(data: $data) { __typename ${ERRORS}
  ... on CreateCityPayload { city { id name status population country { name } tags { nodes { id label } totalCount } updatedAt } } } }`;
const UPDATE = `mutation ($id: ID!, $data: CityUpdateInput!) { updateCity(id: $id, data: $data) { __typename ${ERRORS}
  ... on UpdateCityPayload { city { id name notes population countryCode country { name } tags(orderBy: [{label: ASC}]) { nodes { label } } } } } }`;
const DELETE = `mutation ($id: ID!) { deleteCity(id: $id) { __typename ${ERRORS}
  ... on DeleteCityPayload { city { id name country { name } } } } }`;
const BERLIN = { id: 3, name: "Berlin", countryCode: "DE", population: 3, latitude: 52.5, longitude: 13.4 };

async function create(data: object): Promise<Answer> {
  return (await api.data(CREATE, { data })).createCity;
}
async function update(id: string, data: object): Promise<Answer> {
  return (await api.data(UPDATE, { id, data })).updateCity;
}
async function remove(id: string): Promise<Answer> {
  return (await api.data(DELETE, { id })).deleteCity;
}
async function city(id: number): Promise<Answer> {
  return (await api.query("SELECT * FROM city WHERE id = $1", [id]))[0];
}
async function createTag(label: string): Promise<string> {
  const { createTag: made } = await api.data(
    `mutation ($label: String!) { createTag(data: {label: $label}) { ... on CreateTagPayload { tag { id } } } }`,
    { label },
  );
  return made.tag.id;
}

describe("create", () => {
  test("writes the record with its defaults, and returns it with relations", async () => {
    const made = await create(BERLIN);
    expect(made).toMatchObject({
      __typename: "CreateCityPayload",
      city: {
        id: "3",
        name: "Berlin",
        status: "ACTIVE",
        country: { name: "Germany" },
        tags: { totalCount: 0 },
      },
    });
    expect(await city(3)).toMatchObject({ name: "Berlin", country_code: "DE" });
  });

  test("generates a key that has a default, and links by id", async () => {
    const tag = await createTag("capital");
    const made = await create({ ...BERLIN, tags: [tag, tag] });
    expect(made.city.tags).toEqual({ nodes: [{ id: tag, label: "capital" }], totalCount: 1 });
  });

  test("names the field of a value that must be unique", async () => {
    await createTag("capital");
    const { createTag: refused } = await api.data(
      `mutation { createTag(data: {label: "capital"}) { __typename ${ERRORS} } }`,
    );
    expect(refused).toMatchObject({
      __typename: "ValidationError",
      code: "CONSTRAINT_VIOLATED",
      problems: [{ field: "label", message: "label must be unique: another record has capital." }],
    });
    expect((await create({ ...BERLIN, id: 1 })).problems).toMatchObject([{ field: "id" }]);
  });

  test("names a foreign key to a missing record", async () => {
    expect(await create({ ...BERLIN, countryCode: "XX" })).toMatchObject({
      __typename: "ValidationError",
      problems: [{ field: "countryCode", code: "CONSTRAINT_VIOLATED" }],
    });
    expect(await city(3)).toBeUndefined();
  });

  test("names every field that cannot be null, and writes nothing", async () => {
    const refused = await create({ ...BERLIN, status: null, tags: null });
    expect(refused.problems.map((problem: { field: string }) => problem.field)).toEqual(["status", "tags"]);
    expect(await city(3)).toBeUndefined();
  });

  test("refuses a text that is too long for its column", async () => {
    expect(await create({ ...BERLIN, countryCode: "DEU" })).toMatchObject({ __typename: "ValidationError" });
  });

  test("names missing links", async () => {
    const id = "0195f8f0-0000-7000-8000-000000000000";
    expect((await create({ ...BERLIN, tags: [id] })).problems).toMatchObject([
      { field: "tags", message: `tags: there is no Tag ${id}.` },
    ]);
    expect(await city(3)).toBeUndefined();
  });
});

describe("update", () => {
  test("writes only the named fields", async () => {
    await api.query("UPDATE city SET population = 7 WHERE id = 1");
    expect(await update("1", { notes: "n" })).toMatchObject({
      city: { notes: "n", population: 7, name: "Paris" },
    });
    expect(await update("1", { notes: null })).toMatchObject({ city: { notes: null } });
  });

  test("adds, removes and replaces links", async () => {
    const [a, b, c] = [await createTag("a"), await createTag("b"), await createTag("c")];
    const labels = async (tags: object): Promise<unknown> =>
      (await update("1", { tags })).city.tags.nodes.map((tag: { label: string }) => tag.label);
    expect(await labels({ add: [a, b] })).toEqual(["a", "b"]);
    expect(await labels({ add: [c], remove: [a] })).toEqual(["b", "c"]);
    expect(await labels({ set: [a] })).toEqual(["a"]);
    expect(await labels({ set: [] })).toEqual([]);
    expect((await update("1", { tags: { set: [a], add: [b] } })).problems).toMatchObject([{ field: "tags" }]);
    expect((await update("1", { tags: { add: [a, c], remove: [c] } })).problems).toMatchObject([
      { field: "tags", message: `City.tags: Tag ${c} is in add and in remove. Give it in one of them.` },
    ]);
  });

  test("refuses a missing record, a malformed id and an empty change", async () => {
    expect(await update("77", { name: "x" })).toMatchObject({
      __typename: "NotFoundError",
      code: "NOT_FOUND",
    });
    expect(await update("x", { name: "x" })).toMatchObject({
      problems: [{ field: "id", code: "VALIDATION_FAILED" }],
    });
    expect(await update("1", {})).toMatchObject({ __typename: "ValidationError" });
  });

  test("names a foreign key to a missing record", async () => {
    expect(await update("1", { countryCode: "XX" })).toMatchObject({ problems: [{ field: "countryCode" }] });
    expect(await city(1)).toMatchObject({ country_code: "FR" });
  });

  test("keeps 64-bit numbers whole", async () => {
    const { updateCountry } = await api.data(
      `mutation { updateCountry(id: "FR", data: {population: "9007199254740993"}) { ... on UpdateCountryPayload { country { population } } } }`,
    );
    expect(updateCountry.country.population).toBe("9007199254740993");
  });
});

describe("a statement that the database cancels", () => {
  test("is refused as retryable, not as a fault", async () => {
    await api.query(`
      CREATE FUNCTION give_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'canceling statement due to statement timeout' USING ERRCODE = 'query_canceled';
      END $$;
      CREATE TRIGGER give_up BEFORE UPDATE ON city FOR EACH ROW EXECUTE FUNCTION give_up()`);
    const refused = await update("1", { notes: "n" });
    await api.query("DROP TRIGGER give_up ON city");
    expect(refused).toMatchObject({
      __typename: "UnavailableError",
      message:
        "A statement was given up after 60 s, most likely because another database session holds one of the records. Nothing was changed. Try again later.",
    });
  });
});

describe("delete", () => {
  test("returns the record as it was", async () => {
    expect(await remove("1")).toMatchObject({
      city: { id: "1", name: "Paris", country: { name: "France" } },
    });
    expect(await city(1)).toBeUndefined();
    expect(await remove("1")).toMatchObject({ __typename: "NotFoundError" });
  });

  test("names the model that still refers to it", async () => {
    const { deleteCountry } = await api.data(`mutation { deleteCountry(id: "FR") { __typename ${ERRORS} } }`);
    expect(deleteCountry).toMatchObject({
      __typename: "ValidationError",
      message: "It is still referred to by records of City.",
    });
  });
});

describe("a record that a task holds", () => {
  test("is neither updated nor deleted; the refusal names it, the task, its owner and its progress", async () => {
    const { task, release } = await api.hold([{ model: "City", ids: ["1"] }]);
    const conflict = {
      __typename: "ConflictError",
      code: "CONFLICT",
      totalConflicts: 1,
      conflicts: [
        {
          model: "City",
          recordId: "1",
          heldBy: { id: task.id, createdBy: "ann", progress: { total: 10, processed: 0 } },
        },
      ],
    };
    expect(await update("1", { name: "x" })).toMatchObject(conflict);
    expect(await update("001", { name: "x" })).toMatchObject(conflict);
    expect(await remove("1")).toMatchObject(conflict);
    expect(await city(1)).toMatchObject({ name: "Paris" });
    expect(await update("2", { name: "x" })).toMatchObject({ city: { name: "x" } });
    await release();
    expect(await update("1", { name: "y" })).toMatchObject({ city: { name: "y" } });
  });

  test("cannot be linked with", async () => {
    const tag = await createTag("a");
    await api.hold([{ model: "Tag", ids: [tag] }]);
    expect(await update("1", { tags: { add: [tag] } })).toMatchObject({ __typename: "ConflictError" });
  });

  test("a model that a task holds accepts no new records, with or without an id", async () => {
    const { release } = await api.hold([{ model: "City", ids: "all" }]);
    expect(await create(BERLIN)).toMatchObject({
      __typename: "ConflictError",
      conflicts: [{ model: "City", recordId: null }],
    });
    expect(await update("2", { name: "x" })).toMatchObject({ __typename: "ConflictError" });
    await release();
    expect(await create(BERLIN)).toMatchObject({ __typename: "CreateCityPayload" });
    await api.hold([{ model: "Tag", ids: "all" }]);
    const { createTag: refused } = await api.data(
      `mutation { createTag(data: {label: "x"}) { __typename } }`,
    );
    expect(refused.__typename).toBe("ConflictError");
  });

  test("a held record does not block new ones", async () => {
    await api.hold([{ model: "City", ids: ["1"] }]);
    expect(await create(BERLIN)).toMatchObject({ __typename: "CreateCityPayload" });
  });
});

test("nothing is written while locks cannot be entered", async () => {
  const down = await createModelsFixture();
  try {
    // Every way into the gate computes its key.
    await down.query(`
      CREATE OR REPLACE FUNCTION powercrud.gate_key(model text) RETURNS bigint
      LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'starting up' USING ERRCODE = 'cannot_connect_now'; END $$`);
    await down.query(`INSERT INTO language VALUES ('fr', 'French')`);
    const refused = { __typename: "UnavailableError", code: "UNAVAILABLE" };
    expect(
      await down.data(`mutation {
        a: updateLanguage(id: "fr", data: {name: "x"}) { __typename ... on Error { code } }
        b: deleteLanguage(id: "fr") { __typename ... on Error { code } }
        c: createLanguage(data: {code: "de", name: "German"}) { __typename ... on Error { code } } }`),
    ).toEqual({ a: refused, b: refused, c: refused });
    expect(await down.query("SELECT * FROM language")).toEqual([{ code: "fr", name: "French" }]);
  } finally {
    await down.stop();
  }
});

test("many simultaneous writes of links do not exhaust the connections", async () => {
  const tag = await createTag("a");
  const results = await Promise.all(
    Array.from({ length: 40 }, (_, at) => create({ ...BERLIN, id: 100 + at, tags: [tag] })),
  );
  expect(results.map((result) => result.__typename)).toEqual(results.map(() => "CreateCityPayload"));
});
