import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Answer } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

let api: BulkFixture;

beforeAll(async () => {
  api = await createBulkModels("json-models.prisma");
});
afterAll(() => api.stop());
beforeEach(async () => {
  await api.query(emptying(`"Doc"`));
  await api.query(`INSERT INTO "Doc" (id) VALUES (1)`);
});

const REFUSAL = "__typename ... on ValidationError { message problems { code field message } }";

/** Every way to write a record; a launch answers with the refusal, or with the settled task. */
const WAYS: Readonly<Record<string, (data: object) => Promise<Answer>>> = {
  createDoc: async (data) =>
    (
      await api.data(`mutation ($data: DocCreateInput!) { it: createDoc(data: $data) { ${REFUSAL} } }`, {
        data: { ...data, id: 2 },
      })
    ).it,
  updateDoc: async (data) =>
    (
      await api.data(
        `mutation ($data: DocUpdateInput!) { it: updateDoc(id: "1", data: $data) { ${REFUSAL} } }`,
        {
          data,
        },
      )
    ).it,
  bulkUpdateDocs: (data) =>
    api.run("bulkUpdateDocs", {
      selection: ["DocSelection!", { ids: ["1"] }],
      data: [
        "DocBulkUpdateInput!",
        Object.fromEntries(Object.entries(data).map(([name, value]) => [name, { set: value as unknown }])),
      ],
    }),
  bulkUpdateEachDocs: (data) =>
    api.run("bulkUpdateEachDocs", { records: ["[DocUpdateEachInput!]!", [{ id: "1", data }]] }),
  bulkCreateDocs: (data) =>
    api.run("bulkCreateDocs", { data: ["[DocBulkCreateInput!]!", [{ ...data, id: 2 }]] }),
};

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) {
    value = level % 2 === 0 ? [value] : { a: value };
  }
  return value;
}

const BROKEN = "holds a NUL character or half of a character.";
const REFUSED: readonly (readonly [what: string, data: object, words: string])[] = [
  ["a text with NUL", { value: { a: ["x", "x\u0000y"] } }, `a.1 ${BROKEN}`],
  ["half of a character", { required: "\uD800" }, `it ${BROKEN}`],
  ["a key with NUL", { value: { deep: { "a\u0000": 1 } } }, `a key of deep ${BROKEN}`],
  ["a text with NUL in a list", { list: [1, { a: "\u0000" }] }, `a ${BROKEN}`],
  ["a number beyond all", { value: Number.POSITIVE_INFINITY }, "number"],
  ["a number beyond all in a list", { value: { a: [1, Number.NEGATIVE_INFINITY] } }, "a.1 is a number"],
  ["101 levels", { value: nested(101) }, "it is nested deeper than 100 levels."],
  ["levels without end", { value: nested(20_000) }, "it is nested deeper than 100 levels."],
];

describe.each(Object.entries(WAYS))("%s", (_way, write) => {
  test.each(REFUSED)("refuses %s, naming the field", async (_what, data, words) => {
    const [field] = Object.keys(data);
    const answer = await write(data);
    expect(answer).toMatchObject({
      __typename: "ValidationError",
      problems: [{ code: "VALIDATION_FAILED", field: expect.stringMatching(new RegExp(`(^|\\.)${field}$`)) }],
    });
    expect(answer["message"]).toContain(words);
  });

  test("refuses null for a list", async () => {
    expect(await write({ list: null })).toMatchObject({ __typename: "ValidationError" });
  });

  test.each([
    ["100 levels", nested(100)],
    ["all digits of a number", 0.300_000_000_000_000_04],
    ["the greatest number", Number.MAX_VALUE],
    ["a key named as JavaScript's prototype", JSON.parse('{"__proto__": {"x": 1}, "a": [{"__proto__": 2}]}')],
    ["a key named as Prisma's own marks", { $type: "DateTime", value: "x", a: { $type: 1 } }],
    ["both", JSON.parse('{"$type": "Json", "__proto__": {"$type": "Raw"}}')],
  ])("keeps %s", async (_what, value) => {
    expect(await write({ value, list: [value] })).not.toHaveProperty("problems");
    const [row] = await api.query(
      `SELECT value::text, list[1]::text AS item FROM "Doc" ORDER BY id DESC LIMIT 1`,
    );
    expect(JSON.stringify(JSON.parse(row?.["value"]))).toBe(JSON.stringify(await sorted(value)));
    expect(row?.["item"]).toBe(row?.["value"]);
  });
});

/** The object with its members in PostgreSQL's order. */
async function sorted(value: unknown): Promise<unknown> {
  const [row] = await api.query("SELECT $1::jsonb::text AS value", [JSON.stringify(value)]);
  return JSON.parse(row?.["value"]);
}
