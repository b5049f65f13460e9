import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Answer } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

const RED = "0195f8f0-0000-7000-8000-00000000000a";
const BLUE = "0195f8f0-0000-7000-8000-00000000000c";

describe("a bulk write of links is refused while a task holds a record at their other end:", () => {
  let api: BulkFixture;

  beforeAll(async () => {
    api = await createBulkFixture();
  });
  afterAll(() => api.stop());
  beforeEach(async () => {
    await api.query(emptying("city, country, tag, language, powercrud.task"));
    await api.query("DELETE FROM powercrud.lock");
    await api.query(
      "INSERT INTO country (code, name, continent) VALUES ('FR', 'France', 'EUROPE'), ('DE', 'Germany', 'EUROPE')",
    );
    await api.query("INSERT INTO language VALUES ('fr', 'French'), ('de', 'German')");
    await api.query(`INSERT INTO "_CountryToLanguage" VALUES ('FR', 'fr')`);
    await api.query(`INSERT INTO city (id, name, country_code, population, latitude, longitude)
      SELECT n, 'City ' || n, 'FR', n, 1, 1 FROM generate_series(1, 3) n`);
    await api.query("INSERT INTO tag VALUES ($1::uuid, 'red'), ($2::uuid, 'blue')", [RED, BLUE]);
    await api.query(`INSERT INTO "_CityToTag" VALUES (1, $1::uuid), (2, $1::uuid)`, [RED]);
  });

  const links = (): Promise<Answer[]> =>
    api.query(`SELECT "A" AS city, "B" AS tag FROM "_CityToTag" ORDER BY 1, 2`);
  const tags = (ids: readonly string[]): readonly [string, object] => ["TagSelection!", { ids }];

  /** Every way for a bulk write of tags or countries to change a link of city 1 or of language `fr`. */
  const WAYS: Readonly<Record<string, (options: object) => Promise<Answer>>> = {
    "an update that adds": (options) =>
      api.run(
        "bulkUpdateTags",
        { selection: tags([BLUE]), data: ["TagBulkUpdateInput!", { cities: { add: ["1", "3"] } }] },
        options,
      ),
    "an update that removes": (options) =>
      api.run(
        "bulkUpdateTags",
        { selection: tags([RED]), data: ["TagBulkUpdateInput!", { cities: { remove: ["01"] } }] },
        options,
      ),
    "an update that replaces": (options) =>
      api.run(
        "bulkUpdateTags",
        { selection: tags([RED]), data: ["TagBulkUpdateInput!", { cities: { set: ["3"] } }] },
        options,
      ),
    "an update of each": (options) =>
      api.run(
        "bulkUpdateEachTags",
        {
          records: [
            "[TagUpdateEachInput!]!",
            [
              { id: BLUE, data: { label: "b" } },
              { id: RED, data: { cities: { remove: ["1"] } } },
            ],
          ],
        },
        options,
      ),
    "an update of each that replaces": (options) =>
      api.run(
        "bulkUpdateEachTags",
        { records: ["[TagUpdateEachInput!]!", [{ id: RED, data: { cities: { set: [] } } }]] },
        options,
      ),
    "an upsert": (options) =>
      api.run(
        "bulkUpsertTags",
        {
          records: [
            "[TagUpsertInput!]!",
            [{ id: BLUE, create: { label: "x" }, update: { cities: { add: ["1"] } } }],
          ],
        },
        options,
      ),
    "a create": (options) =>
      api.run(
        "bulkCreateTags",
        { data: ["[TagBulkCreateInput!]!", [{ label: "new", cities: ["1"] }]] },
        options,
      ),
    "a delete": (options) => api.run("bulkDeleteTags", { selection: tags([RED]) }, options),
    "an update of countries that replaces": (options) =>
      api.run(
        "bulkUpdateCountries",
        {
          selection: ["CountrySelection!", { ids: ["FR"] }],
          data: ["CountryBulkUpdateInput!", { languages: { set: ["de"] } }],
        },
        options,
      ),
  };

  test.each(Object.keys(WAYS))("%s", async (name) => {
    const write = WAYS[name] as (options: object) => Promise<Answer>;
    const claims = [
      { model: "City", ids: ["1"] },
      { model: "Language", ids: ["fr"] },
    ];
    const { task, release } = await api.hold(claims);
    const before = await links();
    for (const options of [{}, { mode: "SYNC" }, { onConflict: "SKIP" }, { errorPolicy: "SKIP_FAILED" }]) {
      const refused = await write(options);
      expect(refused).toMatchObject({ __typename: "ConflictError", code: "CONFLICT" });
      expect(refused.message).toContain(`is held by task ${task.id}`);
    }
    expect(await links()).toEqual(before);
    await release();
    expect(await write({})).toMatchObject({ status: "SUCCEEDED" });
  });

  test("is accepted for links of other records", async () => {
    await api.hold([{ model: "City", ids: ["3"] }]);
    expect(await WAYS["an update that removes"]?.({})).toMatchObject({ status: "SUCCEEDED" });
    expect(await WAYS["an upsert"]?.({})).toMatchObject({ status: "SUCCEEDED" });
  });

  test("a waiting task also claims the records that were linked meanwhile", async () => {
    const { release } = await api.hold([{ model: "City", ids: ["1"] }]);
    const data = ["TagBulkUpdateInput!", { cities: { set: ["3"] } }] as const;
    const waiting = api.run("bulkUpdateTags", { selection: tags([RED]), data }, { onConflict: "WAIT" });
    await release();
    expect(await waiting).toMatchObject({ status: "SUCCEEDED" });
    expect(await links()).toEqual([{ city: 3, tag: RED }]);
  });

  test("and single writes of the task's own links are refused from either end until it settles", async () => {
    const stranger = await api.connect();
    await stranger.query("BEGIN");
    await stranger.query("SELECT FROM tag WHERE id = $1::uuid FOR UPDATE", [BLUE]);
    const running = WAYS["an update that adds"]?.({}) ?? Promise.reject(new Error("no such way"));
    const isHeld = `SELECT FROM powercrud.lock WHERE model = 'City' AND '3' = ANY (ids)`;
    while ((await api.query(isHeld)).length === 0) {
      // Asked again at once: each look is a round trip.
    }
    const single = `mutation { a: updateCity(id: "3", data: {name: "x"}) { __typename }
      b: updateCity(id: "2", data: {tags: {add: ["${BLUE}"]}}) { __typename } }`;
    expect(await api.data(single)).toEqual({
      a: { __typename: "ConflictError" },
      b: { __typename: "ConflictError" },
    });
    await stranger.query("ROLLBACK");
    stranger.release();
    expect(await running).toMatchObject({ status: "SUCCEEDED" });
    expect((await api.data(single)).a.__typename).toBe("UpdateCityPayload");
  });
});

