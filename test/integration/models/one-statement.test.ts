import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Answer, ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

/** One database as it is, and one whose trigger, which does nothing, makes guard and write two statements. */
let worlds: readonly ModelsFixture[] = [];

beforeAll(async () => {
  worlds = [await createModelsFixture(), await createModelsFixture()];
  for (const world of worlds) {
    await world.query("ALTER TABLE city ADD CONSTRAINT small CHECK (population < 1000)");
    await world.query("CREATE UNIQUE INDEX own_notes ON city (notes)");
  }
  await worlds[1]?.query(`
    CREATE FUNCTION pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN coalesce(NEW, OLD); END $$;
    CREATE TRIGGER pass BEFORE INSERT OR UPDATE OR DELETE ON city FOR EACH ROW EXECUTE FUNCTION pass()`);
});
afterAll(() => Promise.all(worlds.map((world) => world.stop())));
beforeEach(async () => {
  for (const world of worlds) {
    await world.query(emptying("city, country, tag, powercrud.task"));
    await world.query("DELETE FROM powercrud.lock");
    await world.query("INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE')");
    await world.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude, notes, updated_at)
      VALUES (1, 'Paris', 'FR', 1, 1.5, 1, 'one', '2021-01-01'), (2, 'Lyon', 'FR', 2, 2, 2, 'two', '2021-01-01')`);
  }
});

const CITY = "city { id name status countryCode population latitude elevation notes }";
const ERRORS =
  "__typename ... on Error { code message } ... on ValidationError { problems { code field message } }";
const NEW = `id: 9, name: "Nice", countryCode: "FR", population: 9, latitude: 9, longitude: 9`;

/** The answers of both databases, which must be the same, with the records afterwards. */
async function both(mutation: string): Promise<Answer> {
  const [one, two] = await Promise.all(
    worlds.map(async (world) => {
      const payload = `${mutation.slice(0, 1).toUpperCase()}${/^\w+/.exec(mutation)?.[0].slice(1)}Payload`;
      const { it } = await world.data(
        `mutation { it: ${mutation} { ${ERRORS} ... on ${payload} { ${CITY} } } }`,
      );
      const cities = await world.query(
        "SELECT id, name, notes, population, updated_at > now() - interval '1 hour' AS touched FROM city ORDER BY id",
      );
      // Each world has a task of its own.
      const answer: unknown = JSON.parse(JSON.stringify(it).replaceAll(/task [0-9a-f-]{36}/g, "a task"));
      return { it: answer, cities };
    }),
  );
  expect(two).toEqual(one);
  return one?.it;
}

test.each([
  ["an update", `updateCity(id: "1", data: {name: "x", elevation: 5, notes: null})`, "UpdateCityPayload"],
  [
    "an update of an expected state",
    `updateCity(id: "1", data: {name: "x"}, expectedUpdatedAt: "2021-01-01T00:00:00Z")`,
    "UpdateCityPayload",
  ],
  [
    "a stale update",
    `updateCity(id: "1", data: {name: "x"}, expectedUpdatedAt: "2020-01-01T00:00:00Z")`,
    "StaleCityError",
  ],
  ["an update of nothing", `updateCity(id: "5", data: {name: "x"})`, "NotFoundError"],
  ["a value that must be unique", `updateCity(id: "1", data: {notes: "two"})`, "ValidationError"],
  ["a broken rule", `updateCity(id: "1", data: {population: 1000})`, "ValidationError"],
  ["a foreign key to nothing", `updateCity(id: "1", data: {countryCode: "XX"})`, "ValidationError"],
  ["a text that is too long", `updateCity(id: "1", data: {countryCode: "FRA"})`, "ValidationError"],
  ["a create", `createCity(data: {${NEW}})`, "CreateCityPayload"],
  ["a create under a key that is taken", `createCity(data: {${NEW.replace("9", "1")}})`, "ValidationError"],
])("%s by one statement is answered as by two", async (_what, mutation, typename) => {
  const answer = await both(mutation);
  expect(answer.__typename).toBe(typename);
});

test("a delete and an upsert by one statement are answered as by two", async () => {
  for (const [mutation, typename] of [
    [`upsertCity(id: "9", create: {${NEW}}, update: {name: "x"})`, "UpsertCityPayload"],
    [`upsertCity(id: "9", create: {${NEW}}, update: {name: "x"})`, "UpsertCityPayload"],
    [`deleteCity(id: "9")`, "DeleteCityPayload"],
    [`deleteCity(id: "9")`, "NotFoundError"],
  ] as const) {
    expect((await both(mutation)).__typename).toBe(typename);
  }
});

test("a payload of columns needs no statement of its own, and one with a relation is read", async () => {
  const [world] = worlds as [ModelsFixture];
  const statements = async (selection: string): Promise<number> => {
    const mutation = `mutation { updateCity(id: "1", data: {name: "y"}) { ... on UpdateCityPayload { city { ${selection} } } } }`;
    await world.data(mutation);
    world.sql.length = 0;
    await world.data(mutation);
    return world.sql.length;
  };
  expect(await statements("id name updatedAt")).toBe(1);
  expect(await statements("id country { name }")).toBe(2);
});

test("a held record is refused by one statement as by two", async () => {
  const holders = await Promise.all(worlds.map((world) => world.hold([{ model: "City", ids: ["1", "9"] }])));
  for (const mutation of [
    `updateCity(id: "1", data: {name: "x"})`,
    `createCity(data: {${NEW}})`,
    `deleteCity(id: "1")`,
    `upsertCity(id: "1", create: {${NEW.replace("9", "1")}}, update: {name: "x"})`,
  ]) {
    const answer = await both(mutation);
    expect(answer).toMatchObject({ __typename: "ConflictError", code: "CONFLICT" });
  }
  await Promise.all(holders.map(({ release }) => release()));
});
