import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Answer } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

let api: BulkFixture;

beforeAll(async () => {
  api = await createBulkModels("native-models.prisma", {}, "CREATE EXTENSION citext; ");
});
afterAll(() => api.stop());
beforeEach(async () => {
  await api.query(emptying(`"Native"`));
  await api.query(`INSERT INTO "Native" (id, "smallInt", int) VALUES (1, 32000, 1), (2, 1, 1)`);
});

const PROBLEMS = `__typename ... on ValidationError { problems { code field message } }`;

/** The error of one bad value, from a single write or a task. */
type Refusal = Promise<readonly Answer[]>;

const WAYS: Readonly<Record<string, (data: object) => Refusal>> = {
  createNative: async (data) =>
    (
      await api.data(
        `mutation ($data: NativeCreateInput!) { it: createNative(data: $data) { ${PROBLEMS} } }`,
        {
          data: { ...data, id: 3 },
        },
      )
    ).it.problems,
  updateNative: async (data) =>
    (
      await api.data(
        `mutation ($data: NativeUpdateInput!) { it: updateNative(id: "1", data: $data) { ${PROBLEMS} } }`,
        { data },
      )
    ).it.problems,
  bulkCreateNatives: async (data) =>
    (await api.run("bulkCreateNatives", { data: ["[NativeBulkCreateInput!]!", [{ ...data, id: 3 }]] }))
      .errors,
  bulkUpdateNatives: (data) =>
    updateAll(Object.entries(data).map(([name, set]) => [name, { set: set as unknown }])),
  bulkUpdateEachNatives: async (data) =>
    (await api.run("bulkUpdateEachNatives", { records: ["[NativeUpdateEachInput!]!", [{ id: "1", data }]] }))
      .errors,
  bulkUpsertNatives: async (data) =>
    (
      await api.run("bulkUpsertNatives", {
        records: ["[NativeUpsertInput!]!", [{ id: "1", create: { id: 1 }, update: data }]],
      })
    ).errors,
};

async function updateAll(changes: readonly (readonly [string, object])[]): Refusal {
  const { errors } = await api.run("bulkUpdateNatives", {
    selection: ["NativeSelection!", { ids: ["1"] }],
    data: ["NativeBulkUpdateInput!", Object.fromEntries(changes)],
  });
  return errors;
}

describe("a value that its column cannot hold is refused with the field and the limit", () => {
  test.each([
    [{ text: "a", varChar: "abcd" }, "varChar", `"varChar" holds at most 3 characters, and 4 are given.`],
    [{ varChar: "😀😀😀😀" }, "varChar", `"varChar" holds at most 3 characters, and 4 are given.`],
    [{ charOne: "ab" }, "charOne", `"charOne" holds at most 1 character, and 2 are given.`],
    [{ varChars: ["a", "abcd"] }, "varChars", `"varChars" holds at most 3 characters, and 4 are given.`],
    [{ bit: "1" }, "bit", `"bit" holds exactly 3 bits, and 1 is given.`],
    [{ varBit: "10101" }, "varBit", `"varBit" holds at most 4 bits, and 5 are given.`],
    [
      { int: 7, smallInt: 40_000 },
      "smallInt",
      `"smallInt" holds whole numbers from -32768 to 32767, and 40000 is given.`,
    ],
    [
      { decimal: "12345.5" },
      "decimal",
      `"decimal" holds at most 4 digits before the decimal point, and 5 are given.`,
    ],
    [
      { decimal: "9999.995" },
      "decimal",
      `"decimal" holds at most 4 digits before the decimal point, and 5 are given.`,
    ],
    [{ text: "x", inet: "nowhere" }, "inet", `"inet" needs a value of its type, inet.`],
    [{ xml: "<a>" }, "xml", `"xml" needs a value of its type, xml.`],
    // The database does not say which of the two it is.
    [{ inet: "nowhere", uuid: "0195f8f0-0000-7000-8000-000000000001" }, null, expect.stringMatching(/type/)],
  ])("%j", async (data, field, message) => {
    const errors: Record<string, Answer> = {};
    for (const [way, write] of Object.entries(WAYS)) {
      errors[way] = await write(data);
    }
    const problem = expect.objectContaining({ code: "CONSTRAINT_VIOLATED", field, message }) as unknown;
    expect(errors).toEqual(Object.fromEntries(Object.keys(WAYS).map((way) => [way, [problem]])));
  });

  test("also if it results from arithmetic and only one field can be the cause", async () => {
    const message = `"smallInt" would go beyond what it holds: whole numbers from -32768 to 32767.`;
    const increment = { increment: 1000 };
    expect(await updateAll([["smallInt", increment]])).toMatchObject([{ field: "smallInt", message }]);
    expect(
      await updateAll([
        ["smallInt", increment],
        ["int", increment],
      ]),
    ).toMatchObject([{ field: null, message: "A number would go beyond what its column can hold." }]);
  });
});
