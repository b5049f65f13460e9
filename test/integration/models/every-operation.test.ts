import type { GraphQLInputObjectType } from "graphql";
import { getNamedType, isInputObjectType } from "graphql";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { conditionsOn, isLackedBy } from "./every-filter.ts";
import type { EveryOperation } from "./every-operation-fixture.ts";
import { describeFiles } from "./every-files.ts";
import { createEveryOperation, figuresAgainst, groupValueOf, shown } from "./every-operation-fixture.ts";
import { ENGINE, FIRST_CATEGORY, keyOf, MODELS, NOT_SAMPLED, sample } from "./every-type-samples.ts";
import type { Answer } from "./models-fixture.ts";

let world: EveryOperation;

beforeAll(async () => void (world = await createEveryOperation()));
afterAll(() => world.api.stop());

test("there are samples of every field that can be written", () => {
  for (const model of MODELS) {
    expect([model, world.inputFields(`${model}CreateInput`).toSorted()]).toEqual([
      model,
      [
        ...Object.keys(sample(model, 1)),
        ...NOT_SAMPLED.filter((name) => world.inputFields(`${model}CreateInput`).includes(name)),
      ].toSorted(),
    ]);
  }
});

describe.each(MODELS)("%s", (model) => {
  test("is written one by one, and shows what was written", async () => {
    const [, other] = await world.fill(model, 2);
    await world.write("delete", model, { id: other });
    const made = await world.write("create", model, { data: sample(model, 2) });
    expect(made).toMatchObject(shown(model, sample(model, 2)));
    const { id } = made;
    const name = `${model.charAt(0).toLowerCase()}${model.slice(1)}`;
    const select = world.columnsOf(model);
    expect(await world.run("query", name, { id }, select)).toEqual(made);
    world.executed.add(name);
    const changed = await world.write("update", model, { id, data: world.changeOf(model, 3) });
    expect(changed).toMatchObject(shown(model, world.changeOf(model, 3)));
    const there = { id, create: sample(model, 2), update: world.changeOf(model, 4) };
    expect(await world.write("upsert", model, there)).toMatchObject(shown(model, world.changeOf(model, 4)));
    await world.write("delete", model, { id });
    expect(await world.write("upsert", model, there)).toMatchObject(shown(model, sample(model, 2)));
    expect(await world.list(model)).toHaveLength(2);
  });

  test("is written in bulk, and shows what was written", async () => {
    const ids = await world.fill(model, 3);
    for (const at of [1, 2, 3]) {
      expect(await world.list(model)).toContainEqual(
        expect.objectContaining(shown(model, sample(model, at))),
      );
    }
    const records = ids.map((id, at) => ({ id, data: world.changeOf(model, at + 4) }));
    await world.writeMany("bulkUpdateEach", model, { records }, 3);
    for (const at of [4, 5, 6]) {
      expect(await world.list(model)).toContainEqual(
        expect.objectContaining(shown(model, world.changeOf(model, at))),
      );
    }
    const upserts = ids.map((id, at) => ({
      id,
      create: sample(model, at + 1),
      update: world.changeOf(model, at + 1),
    }));
    await world.writeMany("bulkDelete", model, { selection: { ids: [ids[0]] } }, 1);
    await world.writeMany("bulkUpsert", model, { records: upserts }, 3);
    for (const at of [1, 2, 3]) {
      expect(await world.list(model)).toContainEqual(
        expect.objectContaining(shown(model, sample(model, at))),
      );
    }
  });

  test("takes one change for many, by every operator", async () => {
    const ids = await world.fill(model, 2);
    const type = world.schema.getType(`${model}BulkUpdateInput`);
    const fields = isInputObjectType(type) ? Object.values(type.getFields()) : [];
    const written = fields.filter(({ name }) => !NOT_SAMPLED.includes(name));
    const operators = new Set(written.flatMap((field) => world.inputFields(getNamedType(field.type).name)));
    for (const operator of new Set(["set", ...operators])) {
      const those = written.filter((field) =>
        world.inputFields(getNamedType(field.type).name).includes(operator),
      );
      const change = (name: string): unknown =>
        operator === "set" ? sample(model, 5)[name] : Number(operator === "multiply");
      const data = Object.fromEntries(those.map(({ name }) => [name, { [operator]: change(name) }]));
      await world.writeMany("bulkUpdate", model, { selection: { ids: [ids[0]] }, data }, 1);
      expect(await world.list(model)).toContainEqual(
        expect.objectContaining(shown(model, world.changeOf(model, 5))),
      );
    }
  });

  test("is found by every filter", async () => {
    const ids = await world.fill(model, 3);
    const records = await world.list(model);
    const where = world.schema.getType(`${model}Where`) as GraphQLInputObjectType;
    for (const { name } of Object.values(where.getFields())) {
      const conditions = conditionsOn(world.schema, model, name, records);
      const lacked = conditions.filter(([condition]) => isLackedBy(model, name, condition));
      const asked = conditions.filter((each) => !lacked.includes(each));
      const found = await findAll(
        model,
        asked.map(([condition]) => condition),
      );
      expect(asked.map(([condition], at) => [condition, found[at]])).toEqual(
        asked.map(([condition, expected]) => [condition, expect.arrayContaining(expected)]),
      );
      for (const [condition] of lacked) {
        await expect(findAll(model, [condition])).rejects.toThrow("the database has no such comparison");
      }
    }
    expect(ids).toHaveLength(3);
  });

  test("is listed page by page in every order", async () => {
    const ids = await world.fill(model, 5);
    const orders = world.schema.getType(`${model}OrderBy`) as GraphQLInputObjectType;
    for (const { name, type } of Object.values(orders.getFields())) {
      const related = getNamedType(type).name.replace(/OrderBy$/, "");
      for (const direction of ["ASC", "DESC"]) {
        const by = [...MODELS, "Count"].includes(related) ? { [keyOf(related)]: direction } : direction;
        const walked = await walk(model, [{ [name]: by }]);
        expect([name, direction, walked.toSorted()]).toEqual([name, direction, ids.toSorted()]);
      }
    }
  });

  test("has figures and groups that agree with its list", async () => {
    const ids = await world.fill(model, 4);
    // Times that the database sets have microseconds, which the list does not show.
    await world.api.query(`UPDATE shop."all products" SET "changedAt" = "createdAt"`);
    const listed = await world.list(model, { ids });
    expect(listed).toHaveLength(4);
    // Ids are texts, whatever the column's type.
    const records = listed.map((each) => (model === "Category" ? { ...each, id: Number(each.id) } : each));
    const [figures, expected] = figuresAgainst(await world.aggregate(model, { ids }), records);
    expect(figures).toEqual(expected);
    const keys = world.groupKeysOf(model);
    const none = Object.fromEntries(keys.map((key) => [key, null]));
    for (const key of keys.filter((each) => !isTimeOfDay(each))) {
      const groups = await world.groups(model, [key], { ids });
      const values = new Set(records.map((record) => groupValueOf(record, key)));
      expect(groups).toHaveLength(values.size);
      for (const value of values) {
        const group = groups.find((each) => each.key[key] === value);
        expect(group?.key).toEqual({ ...none, [key]: value });
        const own = records.filter((record) => groupValueOf(record, key) === value);
        const [seen, wanted] = figuresAgainst(group, own);
        expect([key, value, seen]).toEqual([key, value, wanted]);
      }
    }
  });
});

