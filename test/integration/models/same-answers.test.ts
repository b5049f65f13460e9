import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AppRecord, ModelOptionsMap } from "../../../src/index.ts";
import { ANONYMOUS, defineModel } from "../../../src/index.ts";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Answer } from "./models-fixture.ts";

/** What a caller is told of a write that is refused. */
interface Told {
  readonly code: string;
  readonly field: string | null;
  readonly message: string;
}

const FIELDS = `__typename ... on Error { code message } ... on ValidationError { problems { code field message } }`;

/** Of an answer to a mutation, or of a settled task's first error. */
function toldOf(answer: Answer): Told {
  const first = answer.problems?.[0] ?? answer.errors?.[0];
  const { code = "NONE", field = null, message } = first ?? answer;
  // A field's name, with its place in the list, may come before what is wrong with it.
  const prefix = `${field}: `;
  return {
    code,
    field: field === null ? null : field.replace(/^(?:data|records)\.0\.(?:data\.)?/, ""),
    message: message.startsWith(prefix) ? message.slice(prefix.length) : message,
  };
}

/** A single write beside the same write in bulk. */
interface Way {
  single(data: object, viewer?: string): Promise<Answer>;
  bulk(data: object, viewer?: string): Promise<Answer>;
}

interface Names {
  readonly one: string;
  readonly many: string;
  /** What a new record needs besides. */
  readonly fresh: object;
}

/** Every way to write values to a record of the model: a new one, or the one with the id 1. */
function waysOf(world: () => BulkFixture, { one, many, fresh }: Names): Readonly<Record<string, Way>> {
  const viewerOf = (id?: string): typeof ANONYMOUS => ({ ...ANONYMOUS, id: id ?? null });
  const single = async (
    call: string,
    declared: string,
    variables: object,
    viewer?: string,
  ): Promise<Answer> =>
    (
      await world().data(
        `mutation (${declared}) { it: ${call} { ${FIELDS} } }`,
        { ...variables },
        viewerOf(viewer),
      )
    ).it;
  const bulk = (call: string, args: Parameters<BulkFixture["run"]>[1], viewer?: string): Promise<Answer> =>
    world().run(`bulk${call}`, args, { mode: "SYNC" }, viewerOf(viewer));
  return {
    create: {
      single: (data, viewer) =>
        single(
          `create${one}(data: $data)`,
          `$data: ${one}CreateInput!`,
          { data: { ...fresh, ...data } },
          viewer,
        ),
      bulk: (data, viewer) =>
        bulk(`Create${many}`, { data: [`[${one}CreateInput!]!`, [{ ...fresh, ...data }]] }, viewer),
    },
    update: {
      single: (data, viewer) =>
        single(`update${one}(id: "1", data: $data)`, `$data: ${one}UpdateInput!`, { data }, viewer),
      bulk: (data, viewer) =>
        bulk(
          `Update${many}`,
          {
            selection: [`${one}Selection!`, { ids: ["1"] }],
            data: [
              `${one}BulkUpdateInput!`,
              Object.fromEntries(Object.entries(data).map(([name, set]) => [name, { set: set as unknown }])),
            ],
          },
          viewer,
        ),
    },
    "update each": {
      single: (data, viewer) =>
        single(`update${one}(id: "1", data: $data)`, `$data: ${one}UpdateInput!`, { data }, viewer),
      bulk: (data, viewer) =>
        bulk(`UpdateEach${many}`, { records: [`[${one}UpdateEachInput!]!`, [{ id: "1", data }]] }, viewer),
    },
    "upsert of one that is there": {
      single: (update, viewer) =>
        single(
          `upsert${one}(id: "1", create: $create, update: $update)`,
          `$create: ${one}CreateInput!, $update: ${one}UpdateInput!`,
          { create: { ...fresh, id: 1 }, update },
          viewer,
        ),
      bulk: (update, viewer) =>
        bulk(
          `Upsert${many}`,
          { records: [`[${one}UpsertInput!]!`, [{ id: "1", create: { ...fresh, id: 1 }, update }]] },
          viewer,
        ),
    },
    "upsert of one that is not": {
      single: (create, viewer) =>
        single(
          `upsert${one}(id: "9", create: $create, update: {})`,
          `$create: ${one}CreateInput!`,
          { create: { ...fresh, ...create } },
          viewer,
        ),
      bulk: (create, viewer) =>
        bulk(
          `Upsert${many}`,
          { records: [`[${one}UpsertInput!]!`, [{ id: "9", create: { ...fresh, ...create }, update: {} }]] },
          viewer,
        ),
    },
  };
}

