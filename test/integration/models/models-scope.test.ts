import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Viewer } from "../../../src/core/access/viewer.ts";
import type { Answer, ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";
import { TAGS } from "./sample-records.ts";

describe("scope", () => {
  let scoped: ModelsFixture;

  beforeAll(async () => {
    scoped = await createModelsFixture({
      modelOptions: {
        Country: {
          access: ({ viewer: { id } }) =>
            id === "all" ? true : id === "nobody" ? { OR: [] } : { code: { in: ["A1", "A2"] } },
        },
        City: { access: ({ viewer }) => (viewer.id === "all" ? true : { status: { equals: "ACTIVE" } }) },
        Tag: { access: () => ({ label: { startsWith: "open" } }) },
      },
    });
    await scoped.query(
      `INSERT INTO country (code, name, continent) VALUES ('A1', 'One', 'ASIA'), ('A2', 'Two', 'ASIA'), ('B1', 'Secret', 'ASIA')`,
    );
    await scoped.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude, status) VALUES
      (1, 'a', 'A1', 1, 1, 1, 'ACTIVE'), (2, 'b', 'A1', 1, 1, 1, 'ARCHIVED'), (3, 'c', 'B1', 1, 1, 1, 'ACTIVE'), (4, 'd', 'B1', 1, 1, 1, 'ARCHIVED')`);
    await scoped.query(`INSERT INTO language (code, name) VALUES ('x1', 'X')`);
    await scoped.query(`INSERT INTO "_CountryToLanguage" VALUES ('A1', 'x1'), ('B1', 'x1')`);
    await scoped.query(`INSERT INTO tag VALUES ('${TAGS[0]}', 'open'), ('${TAGS[1]}', 'hidden')`);
    await scoped.query(
      `INSERT INTO "_CityToTag" VALUES (1, '${TAGS[0]}'), (1, '${TAGS[1]}'), (3, '${TAGS[1]}')`,
    );
  });
  afterAll(() => scoped.stop());

  test("applies to top-level fields, nested lists, counts and single links", async () => {
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

  test("is that of each viewer where a document comes again", async () => {
    const documents = [
      `{ cities { totalCount nodes { id country { code } } } }`,
      `{ tags { nodes { cities { totalCount nodes { id } } } } }`,
      `{ city(id: "2") { id country { code cities { nodes { id } } } } }`,
      `{ languages { nodes { countries { nodes { code } } } } }`,
      `{ cities(where: {country: {is: {code: {equals: "B1"}}}}, orderBy: [{country: {name: DESC}}]) { nodes { id } } }`,
      `mutation { updateCity(id: "1", data: {notes: "n"}) { ... on UpdateCityPayload { city { id country { code } } } } }`,
    ];
    const viewers = ["all", "some", "nobody"];
    const readFresh = (text: string, id: string): Promise<Answer> =>
      scoped.data(`${text} # as for ${id} only`, {}, { id });
    for (const text of documents) {
      const again: Answer[] = [];
      for (const id of [...viewers, ...viewers.toReversed()]) {
        again.push([id, await scoped.data(text, {}, { id })]);
      }
      for (const [id, answer] of again) {
        expect([id, answer]).toEqual([id, await readFresh(text, id)]);
      }
    }
  });

  test("leaves what the viewer learns of how records lead to others as it is", async () => {
    const query = `{ viewer { models(names: [City]) { fields { name isKey isUpdatedAt opposite refersTo { model field } } } } }`;
    const none = { isKey: false, isUpdatedAt: false, opposite: null, refersTo: null };
    for (const viewer of [{ id: "all", roles: ["editor"] }, { id: null }]) {
      const [{ fields }] = (await scoped.data(query, {}, viewer)).viewer.models;
      expect(fields).toContainEqual({ ...none, name: "id", isKey: true });
      expect(fields).toContainEqual({
        ...none,
        name: "countryCode",
        refersTo: { model: "Country", field: "code" },
      });
      expect(fields).toContainEqual({ ...none, name: "country", opposite: "cities" });
      expect(fields).toContainEqual({ ...none, name: "tags", opposite: "cities" });
      expect(fields).toContainEqual({ ...none, name: "name" });
      expect(fields).toContainEqual({ ...none, name: "updatedAt", isUpdatedAt: true });
    }
  });

  test("is what the viewer learns of itself: all, some or no records", async () => {
    const query = `{ viewer { id roles models(names: [Country, Tag]) {
      model reach canRead canUpdate canBulkDelete fields { name canRead canFilter canCreate } } } }`;
    const seen = async (viewer: Viewer): Promise<Answer> => (await scoped.data(query, {}, viewer)).viewer;
    const can = { canRead: true, canUpdate: true, canBulkDelete: true };
    const code = { name: "code", canRead: true, canFilter: true, canCreate: true };
    const all = await seen({ id: "all", roles: ["editor"] });
    expect(all).toMatchObject({ id: "all", roles: ["editor"] });
    expect(all.models).toMatchObject([
      { model: "Country", reach: "ALL", ...can, fields: expect.arrayContaining([code]) },
      { model: "Tag", reach: "SOME", ...can },
    ]);
    expect(await seen({ id: null })).toMatchObject({
      id: null,
      roles: [],
      models: [{ reach: "SOME", ...can }, { reach: "SOME" }],
    });
    const [country] = (await seen({ id: "nobody" })).models;
    expect(country).toMatchObject({ reach: "NONE", canRead: false, canUpdate: false, canBulkDelete: false });
    expect(country.fields).toContainEqual({
      name: "code",
      canRead: false,
      canFilter: false,
      canCreate: false,
    });
  });

  test("hides records out of it from filters", async () => {
    const count = async (where: string): Promise<number> =>
      (await scoped.data(`{ cities(where: ${where}) { totalCount } }`)).cities.totalCount;
    expect(await count(`{country: {is: {name: {startsWith: "S"}}}}`)).toBe(0);
    expect(await count(`{tags: {some: {label: {equals: "hidden"}}}}`)).toBe(0);
    expect(await count(`{tags: {every: {label: {equals: "open"}}}}`)).toBe(2);
    expect(await count(`{tags: {none: {label: {equals: "hidden"}}}}`)).toBe(2);
  });

  test("limits writes, which can neither change records out of it nor move records there", async () => {
    const write = async (field: string): Promise<Answer> =>
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
    const own = `createCity(data: {id: 9, name: "x", countryCode: "A1", population: 1, latitude: 1, longitude: 1})`;
    expect(await write(own)).toMatchObject({ __typename: "CreateCityPayload" });
    expect(await write(`deleteCity(id: "9")`)).toMatchObject({ __typename: "DeleteCityPayload" });
  });

  test("costs no statement, on any level of a document", async () => {
    const document = `{ cities { totalCount nodes { country { code } tags { nodes { cities { nodes { country { code } } } } } } } }`;
    for (const id of [null, "all"]) {
      scoped.sql.length = 0;
      await scoped.data(document, {}, { id });
      expect(scoped.sql).toHaveLength(1);
    }
  });
});
