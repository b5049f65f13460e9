import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { untilWaiting } from "../../support/until-waiting.ts";
import { generateFixture } from "./generate-fixture.ts";
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

beforeEach(async () => {
  await api.query(emptying("country, city, tag, powercrud.task"));
  await api.query(`DELETE FROM powercrud.lock`);
  await api.query(
    `INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE'), ('DE', 'Germany', 'EUROPE')`,
  );
  await api.query(
    `INSERT INTO city (id, name, country_code, population, latitude, longitude) VALUES (1, 'Paris', 'FR', 2, 48.8, 2.3), (2, 'Berlin', 'DE', 3, 52.5, 13.4)`,
  );
});

const ERRORS = `... on Error { message code } ... on ValidationError { problems { field code message } }
  ... on ConflictError { conflicts { model recordId heldBy { id } } }`;
const UPSERT = `mutation ($id: ID!, $create: CityUpsertCreateInput!, $update: CityUpsertUpdateInput!) {
  upsertCity(id: $id, create: $create, update: $update) { __typename ${ERRORS}
    ... on UpsertCityPayload { city { id name population country { name } tags { nodes { label } } } } } }`;
const CREATE = `mutation ($data: CityCreateInput!) { createCity(data: $data) { __typename ${ERRORS} } }`;
const LYON = { id: 3, name: "Lyon", countryCode: "FR", population: 1, latitude: 45.7, longitude: 4.8 };
const TAG = "0195f8f0-0000-7000-8000-000000000001";

async function upsert(id: string, create: object, update: object, viewer?: string): Promise<Answer> {
  return (await api.data(UPSERT, { id, create, update }, { id: viewer ?? null })).upsertCity;
}
async function cities(): Promise<unknown> {
  const rows = await api.query("SELECT id || ' ' || name AS city FROM city ORDER BY id");
  return rows.map((row) => row["city"]);
}

describe("upsert", () => {
  test("creates a missing record", async () => {
    expect(await upsert("3", LYON, { name: "never" })).toMatchObject({
      __typename: "UpsertCityPayload",
      city: { id: "3", name: "Lyon", country: { name: "France" } },
    });
    expect(await cities()).toEqual(["1 Paris", "2 Berlin", "3 Lyon"]);
  });

  test("changes an existing record, and only the fields of the update", async () => {
    expect(await upsert("001", { ...LYON, id: 1 }, { population: 7 })).toMatchObject({
      city: { id: "1", name: "Paris", population: 7 },
    });
    expect(await cities()).toEqual(["1 Paris", "2 Berlin"]);
  });

  test("checks both halves, as a bulk upsert does", async () => {
    await api.query(`INSERT INTO tag VALUES ('${TAG}', 'here')`);
    const elsewhere = "0195f8f0-0000-7000-8000-000000000009";
    for (const id of [1, 3]) {
      const create = { ...LYON, id };
      expect(await upsert(`${id}`, { ...create, tags: [TAG] }, { tags: { add: [elsewhere] } })).toMatchObject(
        {
          problems: [{ field: "update.tags", message: `update.tags: there is no Tag ${elsewhere}.` }],
        },
      );
      expect(await upsert(`${id}`, { ...create, tags: [elsewhere] }, { tags: { add: [TAG] } })).toMatchObject(
        {
          problems: [{ field: "create.tags" }],
        },
      );
      expect(await upsert(`${id}`, { ...create, tags: [TAG] }, { tags: { add: [TAG] } })).toMatchObject({
        city: { tags: { nodes: [{ label: "here" }] } },
      });
    }
  });

  test("leaves an existing record unchanged if the update is empty", async () => {
    expect(await upsert("1", { ...LYON, id: 1 }, {})).toMatchObject({
      city: { name: "Paris", population: 2 },
    });
    expect(await upsert("3", LYON, {})).toMatchObject({ city: { name: "Lyon" } });
  });

  test("refuses another key in create than the id", async () => {
    expect(await upsert("4", LYON, { name: "x" })).toMatchObject({
      __typename: "ValidationError",
      code: "VALIDATION_FAILED",
      problems: [{ field: "create.id" }],
    });
    expect(await upsert("1", LYON, { name: "x" })).toMatchObject({ problems: [{ field: "create.id" }] });
    expect(await cities()).toEqual(["1 Paris", "2 Berlin"]);
  });

  test("names the half that is wrong", async () => {
    expect(await upsert("3", { ...LYON, status: null }, { name: null, population: null })).toMatchObject({
      problems: [{ field: "create.status" }, { field: "update.name" }, { field: "update.population" }],
    });
    expect(await upsert("x", LYON, { name: "x" })).toMatchObject({ problems: [{ field: "id" }] });
    expect(await upsert("3", { ...LYON, countryCode: "XX" }, { name: "x" })).toMatchObject({
      problems: [{ field: "countryCode", code: "CONSTRAINT_VIOLATED" }],
    });
    expect(await cities()).toEqual(["1 Paris", "2 Berlin"]);
  });

  test("uses the given id even if the database could generate one", async () => {
    const write = async (id: string, label: string): Promise<Answer> =>
      (
        await api.data(
          `mutation ($id: ID!, $label: String!) { upsertTag(id: $id, create: {label: $label}, update: {label: $label}) { __typename ... on UpsertTagPayload { tag { id label } } ${ERRORS} } }`,
          { id, label },
        )
      ).upsertTag;
    expect(await write(TAG.toUpperCase(), "first")).toMatchObject({ tag: { id: TAG, label: "first" } });
    expect(await write(TAG, "second")).toMatchObject({ tag: { id: TAG, label: "second" } });
    const other = TAG.replace(/1$/, "2");
    expect(await write(other, "second")).toMatchObject({ problems: [{ field: "label" }] });
  });

  test("does not reveal a record out of scope: it answers as a create with a taken key", async () => {
    const taken = { ...LYON, id: 2 };
    const created = (await api.data(CREATE, { data: taken }, { id: "fr" })).createCity;
    expect(created).toMatchObject({ __typename: "ValidationError", problems: [{ field: "id" }] });
    expect(await upsert("2", taken, { name: "x" }, "fr")).toEqual(created);
    expect(await upsert("1", { ...LYON, id: 1 }, { name: "Lutetia" }, "fr")).toMatchObject({
      city: { name: "Lutetia" },
    });
    expect(await cities()).toEqual(["1 Lutetia", "2 Berlin"]);
  });

  test("neither creates nor moves a record out of the scope", async () => {
    expect(await upsert("3", { ...LYON, countryCode: "DE" }, { name: "x" }, "fr")).toMatchObject({
      __typename: "ValidationError",
    });
    expect(await upsert("1", { ...LYON, id: 1 }, { countryCode: "DE" }, "fr")).toMatchObject({
      __typename: "ValidationError",
    });
    expect(await cities()).toEqual(["1 Paris", "2 Berlin"]);
  });

  test("is refused while a task holds the record, existing or not", async () => {
    const { task } = await api.hold([{ model: "City", ids: ["1", "3"] }]);
    for (const id of [1, 3]) {
      expect(await upsert(`${id}`, { ...LYON, id }, { name: "x" })).toMatchObject({
        __typename: "ConflictError",
        conflicts: [{ model: "City", recordId: `${id}`, heldBy: { id: task.id } }],
      });
    }
    expect(await cities()).toEqual(["1 Paris", "2 Berlin"]);
  });
});

