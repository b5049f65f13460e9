import fc from "fast-check";
import type { GraphQLField, GraphQLNamedType } from "graphql";
import {
  execute,
  getNamedType,
  isCompositeType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  parse,
} from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AccessOption } from "../../../src/core/access/access-rules.ts";
import type { Viewer } from "../../../src/core/access/viewer.ts";
import type { Answer, ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

const isEditor = ({ viewer }: { readonly viewer: Viewer }): boolean => viewer.id === "editor";
const EDITOR = { id: "editor" };
const READER = { id: "reader" };

let api: ModelsFixture;
/** The rules of cities, for the test at hand. */
let cities: AccessOption = true;
let countries: AccessOption = true;

beforeAll(async () => {
  api = await createModelsFixture({
    modelOptions: {
      City: {
        search: ["name", "notes"],
        get access() {
          return cities;
        },
      },
      Country: {
        get access() {
          return countries;
        },
      },
      Tag: { access: false },
    },
  });
  await api.query(
    `INSERT INTO country (code, name, continent) VALUES ('A1', 'One', 'ASIA'), ('A2', 'Two', 'ASIA')`,
  );
  await api.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude, status, notes) VALUES
    (1, 'a', 'A1', 1, 1, 1, 'ACTIVE', 'x'), (2, 'b', 'A1', 2, 1, 1, 'ARCHIVED', 'y'), (3, 'c', 'A2', 3, 1, 1, 'ACTIVE', NULL)`);
});
afterAll(() => api.stop());

const FORBIDDEN = "... on Error { __typename code message }";

const codeOf = async (source: string, viewer: Viewer): Promise<unknown> => {
  const { errors = [] } = await api.execute(source, {}, viewer);
  return errors[0]?.extensions["code"];
};

const refusal = (message: string): object => ({ __typename: "ForbiddenError", code: "FORBIDDEN", message });

const readCity = async (id: number): Promise<unknown> =>
  (await api.query("SELECT * FROM city WHERE id = $1", [id]))[0];

describe("rules of actions", () => {
  it("say who reads, creates, changes and deletes which records", async () => {
    cities = {
      // option: models.access.read
      read: ({ viewer }) => isEditor({ viewer }) || { status: { equals: "ACTIVE" } },
      // option: models.access.create
      create: isEditor,
      // option: models.access.update
      update: isEditor,
      delete: false,
    };
    const list = `{ cities { totalCount nodes { id } } country(id: "A1") { cities { nodes { id } } } }`;
    expect((await api.data(list, {}, READER)).cities).toEqual({
      totalCount: 2,
      nodes: [{ id: "1" }, { id: "3" }],
    });
    expect((await api.data(list, {}, READER)).country.cities.nodes).toEqual([{ id: "1" }]);
    expect((await api.data(list, {}, EDITOR)).cities.totalCount).toBe(3);
    const create = `mutation { createCity(data: {id: 50, name: "n", countryCode: "A1", population: 9, latitude: 0, longitude: 0}) { __typename ${FORBIDDEN} } }`;
    expect((await api.data(create, {}, READER)).createCity).toEqual(refusal("You may not create any City."));
    expect((await api.data(create, {}, EDITOR)).createCity.__typename).toBe("CreateCityPayload");
    await api.query("DELETE FROM city WHERE id = 50");
    const remove = `mutation { deleteCity(id: "1") { ${FORBIDDEN} } }`;
    // option: models.access.delete
    expect((await api.data(remove, {}, EDITOR)).deleteCity).toEqual(refusal("You may not delete any City."));
  });

  it("keep a changed record within reach: it must match before and after", async () => {
    cities = { update: ({ viewer }) => (viewer.id === "reader" ? { population: { lt: 3 } } : true) };
    const update = async (id: number, population: number, viewer: Viewer = READER): Promise<Answer> =>
      (
        await api.data(
          `mutation { updateCity(id: "${id}", data: {population: ${population}}) { __typename ${FORBIDDEN} } }`,
          {},
          viewer,
        )
      ).updateCity;
    expect((await update(1, 2)).__typename).toBe("UpdateCityPayload");
    expect(await update(3, 2)).toMatchObject({ code: "NOT_FOUND" });
    expect(await update(1, 7)).toMatchObject({ message: "You may not write a City with these values." });
    expect(await readCity(1)).toMatchObject({ population: 2 });
    expect((await update(3, 4, EDITOR)).__typename).toBe("UpdateCityPayload");
  });

  it("let nobody in where a rule forgets to answer", async () => {
    cities = (() => undefined) as never;
    expect(await codeOf("{ cities { totalCount } }", EDITOR)).toBe("FORBIDDEN");
  });

  it("need both rights for an upsert", async () => {
    cities = { create: false };
    const upsert = `mutation { upsertCity(id: "1", create: {name: "n", countryCode: "A1", population: 9, latitude: 0, longitude: 0}, update: {population: 5}) { ${FORBIDDEN} } }`;
    expect((await api.data(upsert, {}, EDITOR)).upsertCity).toEqual(refusal("You may not create any City."));
  });

  it("hold for records that are written with another one", async () => {
    cities = { create: false, update: false };
    const nested = (list: string): string =>
      `mutation { updateCountry(id: "A2", data: {cities: ${list}}) { ${FORBIDDEN} } }`;
    expect((await api.data(nested(`{connect: ["1"]}`))).updateCountry).toEqual(
      refusal("You may not change any City."),
    );
    expect(
      (await api.data(nested(`{create: [{id: 51, name: "n", population: 9, latitude: 0, longitude: 0}]}`)))
        .updateCountry,
    ).toEqual(refusal("You may not create any City."));
    expect(await readCity(1)).toMatchObject({ country_code: "A1" });
  });

  it("are what the viewer learns of itself", async () => {
    cities = { create: isEditor, delete: false, fields: { notes: { read: isEditor, write: false } } };
    const query = `{ viewer { models(names: [City, Tag]) { reach canRead canCreate canUpdate canUpsert canBulkDelete
      fields { name canRead canFilter canSort canCreate canUpdate } } } }`;
    const seen = async (viewer: Viewer): Promise<Answer> => (await api.data(query, {}, viewer)).viewer.models;
    const [city, tag] = await seen(READER);
    expect(city).toMatchObject({ reach: "ALL", canRead: true, canCreate: false, canUpdate: true });
    expect(city).toMatchObject({ canUpsert: false, canBulkDelete: false });
    const notes = { name: "notes", canCreate: false, canUpdate: false };
    expect(city.fields).toContainEqual({ ...notes, canRead: false, canFilter: false, canSort: false });
    expect(tag).toMatchObject({ reach: "NONE", canRead: false, canUpdate: false });
    const [forEditor] = await seen(EDITOR);
    expect(forEditor).toMatchObject({ canCreate: true, canUpsert: true });
    expect(forEditor.fields).toContainEqual({ ...notes, canRead: true, canFilter: true, canSort: true });
  });
});

describe("rules of fields", () => {
  const asks = {
    "a selection": "{ cities { nodes { id notes } } }",
    "a selection below another record": `{ country(id: "A1") { cities { nodes { ...Notes } } } } fragment Notes on City { notes }`,
    "a filter": `{ cities(where: {NOT: {notes: {contains: "x"}}}) { totalCount } }`,
    "a filter of another model": `{ countries(where: {cities: {some: {notes: {contains: "x"}}}}) { totalCount } }`,
    "an order": "{ cities(orderBy: [{notes: ASC}]) { nodes { id } } }",
    "a group": "{ citiesGroupBy(by: [notes]) { count } }",
    "a condition on groups":
      "{ citiesGroupBy(by: [status], having: {countDistinct: {notes: {gt: 1}}}) { count } }",
    "an order of groups":
      "{ citiesGroupBy(by: [status], orderBy: [{countDistinct: {notes: ASC}}]) { count } }",
    "an order by a relation's field": "{ countries(orderBy: [{cities: {count: ASC}}]) { nodes { code } } }",
    "a figure of a list that is hidden": "{ countries { nodes { citiesAggregate { count } } } }",
    "a figure": "{ citiesAggregate { countDistinct { notes } } }",
    "the answer to a write": `mutation { updateCity(id: "2", data: {population: 77}) { ... on UpdateCityPayload { city { notes } } } }`,
    "a deletion's answer": `mutation { deleteCity(id: "2") { ... on DeleteCityPayload { city { notes } } } }`,
  };

  it.each(Object.entries(asks))("refuse %s, and nothing was changed", async (_what, source) => {
    // option: models.access.fields.*.read
    cities = { fields: { notes: { read: isEditor } } };
    countries = source.includes("notes") ? true : { fields: { cities: { read: isEditor } } };
    expect(await codeOf(source, READER)).toBe("FORBIDDEN");
    expect(await readCity(2)).toMatchObject({ population: 2 });
  });

  it("allow what leaves the field out, by a directive too, and everything to those who may read it", async () => {
    cities = { fields: { notes: { read: isEditor } } };
    countries = { fields: { cities: { read: isEditor } } };
    const source = "query ($isEditor: Boolean!) { cities { nodes { id notes @include(if: $isEditor) } } }";
    expect((await api.data(source, { isEditor: false }, READER)).cities.nodes[0]).toEqual({ id: "1" });
    const { errors } = await api.execute(source, { isEditor: true }, READER);
    expect(errors?.[0]?.message).toBe("You may not read City.notes.");
    expect((await api.data(source, { isEditor: true }, EDITOR)).cities.nodes[0].notes).toBe("x");
    for (const ask of Object.values(asks).filter((each) => !each.startsWith("mutation"))) {
      expect(await codeOf(ask, EDITOR)).toBeUndefined();
    }
  });

  it("keep a search to the fields that the viewer may read", async () => {
    cities = { fields: { notes: { read: isEditor } } };
    const source = `{ cities(search: "x") { totalCount } }`;
    const found = async (viewer: Viewer): Promise<number> =>
      (await api.data(source, {}, viewer)).cities.totalCount;
    expect([await found(EDITOR), await found(READER)]).toEqual([1, 0]);
  });

  it("are asked for each viewer, although the plans of a document are kept", async () => {
    cities = {
      read: ({ viewer }) => isEditor({ viewer }) || { status: { equals: "ACTIVE" } },
      fields: { notes: { read: isEditor } },
    };
    countries = { read: isEditor };
    const answers = async (source: string): Promise<readonly unknown[]> => {
      const document = parse(source);
      const all: unknown[] = [];
      for (const viewer of [EDITOR, READER, EDITOR, READER]) {
        const { data, errors } = await execute({ schema: api.schema, document, contextValue: { viewer } });
        all.push(errors?.[0]?.extensions["code"] ?? (data as Answer).cities.totalCount);
      }
      return all;
    };
    expect(await answers("{ cities { totalCount nodes { id } } }")).toEqual([3, 2, 3, 2]);
    const filtered = `{ cities(where: {notes: {contains: ""}}) { totalCount } }`;
    expect(await answers(filtered)).toEqual([2, "FORBIDDEN", 2, "FORBIDDEN"]);
    const related = "{ cities { totalCount nodes { country { name } } } }";
    expect(await answers(related)).toEqual([3, "FORBIDDEN", 3, "FORBIDDEN"]);
    countries = true;
  });

  it("refuse a write that names the field, whatever else it names", async () => {
    // option: models.access.fields.*.write
    cities = { fields: { notes: { write: isEditor } } };
    countries = true;
    const update = `mutation { updateCity(id: "2", data: {population: 50, notes: "new"}) { ${FORBIDDEN} } }`;
    expect((await api.data(update, {}, READER)).updateCity).toEqual(refusal("You may not write City.notes."));
    expect(await readCity(2)).toMatchObject({ population: 2, notes: "y" });
    const nested = `mutation { updateCountry(id: "A2", data: {cities: {create: [{id: 51, name: "n", population: 9, latitude: 0, longitude: 0, notes: "n"}]}}) { ${FORBIDDEN} } }`;
    expect((await api.data(nested, {}, READER)).updateCountry).toEqual(
      refusal("You may not write City.notes."),
    );
  });
});

describe("a model whose rules allow nothing", () => {
  const SECRETS = ["S3CRET", "777123"];

  /** Values for arguments that must be given. */
  const GIVEN: Readonly<Record<string, string>> = {
    "ID!": `"9"`,
    "[ID!]!": `["9"]`,
    "CityKey!": "{id: 9}",
    "CountryKey!": `{id: "A1"}`,
    "[CityGroupKey!]!": "[notes]",
    "[CountryGroupKey!]!": "[name]",
    "[LanguageGroupKey!]!": "[name]",
    "[TagGroupKey!]!": "[label]",
  };

  /** A document for every field of cities, and of figures over them, that a path without a detour leads to. */
  function* documents(field: GraphQLField<unknown, unknown>, path: readonly string[]): Generator<string> {
    const required = field.args
      .filter(isRequiredArgument)
      .map(({ name, type }) => [name, GIVEN[String(type)]]);
    const type = getNamedType(field.type);
    const isDetour = path.includes(type.name) || type.name.startsWith("Task");
    if (isDetour || required.some(([, value]) => value === undefined)) {
      return;
    }
    const args = required.length === 0 ? "" : `(${required.map((each) => each.join(": ")).join(", ")})`;
    for (const below of selections(type, [...path, type.name])) {
      yield `${field.name}${args} ${below}`;
    }
  }

  function* selections(type: GraphQLNamedType, path: readonly string[]): Generator<string> {
    if (isLeafType(type) && path.at(-2)?.startsWith("City") === true) {
      yield "";
    } else if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        for (const below of documents(field, path)) {
          yield `{ ${below} }`;
        }
      }
    }
  }

  it("shows no byte of it, whatever field leads there", async () => {
    [cities, countries] = [false, true];
    await api.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude, status, notes)
      VALUES (9, 'S3CRET', 'A1', 777123, 777123, 777123, 'ACTIVE', 'S3CRET')`);
    let forbidden = 0;
    const roots = Object.values(api.schema.getQueryType()?.getFields() ?? {});
    for (const root of roots.filter(
      ({ name, type }) => name !== "viewer" && isCompositeType(getNamedType(type)),
    )) {
      for (const document of documents(root, [])) {
        const answer = JSON.stringify(await api.execute(`{ ${document} }`, {}, READER));
        expect(SECRETS.filter((secret) => answer.includes(secret))).toEqual([]);
        forbidden += answer.includes("FORBIDDEN") ? 1 : 0;
      }
    }
    expect(forbidden).toBeGreaterThan(100);
    await api.query("DELETE FROM city WHERE id = 9");
  });
});