test("times of day have no periods to group by", async () => {
  const keys = world.groupKeysOf("Product").filter(isTimeOfDay);
  expect(keys).toHaveLength(5);
  for (const key of keys) {
    const message = `by: ${key} is not possible: opens holds times of day, not moments.`;
    await expect(world.groups("Product", [key], {})).rejects.toThrow(message);
  }
});

/** Whether the key of groups is a period of the only column of times of day. */
function isTimeOfDay(key: string): boolean {
  return key.startsWith("opens_");
}

/** The ids of the model's list, page by page. */
async function walk(model: string, orderBy: readonly object[]): Promise<string[]> {
  const seen: string[] = [];
  for (let after: string | null = null, pages = 0; pages < 10; pages += 1) {
    const selection = "nodes { id } pageInfo { hasNextPage endCursor }";
    const page: Answer = await world.run(
      "query",
      world.listOf(model),
      { first: 2, after, orderBy },
      selection,
    );
    const ids = page.nodes.map(({ id }: { id: string }) => id);
    seen.push(...ids.filter((id: string) => model !== "Category" || id !== FIRST_CATEGORY));
    after = page.pageInfo.endCursor;
    if (!page.pageInfo.hasNextPage) {
      break;
    }
  }
  return seen;
}

/** The ids that each of the conditions finds, asked for in one document. */
async function findAll(model: string, conditions: readonly object[]): Promise<string[][]> {
  const declared = conditions.map((_condition, at) => `$where${at}: ${model}Where`).join(", ");
  const fields = conditions.map(
    (_condition, at) => `it${at}: ${world.listOf(model)}(where: $where${at}) { nodes { id } }`,
  );
  const variables = Object.fromEntries(conditions.map((condition, at) => [`where${at}`, condition]));
  const answer =
    conditions.length === 0
      ? {}
      : await world.api.data(`query (${declared}) { ${fields.join(" ")} }`, variables);
  return Object.values(answer).map((page: Answer) => page.nodes.map(({ id }: { id: string }) => id));
}