describe("upserts that race", () => {
  test("on an absent record: one creates, the others update", async () => {
    for (let round = 10; round < 20; round += 1) {
      const results = await Promise.all(
        Array.from({ length: 4 }, () =>
          upsert(`${round}`, { ...LYON, id: round, population: 0 }, { name: "updated" }),
        ),
      );
      expect(results.map((result) => result.__typename)).toEqual(results.map(() => "UpsertCityPayload"));
      const rows = await api.query("SELECT name, population FROM city WHERE id = $1", [round]);
      expect(rows).toEqual([{ name: "updated", population: 0 }]);
    }
  });

  test("with another create: the record that came first is updated", async () => {
    const stranger = await api.connect();
    await stranger.query("BEGIN");
    await stranger.query(
      `INSERT INTO city (id, name, country_code, population, latitude, longitude) VALUES (3, 'first', 'FR', 5, 1, 1)`,
    );
    const upserted = upsert("3", LYON, { name: "second" });
    await untilWaiting(api, { kind: "transactionid" });
    await stranger.query("COMMIT");
    stranger.release();
    expect(await upserted).toMatchObject({ city: { name: "second", population: 5 } });
  });

  test("with a delete: the deleted record is created", async () => {
    const stranger = await api.connect();
    await stranger.query("BEGIN");
    await stranger.query("DELETE FROM city WHERE id = 1");
    const upserted = upsert("1", { ...LYON, id: 1 }, { name: "never" });
    await untilWaiting(api, { kind: "transactionid" });
    await stranger.query("COMMIT");
    stranger.release();
    expect(await upserted).toMatchObject({ city: { id: "1", name: "Lyon" } });
  });
});

describe("upserts of other models", () => {
  let generated: Awaited<ReturnType<typeof generateFixture>>;
  let other: ModelsFixture;

  beforeAll(async () => {
    generated = await generateFixture(join(import.meta.dirname, "other-models.prisma"));
    other = await createModelsFixture({ generated });
  });
  afterAll(async () => {
    await other.stop();
  });

  test("use the given id instead of a sequence", async () => {
    const source = `mutation ($title: String!) { upsertItem(id: "9007199254740993", create: {title: $title}, update: {title: $title}) { ... on UpsertItemPayload { item { id title } } ${ERRORS} } }`;
    for (const title of ["made", "changed"]) {
      const { upsertItem } = await other.data(source, { title });
      expect(upsertItem).toEqual({ item: { id: "9007199254740993", title } });
    }
  });

  test("take a key of several parts, and create must agree with all", async () => {
    const id = Buffer.from(JSON.stringify(["90", "Z"])).toString("base64url");
    const source = `mutation ($id: ID!, $letter: String!) { upsertSeat(id: $id, create: {row: 90, letter: $letter}, update: {itemId: null}) { ... on UpsertSeatPayload { seat { id row letter } } ${ERRORS} } }`;
    const refused = await other.data(source, { id, letter: "Y" });
    expect(refused.upsertSeat.problems).toMatchObject([{ field: "create.letter" }]);
    for (const letter of ["Z", "Z"]) {
      const { upsertSeat } = await other.data(source, { id, letter });
      expect(upsertSeat).toEqual({ seat: { id, row: 90, letter } });
    }
  });

  test("are not offered for models that have only a key", () => {
    expect(other.schema.getMutationType()?.getFields()["upsertFish"]).toBeUndefined();
  });
});