describe("random rules", () => {
  interface City {
    readonly id: number;
    readonly population: number;
    readonly status: string;
    readonly country_code: string;
  }
  /** A rule as an app writes it, and what it means to a record. */
  type Rule = readonly [rule: AccessOption, admits: (city: City) => boolean];

  const RULES: readonly Rule[] = [
    [true, () => true],
    [() => ({ population: { lt: 3 } }), ({ population }) => population < 3],
    [() => ({ NOT: { status: { equals: "ACTIVE" } } }), ({ status }) => status !== "ACTIVE"],
    [() => ({ country: { is: { code: { equals: "A1" } } } }), (city) => city.country_code === "A1"],
    [
      () => ({ OR: [{ population: { gte: 4 } }, { status: { equals: "ACTIVE" } }] }),
      ({ population, status }) => population >= 4 || status === "ACTIVE",
    ],
    [() => ({ OR: [] }), () => false],
  ];
  const rule = fc.constantFrom(...RULES);

  const readAll = async (): Promise<readonly City[]> =>
    (await api.query("SELECT * FROM city ORDER BY id")) as unknown as readonly City[];

  const expectWrites = async (
    { read, update, remove }: { readonly read: Rule; readonly update: Rule; readonly remove: Rule },
    before: readonly City[],
    id: number,
    population: number,
  ): Promise<void> => {
    const find = (of: readonly City[]): City | undefined => of.find((city) => city.id === id);
    const target = find(before);
    const mayChange = (city: City): boolean => read[1](city) && update[1](city);
    const mayUpdate = target !== undefined && mayChange(target) && mayChange({ ...target, population });
    const { updateCity } = await api.data(
      `mutation { updateCity(id: "${id}", data: {population: ${population}}) { __typename } }`,
    );
    expect(updateCity.__typename === "UpdateCityPayload").toBe(mayUpdate);
    const now = find(await readAll());
    expect(now?.population).toBe(mayUpdate ? population : target?.population);
    const mayDelete = now !== undefined && read[1](now) && remove[1](now);
    const { deleteCity } = await api.data(`mutation { deleteCity(id: "${id}") { __typename } }`);
    expect(deleteCity.__typename === "DeleteCityPayload").toBe(mayDelete);
    expect(find(await readAll())).toEqual(mayDelete ? undefined : now);
  };

  it("let through what a plain filter over the table lets through, in reads and in writes", async () => {
    countries = true;
    await api.query(emptying("city"));
    await api.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude, status)
      SELECT i, 'city ' || i, 'A' || 1 + i % 2, i % 7, 0, 0, CASE WHEN i % 3 = 0 THEN 'ACTIVE' ELSE 'ARCHIVED' END::"CityStatus"
        FROM generate_series(1, 20) i`);
    const property = fc.asyncProperty(
      fc.tuple(rule, rule, rule),
      fc.constantFrom(0, 2, 5),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 0, max: 6 }),
      async ([read, update, remove], least, id, population) => {
        cities = { read: read[0], update: update[0], delete: remove[0] } as AccessOption;
        const before = await readAll();
        const seen = before.filter((city) => read[1](city));
        const listed = seen.filter((city) => city.population >= least);
        const ids = (of: readonly City[]): readonly string[] => of.map((city) => String(city.id));
        const answer = await api.data(`{
          cities(first: 100, where: {population: {gte: ${least}}}) { totalCount nodes { id } }
          citiesAggregate(where: {population: {gte: ${least}}}) { count sum { population } }
          citiesGroupBy(by: [countryCode]) { count key { countryCode } }
          countries { nodes { code cities(first: 100) { totalCount nodes { id } } citiesAggregate { count } } }
          city(id: "${id}") { id }
          searched: cities(first: 100, search: "city", where: {population: {gte: ${least}}}) { totalCount nodes { id } }
        }`);
        const page = { totalCount: listed.length, nodes: ids(listed).map((each) => ({ id: each })) };
        expect(answer.cities).toEqual(page);
        const { searched } = answer;
        const inOrder = [...searched.nodes].toSorted((one: Answer, other: Answer) => one.id - other.id);
        expect({ ...searched, nodes: inOrder }).toEqual(page);
        expect(answer.citiesAggregate.count).toBe(listed.length);
        expect(Number(answer.citiesAggregate.sum.population ?? 0)).toBe(
          listed.reduce((sum, city) => sum + city.population, 0),
        );
        expect(answer.city?.id).toBe(seen.some((city) => city.id === id) ? String(id) : undefined);
        for (const { code, cities: list, citiesAggregate } of answer.countries.nodes) {
          const own = seen.filter((city) => city.country_code === code);
          expect([list.totalCount, citiesAggregate.count]).toEqual([own.length, own.length]);
          expect(list.nodes.map((node: Answer) => node.id)).toEqual(ids(own));
          const group = answer.citiesGroupBy.find(({ key }: Answer) => key.countryCode === code);
          expect(group?.count ?? 0).toBe(own.length);
        }
        await expectWrites({ read, update, remove }, before, id, population);
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });
});
