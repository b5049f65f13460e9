import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateFixture } from "./generate-fixture.ts";
import type { Answer, ModelsFixture } from "./models-fixture.ts";
import { createModelsFixture } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

let generated: Awaited<ReturnType<typeof generateFixture>>;
let api: ModelsFixture;

beforeAll(async () => {
  generated = await generateFixture(join(import.meta.dirname, "other-models.prisma"));
  api = await createModelsFixture({
    generated,
    modelOptions: { Secret: { isExposed: false }, Item: { plural: "stock" } },
  });
});
afterAll(async () => {
  await api.stop();
});

const PROBLEMS = `... on Error { message } ... on ValidationError { problems { field message } }`;
const ITEM = `id title price weight isOpen picture extra settings seenAt moods words numbers parentId changedAt`;

async function createItem(data: object): Promise<Answer> {
  const { createItem: result } = await api.data(
    `mutation ($data: ItemCreateInput!) { createItem(data: $data) { __typename ${PROBLEMS} ... on CreateItemPayload { item { ${ITEM} parent { title } friends { nodes { title } } } } } }`,
    { data },
  );
  return result;
}

async function titles(where: string, variables?: Record<string, unknown>): Promise<string[]> {
  const { stock } = await api.data(
    `${variables === undefined ? "" : "query ($j: JSON) "}{ stock(where: ${where}, orderBy: [{title: ASC}]) { nodes { title } } }`,
    variables,
  );
  return stock.nodes.map((node: { title: string }) => node.title);
}

const FULL = {
  title: "full",
  price: "12345678901234.5678",
  weight: 0.1,
  isOpen: true,
  picture: "AAH/",
  extra: { a: [1, null, { b: "x" }] },
  settings: null,
  seenAt: "2026-01-31T12:00:00.123Z",
  moods: ["GAY", "GRIM"],
  words: ["b", "a"],
  numbers: ["9007199254740993", 1],
};

describe("filters", () => {
  beforeAll(async () => {
    await api.query(emptying(`"kept item", "Person", "Seat"`));
    await createItem({ ...FULL, title: "a" });
    await createItem({
      title: "b",
      words: ["c"],
      extra: "text 1_0",
      settings: { deep: { list: [1, 2] } },
      price: "-1",
    });
    await createItem({
      title: "c",
      numbers: ["5"],
      extra: null,
      isOpen: true,
      settings: { deep: { word: "hello" } },
    });
  });

  test.each([
    ['{words: {has: "a"}}', ["a"]],
    ['{words: {hasSome: ["a", "c"]}}', ["a", "b"]],
    ['{words: {hasEvery: ["a", "b"]}}', ["a"]],
    ["{words: {isEmpty: true}}", ["c"]],
    ["{words: {isEmpty: false}}", ["a", "b"]],
    ['{words: {equals: ["b", "a"]}}', ["a"]],
    ["{moods: {has: GRIM}}", ["a"]],
    ['{numbers: {has: "9007199254740993"}}', ["a"]],
    ['{price: {gt: "12345678901234.5677"}}', ["a"]],
    ['{price: {in: ["-1.0000"]}}', ["b"]],
    ["{isOpen: {equals: true}}", ["a", "c"]],
    ["{isOpen: {not: true}}", ["b"]],
    ['{picture: {equals: "AAH/"}}', ["a"]],
    ["{picture: {isNull: true}}", ["b", "c"]],
    ["{extra: {isNull: true}}", ["c"]],
    ["{extra: {isNull: false}}", ["a", "b"]],
    ['{extra: {stringContains: "1_0"}}', ["b"]],
    ['{extra: {stringContains: "t_x"}}', []],
    ['{extra: {path: ["a", "2", "b"], equals: "x"}}', ["a"]],
    ['{extra: {stringStartsWith: "text"}}', ["b"]],
    ['{extra: {stringEndsWith: "_0"}}', ["b"]],
    ['{extra: {stringStartsWith: "\\""}}', []],
    ["{OR: [], isOpen: {equals: true}}", []],
    ["{OR: [{OR: [], isOpen: {equals: false}}, {isOpen: {equals: true}}]}", ["a", "c"]],
    ["{settings: {equals: null}}", ["a"]],
    ['{settings: {path: ["deep", "word"], stringStartsWith: "he"}}', ["c"]],
    ['{settings: {path: ["deep", "list"], arrayContains: [2]}}', ["b"]],
    ['{seenAt: {gte: "2026-01-31T12:00:00.123Z"}}', ["a"]],
    ["{parent: {is: null}}", ["a", "b", "c"]],
    ["{parent: {isNot: null}}", []],
    ["{owner: {is: {mood: {equals: GAY}}}}", []],
    ["{weight: {gt: 0.05, lt: 0.15}}", ["a"]],
  ])("%s", async (where, expected) => {
    expect(await titles(where)).toEqual(expected);
  });

  test("JSON is compared whole", async () => {
    expect(await titles("{extra: {equals: $j}}", { j: { a: [1, null, { b: "x" }] } })).toEqual(["a"]);
  });

  test("pages in an order by optional records and other types have no gaps", async () => {
    for (const orderBy of [
      "[{price: DESC}]",
      "[{isOpen: DESC}]",
      "[{parent: {title: ASC}}]",
      "[{owner: {mood: DESC}}, {seenAt: ASC_NULLS_FIRST}]",
      "[{weight: ASC}]",
    ]) {
      const seen: string[] = [];
      let after: string | null = null;
      for (let page = 0; page < 3; page += 1) {
        const { stock }: Answer = await api.data(
          `query ($after: String) { stock(first: 1, after: $after, orderBy: ${orderBy}) { nodes { title } pageInfo { endCursor } } }`,
          { after },
        );
        seen.push(stock.nodes[0]?.title);
        after = stock.pageInfo.endCursor;
      }
      const { stock } = await api.data(`{ stock(orderBy: ${orderBy}) { nodes { title } } }`);
      expect(seen).toEqual(stock.nodes.map((node: { title: string }) => node.title));
    }
  });
});
