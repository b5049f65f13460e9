import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Answer, ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

let api: ModelsFixture;

beforeAll(async () => {
  api = await createModelsFixture({
    modelOptions: {
      City: { access: ({ viewer }) => (viewer.id === "fr" ? { countryCode: { equals: "FR" } } : true) },
    },
  });
});
afterAll(() => api.stop());

const SEEN = "2026-01-31T12:00:00.123Z";

beforeEach(async () => {
  await api.query(emptying("country, city, powercrud.task"));
  await api.query(`DELETE FROM powercrud.lock`);
  await api.query(
    `INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE'), ('DE', 'Germany', 'EUROPE')`,
  );
  await api.query(
    `INSERT INTO city (id, name, country_code, population, latitude, longitude, updated_at) VALUES
     (1, 'Paris', 'FR', 2000000, 48.8, 2.3, $1), (2, 'Berlin', 'DE', 3000000, 52.5, 13.4, $1)`,
    [SEEN],
  );
});

const STALE = `... on Error { message code } ... on StaleCityError { current { id name country { name } updatedAt } }
  ... on ValidationError { problems { field } }`;
const UPDATE = `mutation ($id: ID!, $name: String, $at: DateTime) {
  updateCity(id: $id, data: {name: $name}, expectedUpdatedAt: $at) { __typename ${STALE} ... on UpdateCityPayload { city { name updatedAt } } } }`;
const DELETE = `mutation ($id: ID!, $at: DateTime) {
  deleteCity(id: $id, expectedUpdatedAt: $at) { __typename ${STALE} ... on DeleteCityPayload { city { name } } } }`;

async function update(name: string, at?: string | null, id = "1", viewer?: string): Promise<Answer> {
  const variables = { id, name, ...(at === undefined ? {} : { at }) };
  return (await api.data(UPDATE, variables, { id: viewer ?? null })).updateCity;
}
async function remove(at: string, id = "1", viewer?: string): Promise<Answer> {
  return (await api.data(DELETE, { id, at }, { id: viewer ?? null })).deleteCity;
}
async function names(): Promise<unknown> {
  return (await api.query("SELECT name FROM city ORDER BY id")).map((row) => row["name"]);
}

describe("a write with an expected state", () => {
  test("succeeds if the record is still in it, to the millisecond and in any time zone", async () => {
    const { city } = await update("Lutetia", "2026-01-31T13:00:00.123+01:00");
    expect(city.name).toBe("Lutetia");
    expect(await update("Paris", city.updatedAt)).toMatchObject({ __typename: "UpdateCityPayload" });
    expect(await remove(SEEN, "2")).toMatchObject({ __typename: "DeleteCityPayload" });
  });

  test.each(["2026-01-31T12:00:00.122Z", "2026-01-31T12:00:00.124Z", "2027-01-31T12:00:00.123Z"])(
    "changes nothing if the record is in another, and returns the record: %s",
    async (at) => {
      const stale = {
        __typename: "StaleCityError",
        code: "STALE_RECORD",
        message: `City 1 has changed since it was read: updatedAt was expected to be ${at}, and it is ${SEEN}. Look at the current record, and write again with its updatedAt.`,
        current: { id: "1", name: "Paris", country: { name: "France" }, updatedAt: SEEN },
      };
      expect(await update("Lutetia", at)).toEqual(stale);
      expect(await remove(at)).toEqual(stale);
      expect(await names()).toEqual(["Paris", "Berlin"]);
    },
  );

  test("returns only the key if nothing else is selected", async () => {
    const { updateCity } = await api.data(
      `mutation { updateCity(id: "1", data: {name: "x"}, expectedUpdatedAt: "2020-01-01T00:00:00Z") { ... on StaleCityError { code } } }`,
    );
    expect(updateCity).toEqual({ code: "STALE_RECORD" });
  });

  test("distinguishes a missing record, and one out of scope, from a stale one", async () => {
    expect(await update("x", SEEN, "77")).toMatchObject({ __typename: "NotFoundError" });
    const [old, now] = ["2020-01-01T00:00:00.000Z", SEEN];
    for (const at of [old, now]) {
      expect(await update("x", at, "2", "fr")).toMatchObject({ __typename: "NotFoundError" });
      expect(await remove(at, "2", "fr")).toMatchObject({ __typename: "NotFoundError" });
    }
    expect(await update("x", old, "1", "fr")).toMatchObject({ __typename: "StaleCityError" });
    expect(await update("x", now, "1", "fr")).toMatchObject({ __typename: "UpdateCityPayload" });
  });

  test("is refused as a conflict, not as stale, while a task holds the record", async () => {
    await api.hold([{ model: "City", ids: ["1"] }]);
    expect(await update("x", "2020-01-01T00:00:00Z")).toMatchObject({ __typename: "ConflictError" });
  });

  test("is refused if the state's variable is missing", async () => {
    expect(await update("x", null)).toMatchObject({
      __typename: "ValidationError",
      problems: [{ field: "expectedUpdatedAt" }],
    });
    expect(await names()).toEqual(["Paris", "Berlin"]);
    expect(await update("x")).toMatchObject({ __typename: "UpdateCityPayload" });
  });

  test("is made by only one of many writes at once; the others are stale", async () => {
    const results = await Promise.all(Array.from({ length: 8 }, (_, at) => update(`name ${at}`, SEEN)));
    const written = results.filter((result) => result.__typename === "UpdateCityPayload");
    expect(written).toHaveLength(1);
    const stale = results.filter((result) => result.__typename === "StaleCityError");
    expect(stale).toHaveLength(7);
    expect(stale.map((result) => result.current.name)).toEqual(stale.map(() => written[0].city.name));
  });

  test("is not offered for models without an update time", () => {
    const fields = api.schema.getMutationType()?.getFields();
    const argumentsOf = (name: string): unknown => fields?.[name]?.args.map((arg) => arg.name);
    expect(argumentsOf("updateTag")).toEqual(["id", "key", "data"]);
    expect(argumentsOf("deleteTag")).toEqual(["id", "key"]);
    expect(argumentsOf("deleteCity")).toEqual(["id", "key", "expectedUpdatedAt"]);
    expect(api.schema.getType("StaleTagError")).toBeUndefined();
  });
});