describe("links within one model", () => {
  let api: BulkFixture;

  beforeAll(async () => {
    api = await createBulkModels("other-models.prisma", {
      models: { Secret: { isExposed: false }, Item: { plural: "stock" } },
    });
  });
  afterAll(() => api.stop());

  test.each([
    ["friends", { add: ["2"] }],
    ["friends", { remove: ["3"] }],
    ["friends", { set: [] }],
    ["friendOf", { set: ["2"] }],
    ["friendOf", { set: [] }],
  ])("%s %j", async (field, change) => {
    await api.query(emptying(`"kept item"`));
    await api.query("DELETE FROM powercrud.lock");
    await api.query(
      `INSERT INTO "kept item" (id, "item title", "changedAt") SELECT n, 'item ' || n, now() FROM generate_series(1, 4) n`,
    );
    await api.query(`INSERT INTO "_friends" VALUES (1, 3), (4, 1)`);
    const { release } = await api.hold([{ model: "Item", ids: ["2", "3", "4"] }]);
    const run = (options: object): Promise<Answer> =>
      api.run(
        "bulkUpdateStock",
        {
          selection: ["ItemSelection!", { ids: ["1"] }],
          data: ["ItemBulkUpdateInput!", { [field]: change }],
        },
        options,
      );
    for (const options of [{}, { onConflict: "SKIP" }]) {
      expect(await run(options)).toMatchObject({ __typename: "ConflictError" });
    }
    await release();
    expect(await run({})).toMatchObject({ status: "SUCCEEDED" });
  });

  test("are made together with a new record, in either direction", async () => {
    await api.query(emptying(`"kept item"`));
    await api.query("DELETE FROM powercrud.lock");
    await api.query(
      `INSERT INTO "kept item" (id, "item title", "changedAt") SELECT n + 1000, 'item ' || n, now() FROM generate_series(1, 2) n`,
    );
    const links =
      "friends(first: 9, orderBy: [{id: ASC}]) { nodes { title } } friendOf(first: 9) { nodes { title } }";
    const made = await api.data(`mutation {
      a: updateItem(id: "1001", data: {friends: {add: ["1002"]}, createFriends: [{title: "friend"}]}) { ... on UpdateItemPayload { item { title } } }
      b: updateItem(id: "1001", data: {createFriendOf: [{title: "fan"}]}) { ... on UpdateItemPayload { item { ${links} } } }
      c: createItem(data: {title: "new", createFriends: [{title: "other"}]}) { ... on CreateItemPayload { item { ${links} } } }
    }`);
    const titles = ({ item: { friends, friendOf } }: Answer): unknown =>
      [friends, friendOf].map(({ nodes }) => nodes.map(({ title }: Answer) => title as string));
    expect([titles(made.b), titles(made.c)]).toEqual([
      [["friend", "item 2"], ["fan"]],
      [["other"], []],
    ]);
  });
});