/** Both answers, which must be one. */
async function bothTold({ single, bulk }: Way, data: object, viewer?: string): Promise<Told> {
  const told = { single: toldOf(await single(data, viewer)), bulk: toldOf(await bulk(data, viewer)) };
  expect(told.single).toEqual(told.bulk);
  return told.single;
}

const RULES = `
ALTER TABLE city ADD CONSTRAINT small CHECK (population < 1000000),
  ADD CONSTRAINT one_height EXCLUDE USING btree (elevation WITH =),
  ADD CONSTRAINT own_notes UNIQUE (notes) DEFERRABLE INITIALLY DEFERRED;
CREATE UNIQUE INDEX own_place ON city (latitude, longitude);
CREATE DOMAIN short_name AS text CONSTRAINT brief CHECK (length(value) < 30);
ALTER TABLE city ALTER COLUMN name TYPE short_name;
CREATE FUNCTION speak() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.name = 'plain' THEN RAISE EXCEPTION 'No city is plain.'; END IF;
  IF NEW.name = 'own' THEN RAISE EXCEPTION 'No city is its own.' USING ERRCODE = 'ZX123'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER speak BEFORE INSERT OR UPDATE ON city FOR EACH ROW EXECUTE FUNCTION speak();`;

/** An app that has a say in the writes of cities, so that they are written step by step. */
const APP: ModelOptionsMap = {
  City: defineModel<AppRecord>({
    scope: ({ id }) => (id === "fr" ? { countryCode: { equals: "FR" } } : undefined),
    validate: (_record, { name }) =>
      name?.set === "invalid" ? [{ field: "name", message: "No city is invalid." }] : [],
    hooks: {
      beforeCreate: ({ records }) => refused(records),
      beforeUpdate: ({ records }) => refused(records),
    },
  }),
};

function refused(
  records: readonly { readonly id: string; readonly change: AppRecord }[],
): { id: string; message: string }[] {
  return records.flatMap(({ id, change }) =>
    (change["name"] as { set?: unknown } | undefined)?.set === "refused"
      ? [{ id, message: "No city is refused." }]
      : [],
  );
}

let world: BulkFixture;

const CITIES = waysOf(() => world, {
  one: "City",
  many: "Cities",
  fresh: { id: 9, name: "Nice", countryCode: "FR", population: 1, latitude: 9, longitude: 9 },
});

