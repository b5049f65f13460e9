import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AppRecord, ModelOptionsMap } from "../../../src/index.ts";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Refusal, Way } from "./write-ways.ts";
import { sameRefusal, FIELDS, refusalOf, waysOf } from "./write-ways.ts";
import { emptying } from "../../support/empty-tables.ts";

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

/** An app with rules for writes of cities, so that they are written step by step. */
const APP: ModelOptionsMap = {
  City: {
    access: ({ viewer: { id } }) => (id === "fr" ? { countryCode: { equals: "FR" } } : true),
    validate: (_record, { name }) =>
      name?.set === "invalid" ? [{ field: "name", message: "No city is invalid." }] : [],
    hooks: {
      // option: models.hooks.beforeCreate
      beforeCreate: ({ records }) => refused(records),
      beforeUpdate: ({ records }) => refused(records),
    },
  },
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
  await world.query(emptying("city, country, tag, powercrud.task"));
  await world.query("DELETE FROM powercrud.lock");
  await world.query(
    "INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE'), ('DE', 'Germany', 'EUROPE')",
  );
  await world.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude, elevation, notes)
    VALUES (1, 'Paris', 'FR', 1, 1, 1, 10, 'one'), (2, 'Berlin', 'DE', 1, 2, 2, 20, 'two')`);
}

const CONSTRAINT = "CONSTRAINT_VIOLATED";
const INVALID = "VALIDATION_FAILED";

const BAD_INPUTS: readonly (readonly [what: string, data: object, field: string, message: RegExp])[] = [
  ["null where there must be a value", { status: null }, "status", /^City\.status: cannot be null\.$/],
  [
    "a character that cannot be stored",
    { notes: "a\u0000b" },
    "notes",
    /^City\.notes: .* without NUL characters/,
  ],
  ["null in the place of links", { tags: null }, "tags", /^City\.tags: cannot be null/],
  ["a malformed id among links", { tags: ["x"] }, "tags", /^City\.tags: "x" is not an id of Tag/],
];

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
    test.each<[string, object, Refusal]>([
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
      expect(await sameRefusal(way, data)).toEqual(expected);
      expect(
        await world.query("SELECT count(*)::int AS n FROM city WHERE name IN ('Paris', 'Berlin')"),
      ).toEqual([{ n: 2 }]);
    });

    // A bulk update with one change for all accepts no list for links.
    const inputs = BAD_INPUTS.filter(([, , field]) => name !== "update" || field !== "tags");
    test.each(inputs)("%s", async (what, data, field, message) => {
      const isUpdate = /update|is there/.test(name);
      const given = isUpdate && what.includes("id among") ? { tags: { add: ["x"] } } : data;
      const refusal = await sameRefusal(way, given);
      expect(refusal).toMatchObject({ code: INVALID, message: expect.stringMatching(message) });
      expect(refusal.field?.replace(/^(?:create|update)\./, "")).toBe(field);
    });
  });

  test("infinity, which only a literal can be", async () => {
    const single = await world.data(
      `mutation { it: updateCity(id: "1", data: {latitude: 1e999}) { ${FIELDS} } }`,
    );
    const bulk = await world.data(
      `mutation { it: bulkUpdateCities(selection: {ids: ["1"]}, data: {latitude: {set: 1e999}}) { ${FIELDS} } }`,
    );
    expect(refusalOf(single.it)).toEqual(refusalOf(bulk.it));
    expect(refusalOf(bulk.it)).toEqual({
      code: INVALID,
      field: "latitude",
      message: "City.latitude: needs a number that is not infinite.",
    });
  });

  test("a record that another task holds", async () => {
    await world.hold([{ model: "City", ids: ["1", "9"] }]);
    for (const [name, way] of Object.entries(CITIES)) {
      const id = /create|is not/.test(name) ? 9 : 1;
      expect(await sameRefusal(way, id === 9 ? {} : { name: "held" })).toMatchObject({
        code: "CONFLICT",
        message: expect.stringContaining(`City ${id} is held by task`),
      });
    }
  });

  test("a delete of a record that others refer to", async () => {
    const single = await world.data(`mutation { it: deleteCountry(id: "FR") { ${FIELDS} } }`);
    const selection = ["CountrySelection!", { ids: ["FR"] }] as const;
    const bulk = await world.run("bulkDeleteCountries", { selection }, { mode: "SYNC" });
    expect(refusalOf(single.it)).toEqual(refusalOf(bulk));
    expect(refusalOf(bulk)).toEqual({
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
    test.each<[string, object, Refusal]>([
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
      expect(await sameRefusal(way, data)).toEqual(expected);
    });

    test("a record that is moved out of the viewer's scope", async () => {
      expect(await sameRefusal(way, { countryCode: "DE" }, "fr")).toEqual({
        code: INVALID,
        field: null,
        message: "You may not write a City with these values.",
      });
    });
  });

  test("a record out of the viewer's scope counts as missing, but its key is taken for a create", async () => {
    await world.query("UPDATE city SET country_code = 'DE' WHERE id = 1");
    const single: unknown = await CITIES["update"]?.single({ name: "x" }, "fr");
    expect(single).toMatchObject({ code: "NOT_FOUND", message: "There is no City 1." });
    expect(refusalOf(await CITIES["update"]?.bulk({ name: "x" }, "fr"))).toMatchObject({
      code: "RECORD_MISSING",
    });
    expect(await sameRefusal(CITIES["upsert of one that is there"] as Way, { name: "x" }, "fr")).toEqual({
      code: CONSTRAINT,
      field: "id",
      message: "id must be unique: another record has 1.",
    });
  });
});

describe("a value that its column cannot hold is refused by a single write as in bulk:", () => {
  beforeAll(async () => {
    world = await createBulkModels("native-models.prisma", {}, "CREATE EXTENSION citext; ");
  });
  afterAll(() => world.stop());
  beforeEach(async () => {
    await world.query(emptying(`"Native"`));
    await world.query(`INSERT INTO "Native" (id) VALUES (1)`);
  });

  describe.each(Object.entries(waysOf(() => world, { one: "Native", many: "Natives", fresh: { id: 9 } })))(
    "%s",
    (_name, way) => {
      test.each<[object, string, RegExp]>([
        [{ varChar: "abcd" }, "varChar", /holds at most 3 characters/],
        [{ smallInt: 40_000 }, "smallInt", /holds whole numbers from/],
        [{ decimal: "12345.5" }, "decimal", /holds at most 4 digits/],
        [{ uuid: "nothing of the sort" }, "uuid", /needs a value of its type, uuid/],
        [{ inet: "nowhere" }, "inet", /needs a value of its type, inet/],
        [{ xml: "<a>" }, "xml", /needs a value of its type, xml/],
      ])("%j", async (data, field, message) => {
        const refusal = await sameRefusal(way, data);
        expect(refusal).toMatchObject({ code: CONSTRAINT, field });
        expect(refusal.message).toMatch(message);
      });
    },
  );
});