describe("links", () => {
  test("of many-to-many relations are written from both sides, one by one and in bulk", async () => {
    await world.fill("Product", 3);
    const [one, two, three] = (await world.list("Product")).map(({ id }) => id as string);
    await world.writeMany("bulkCreate", "Tag", { data: [{ ...sample("Tag", 1), products: [one, two] }] }, 1);
    const [tag] = await world.list("Tag");
    await world.write("update", "Product", {
      id: three,
      data: { tags: { add: [tag.id] }, relatedTo: { set: [one, three] } },
    });
    await world.writeMany(
      "bulkUpdate",
      "Product",
      { selection: { ids: [one] }, data: { relatedFrom: { add: [two] }, tags: { remove: [tag.id] } } },
      1,
    );
    const { it } = await world.api.data(
      "{ it: products { nodes { tags { nodes { label } } relatedTo { totalCount nodes { code } } relatedFrom { nodes { code } } } } }",
    );
    expect(it.nodes).toEqual([
      {
        tags: { nodes: [] },
        relatedTo: { totalCount: 0, nodes: [] },
        relatedFrom: { nodes: [{ code: "Code-2" }, { code: "Code-3" }] },
      },
      {
        tags: { nodes: [{ label: "label 1" }] },
        relatedTo: { totalCount: 1, nodes: [{ code: "Code-1" }] },
        relatedFrom: { nodes: [] },
      },
      {
        tags: { nodes: [{ label: "label 1" }] },
        relatedTo: { totalCount: 2, nodes: [{ code: "Code-1" }, { code: "Code-3" }] },
        relatedFrom: { nodes: [{ code: "Code-3" }] },
      },
    ]);
    const where = {
      tags: { some: { label: { equals: "label 1" } } },
      detail: { is: null },
      category: { is: { name: { equals: "first" } } },
    };
    expect((await world.list("Product", { where })).map(({ id }) => id as string)).toEqual([two, three]);
  });

  test("of lists are written with the record that they refer to", async () => {
    const [other] = await world.fill("Product", 1);
    const { id } = await world.write("create", "Category", {
      data: { name: "a", children: { create: [{ name: "b" }] }, products: { connect: [other] } },
    });
    await world.write("update", "Category", {
      id,
      data: { children: { create: [{ name: "c" }] }, products: { create: [{ code: "d", title: "d" }] } },
    });
    const { category } = await world.api.data(
      `{ category(id: "${id}") { children { nodes { name } } products { nodes { code } } } }`,
    );
    expect(category.children.nodes).toEqual([{ name: "b" }, { name: "c" }]);
    const codes = category.products.nodes.map(({ code }: Answer) => code);
    expect(codes.toSorted()).toEqual(["Code-1", "d"]);
  });

  test("of one-to-one relations are read from both sides", async () => {
    await world.fill("Detail", 2);
    const { products, details } = await world.api.data(
      "{ products { nodes { code detail { text } } } details { nodes { text product { code } } } }",
    );
    expect(products.nodes[1]).toEqual({ code: "Code-2", detail: { text: "text 2" } });
    expect(details.nodes[1]).toEqual({ text: "text 2", product: { code: "Code-2" } });
  });
});