async function fillCities(): Promise<void> {
  await world.query("TRUNCATE city, country, tag, powercrud.task CASCADE");
  await world.query("DELETE FROM powercrud.lock");
  await world.query(
    "INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE'), ('DE', 'Germany', 'EUROPE')",
  );
  await world.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude, elevation, notes)
    VALUES (1, 'Paris', 'FR', 1, 1, 1, 10, 'one'), (2, 'Berlin', 'DE', 1, 2, 2, 20, 'two')`);
}

const CONSTRAINT = "CONSTRAINT_VIOLATED";
const INVALID = "VALIDATION_FAILED";

describe.each([
  ["by one statement", {}],
  ["step by step", APP],
])("a refused single write is answered as in bulk, written %s:", (_how, models: ModelOptionsMap) => {
  beforeAll(async () => {
    world = await createBulkFixture({ models });
    await world.query(RULES);
  });
  afterAll(() => world.stop());
  beforeEach(fillCities);

  describe.each(Object.entries(CITIES))("%s", (name, way) => {
    test.each<[string, object, Told]>([
      [
        "a value that must be unique",
        { latitude: 2, longitude: 2 },
        {
          code: CONSTRAINT,
          field: "latitude,longitude",
          message: "latitude and longitude must be unique: another record has 2, 2.",
        },
      ],
      [
        "a foreign key",
        { countryCode: "XX" },
        {
          code: CONSTRAINT,
          field: "countryCode",
          message: "there is no record XX to refer to.",
        },
      ],
      [
        "a check",
        { population: 1_000_000 },
        { code: CONSTRAINT, field: null, message: "It would break the rule small." },
      ],
      [
        "an exclusion",
        { elevation: 20 },
        { code: CONSTRAINT, field: null, message: "It would break the exclusion rule one_height." },
      ],
      [
        "a deferred constraint",
        { notes: "two" },
        { code: CONSTRAINT, field: "notes", message: "notes must be unique: another record has two." },
      ],
      [
        "a text that is too long",
        { countryCode: "FRA" },
        {
          code: CONSTRAINT,
          field: "countryCode",
          message: `"countryCode" holds at most 2 characters, and 3 are given.`,
        },
      ],
      [
        "a domain",
        { name: "x".repeat(30) },
        { code: CONSTRAINT, field: null, message: "It would break the rule brief." },
      ],
      ["a trigger", { name: "plain" }, { code: CONSTRAINT, field: null, message: "No city is plain." }],
      [
        "a trigger with a state of its own",
        { name: "own" },
        { code: CONSTRAINT, field: null, message: "No city is its own." },
      ],
    ])("%s", async (_what, data, expected) => {
      expect(await bothTold(way, data)).toEqual(expected);
      expect(
        await world.query("SELECT count(*)::int AS n FROM city WHERE name IN ('Paris', 'Berlin')"),
      ).toEqual([{ n: 2 }]);
    });

    test.each<[string, object, string, RegExp]>([
      ["null where there must be a value", { status: null }, "status", /^City\.status: cannot be null\.$/],
      [
        "a character that cannot be stored",
        { notes: "a\u0000b" },
        "notes",
        /^City\.notes: .* without NUL characters/,
      ],
      ["null in the place of links", { tags: null }, "tags", /^City\.tags: cannot be null/],
      ["a malformed id among links", { tags: ["x"] }, "tags", /^City\.tags: "x" is not an id of Tag/],
    ])("%s", async (what, data, field, message) => {
      const isUpdate = /update|is there/.test(name);
      // Beside each other these stand in lists: a bulk update with one change for all has no null for links.
      if (name !== "update" || field !== "tags") {
        const given = isUpdate && what.includes("id among") ? { tags: { add: ["x"] } } : data;
        const told = await bothTold(way, given);
        expect(told).toMatchObject({ code: INVALID, message: expect.stringMatching(message) });
        expect(told.field?.replace(/^(?:create|update)\./, "")).toBe(field);
      }
    });
  });

  test("infinity, which only a literal can be", async () => {
    const single = await world.data(
      `mutation { it: updateCity(id: "1", data: {latitude: 1e999}) { ${FIELDS} } }`,
    );
    const bulk = await world.data(
      `mutation { it: bulkUpdateCities(selection: {ids: ["1"]}, data: {latitude: {set: 1e999}}) { ${FIELDS} } }`,
    );
    expect(toldOf(single.it)).toEqual(toldOf(bulk.it));
    expect(toldOf(bulk.it)).toEqual({
      code: INVALID,
      field: "latitude",
      message: "City.latitude: needs a number that is not infinite.",
    });
  });

  test("a record that another task holds", async () => {
    await world.hold([{ model: "City", ids: ["1", "9"] }]);
    for (const [name, way] of Object.entries(CITIES)) {
      const id = /create|is not/.test(name) ? 9 : 1;
      expect(await bothTold(way, id === 9 ? {} : { name: "held" })).toMatchObject({
        code: "CONFLICT",
        message: expect.stringContaining(`City ${id} is held by task`),
      });
    }
  });

  test("a delete of what others refer to", async () => {
    const single = await world.data(`mutation { it: deleteCountry(id: "FR") { ${FIELDS} } }`);
    const selection = ["CountrySelection!", { ids: ["FR"] }] as const;
    const bulk = await world.run("bulkDeleteCountries", { selection }, { mode: "SYNC" });
    expect(toldOf(single.it)).toEqual(toldOf(bulk));
    expect(toldOf(bulk)).toEqual({
      code: CONSTRAINT,
      field: null,
      message: "It is still referred to by records of City.",
    });
  });
});

describe("the app's own refusals of a single write are those of bulk writes:", () => {
  beforeAll(async () => {
    world = await createBulkFixture({ models: APP });
  });
  afterAll(() => world.stop());
  beforeEach(fillCities);

  describe.each(Object.entries(CITIES))("%s", (_name, way) => {
    test.each<[string, object, Told]>([
      [
        "a validator's problem",
        { name: "invalid" },
        { code: INVALID, field: "name", message: "No city is invalid." },
      ],
      [
        "a hook's refusal",
        { name: "refused" },
        { code: INVALID, field: null, message: "No city is refused." },
      ],
    ])("%s", async (_what, data, expected) => {
      expect(await bothTold(way, data)).toEqual(expected);
    });

    test("a record that is moved out of the viewer's scope", async () => {
      expect(await bothTold(way, { countryCode: "DE" }, "fr")).toEqual({
        code: INVALID,
        field: null,
        message: "You may not write a City with these values.",
      });
    });
  });

  test("a record out of the viewer's scope counts as none: to be created, its key is taken", async () => {
    await world.query("UPDATE city SET country_code = 'DE' WHERE id = 1");
    const { code, message } = await CITIES["update"]?.single({ name: "x" }, "fr");
    expect([code, message]).toEqual(["NOT_FOUND", "There is no City 1."]);
    expect(toldOf(await CITIES["update"]?.bulk({ name: "x" }, "fr"))).toMatchObject({
      code: "RECORD_MISSING",
    });
    expect(await bothTold(CITIES["upsert of one that is there"] as Way, { name: "x" }, "fr")).toEqual({
      code: CONSTRAINT,
      field: "id",
      message: "id must be unique: another record has 1.",
    });
  });
});

describe("a value that its column cannot hold is told by a single write as in bulk:", () => {
  beforeAll(async () => {
    world = await createBulkModels("native-models.prisma", {}, "CREATE EXTENSION citext; ");
  });
  afterAll(() => world.stop());
  beforeEach(async () => {
    await world.query(`TRUNCATE "Native"`);
    await world.query(`INSERT INTO "Native" (id) VALUES (1)`);
  });

  describe.each(Object.entries(waysOf(() => world, { one: "Native", many: "Natives", fresh: { id: 9 } })))(
    "%s",
    (_name, way) => {
      test.each<[object, string, RegExp]>([
        [{ varChar: "abcd" }, "varChar", /holds at most 3 characters/],
        [{ smallInt: 40_000 }, "smallInt", /holds whole numbers from/],
        [{ decimal: "12345.5" }, "decimal", /holds at most 4 digits/],
        [{ uuid: "nothing of the sort" }, "uuid", /no value of its type, uuid/],
        [{ inet: "nowhere" }, "inet", /no value of its type, inet/],
        [{ xml: "<a>" }, "xml", /no value of its type, xml/],
      ])("%j", async (data, field, message) => {
        const told = await bothTold(way, data);
        expect(told).toMatchObject({ code: CONSTRAINT, field });
        expect(told.message).toMatch(message);
      });
    },
  );
});