describe("what the database makes", () => {
  const PLAIN = { code: "new", title: "new" };

  test.each(["single", "bulk"])("is there after a create that leaves everything out, %s", async (way) => {
    await world.fill("Product", 0);
    await (way === "single"
      ? world.write("create", "Product", { data: PLAIN })
      : world.writeMany("bulkCreate", "Product", { data: [PLAIN] }, 1));
    const [product] = await world.list("Product");
    expect(product).toMatchObject({
      price: "1.5",
      stock: 7,
      big: "9007199254740993",
      isOpen: true,
      mood: "GRIM",
      size: null,
      moods: [],
      sizes: ["SMALL"],
      words: ["a", "b"],
      numbers: [],
      settings: { a: [1] },
      extra: null,
      token: expect.stringMatching(/^[0-9a-f-]{36}$/),
      letter: expect.stringMatching(/^[0-9a-f-]{36}$/),
      loud: "NEW",
      stamp: "INSERT",
    });
    await (way === "single"
      ? world.write("create", "Category", { data: { name: "made" } })
      : world.writeMany("bulkCreate", "Category", { data: [{ name: "made" }] }, 1));
    expect(await world.list("Category", { where: { name: { equals: "made" } } })).toHaveLength(1);
  });

  test("is changed by its triggers and expressions, and cannot be set", async () => {
    await world.fill("Product", 1);
    const [{ id }] = await world.list("Product");
    expect(await world.write("update", "Product", { id, data: { title: "b" } })).toMatchObject({
      loud: "B",
      stamp: "UPDATE",
    });
    const message = "loud is made by the database and cannot be set.";
    const { it } = await world.api.data(
      `mutation { it: updateProduct(id: "${id}", data: {loud: "x"}) { ... on ValidationError { message problems { field } } } }`,
    );
    expect(it).toEqual({ message, problems: [{ field: "loud" }] });
    for (const [name, args] of Object.entries({
      bulkUpdateProducts: {
        selection: ["ProductSelection!", { ids: [id] }],
        data: ["ProductBulkUpdateInput!", { loud: { set: "x" } }],
      },
      bulkCreateProducts: { data: ["[ProductBulkCreateInput!]!", [{ ...PLAIN, loud: "x" }]] },
    } as const)) {
      expect([name, await world.api.run(name, args)]).toMatchObject([
        name,
        { status: "FAILED", errors: [{ field: "loud", message }] },
      ]);
    }
  });
});

describe("pages in an order that only the database knows", () => {
  test("by an enum whose values it has in another order, nested in several records", async () => {
    await world.fill("Product", 9);
    await world.api.query(`INSERT INTO "Category" OVERRIDING SYSTEM VALUE VALUES (2, 'second')`);
    await world.api.query(`UPDATE shop."all products" SET category = 1 + product_id % 2,
      "seenAt" = '2026-01-31Z'::timestamptz + (product_id % 4) * interval '1 microsecond'`);
    for (const [field, column] of [
      ["size", "size"],
      ["seenAt", `"seenAt"`],
    ]) {
      const seen: Record<string, string[]> = { 1: [], 2: [] };
      const first = await nestedPages(`first: 2, orderBy: [{${field}: ASC}]`);
      for (const { id, products } of first) {
        seen[id]?.push(...products.nodes.map((node: Answer) => node.id));
        for (let info = products.pageInfo; info.hasNextPage;) {
          const next = await nestedPages(`first: 2, after: "${info.endCursor}", orderBy: [{${field}: ASC}]`);
          const page = next.find((each) => each.id === id).products;
          seen[id]?.push(...page.nodes.map((node: Answer) => node.id));
          info = page.pageInfo;
        }
      }
      for (const id of [1, 2]) {
        const rows = await world.api.query(
          `SELECT product_id::text AS id FROM shop."all products" WHERE category = $1 ORDER BY ${column}, product_id`,
          [id],
        );
        expect([field, seen[id]]).toEqual([field, rows.map((row) => row.id as string)]);
      }
    }
  });

  async function nestedPages(args: string): Promise<Answer[]> {
    const { categories } = await world.api.data(
      `{ categories { nodes { id products(${args}) { totalCount nodes { id tags { totalCount } } pageInfo { hasNextPage endCursor } } } } }`,
    );
    return categories.nodes;
  }
});

test("a stale write of a record with microseconds is told from one that is up to date", async () => {
  await world.fill("Product", 1);
  const [{ id }] = await world.list("Product");
  const { changedAt } = await world.write("update", "Product", { id, data: { note: "a" } });
  expect(
    await world.write("update", "Product", { id, data: { note: "b" }, expectedUpdatedAt: changedAt }),
  ).toMatchObject({ note: "b" });
  const [{ changedAt: now }] = await world.list("Product");
  const records = [{ id, data: { note: "c" }, expectedUpdatedAt: now }];
  await world.writeMany("bulkUpdateEach", "Product", { records }, 1);
  const stale = await world.api.data(
    `mutation { it: updateProduct(id: "${id}", data: {note: "d"}, expectedUpdatedAt: "${changedAt}") { __typename } }`,
  );
  expect(stale.it.__typename).toBe("StaleProductError");
});

describeFiles(() => world);

test("every root field of the models was executed", () => {
  const { schema } = world;
  const fields = { ...schema.getQueryType()?.getFields(), ...schema.getMutationType()?.getFields() };
  expect(Object.keys(fields).toSorted()).toEqual([...world.executed, ...ENGINE].toSorted());
});
