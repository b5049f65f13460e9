import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import type { Answer } from "./models-fixture.ts";

let api: BulkFixture;

beforeAll(async () => {
  api = await createBulkModels("native-models.prisma", {}, "CREATE EXTENSION citext; ");
});
afterAll(() => api.stop());
beforeEach(() => api.query(`TRUNCATE "Native", "Bell"`));

const MOMENT = "2026-01-31T23:14:15.678Z";
/** Each with values that a single write accepts. */
const VALUES: readonly (readonly [column: string, ...values: unknown[]])[] = [
  ["text", "a 'b' \\", ""],
  ["char", "ab", "abc"],
  ["charOne", "a"],
  ["varChar", "abc"],
  ["bit", "101"],
  ["varBit", "10", "1011"],
  ["uuid", "0195F8F0-0000-7000-8000-000000000001"],
  ["xml", "<a>b</a>"],
  ["inet", "10.0.0.1", "10.0.0.0/8", "::1"],
  ["citext", "MiXed"],
  ["int", 2_147_483_647, -1],
  ["smallInt", 32_767, -32_768],
  ["oid", 4711],
  ["bigInt", "9007199254740993"],
  ["double", 0.1, 1e300],
  ["real", 0.1, 16_777_217],
  ["decimal", "1234.56", "1.005", "1e2"],
  ["money", "12.34", "-1234567.89", "1e2"],
  ["timestamp", MOMENT, "2026-01-31T23:14:15+02:00"],
  ["timestampS", MOMENT],
  ["timestamptz", MOMENT],
  ["timestamptzS", MOMENT],
  ["date", MOMENT, "2026-01-31T23:14:15-02:00"],
  ["time", "1970-01-01T13:14:15Z", MOMENT, "1970-01-01T23:30:00+01:00"],
  ["timeS", MOMENT],
  ["timetz", "1970-01-01T13:14:15Z", MOMENT, "1970-01-01T23:30:00+01:00"],
  ["timetzS", MOMENT],
  ["json", { a: [null, { b: "x" }] }, "text", 1],
  ["jsonB", { a: [null, { b: "x" }] }, "text", 1],
  ["bytes", "AAH/", ""],
  ["boolean", true, false],
  ["chars", ["ab", "abc"]],
  ["varChars", ["ab", ""]],
  ["varBits", ["10", "1011"]],
  ["inets", ["10.0.0.1", "10.0.0.0/8"]],
  ["smallInts", [1, -32_768]],
  ["reals", [0.1, 2]],
  ["moneys", ["12.34", "-1"]],
  ["dates", [MOMENT, "2026-02-01T00:00:00Z"]],
  ["times", ["1970-01-01T13:14:15Z", MOMENT]],
  ["timestamps", [MOMENT]],
  ["timestamptzs", [MOMENT]],
  ["jsons", [{ a: 1 }, "x"]],
  ["bytesList", ["AAH/", ""]],
];
const CASES = VALUES.flatMap(([column, ...values]) => [
  ...values.map((value) => [column, value] as const),
  ...(Array.isArray(values[0]) ? [[column, []] as const] : [[column, null] as const]),
]);

/** The ways to write a record. Each writes the record with the way's number as id. */
const WAYS: Readonly<Record<string, (id: number, data: object) => Promise<Answer>>> = {
  createNative: (id, data) =>
    api.data(
      `mutation ($data: NativeCreateInput!) { createNative(data: $data) { __typename ... on Error { message } } }`,
      { data: { ...data, id } },
    ),
  updateNative: async (id, data) => {
    await insert(id);
    return api.data(
      `mutation ($id: ID!, $data: NativeUpdateInput!) { updateNative(id: $id, data: $data) { __typename ... on Error { message } } }`,
      { id, data },
    );
  },
  bulkCreateNatives: (id, data) =>
    api.run("bulkCreateNatives", { data: ["[NativeCreateInput!]!", [{ ...data, id }]] }),
  bulkUpdateNatives: async (id, data) => {
    await insert(id);
    const changes = Object.entries(data).map(([name, set]) => [name, { set: set as unknown }]);
    return api.run("bulkUpdateNatives", {
      selection: ["NativeSelection!", { ids: [String(id)] }],
      data: ["NativeBulkUpdateInput!", Object.fromEntries(changes)],
    });
  },
  bulkUpdateEachNatives: async (id, data) => {
    await insert(id);
    return api.run("bulkUpdateEachNatives", {
      records: ["[NativeUpdateEachInput!]!", [{ id: String(id), data }]],
    });
  },
  "bulkUpsertNatives, of one that is there": async (id, data) => {
    await insert(id);
    return api.run("bulkUpsertNatives", {
      records: ["[NativeUpsertInput!]!", [{ id: String(id), create: { id }, update: data }]],
    });
  },
  "bulkUpsertNatives, of one that is not": (id, data) =>
    api.run("bulkUpsertNatives", {
      records: ["[NativeUpsertInput!]!", [{ id: String(id), create: { ...data, id }, update: {} }]],
    }),
};

function insert(id: number): Promise<Answer[]> {
  return api.query(`INSERT INTO "Native" (id) VALUES ($1)`, [id]);
}

describe("every way to write a record stores the same", () => {
  test.each(CASES)("%s %j", async (column, value) => {
    const stored: Record<string, Answer> = {};
    for (const [at, [way, write]] of Object.entries(WAYS).entries()) {
      const answer = await write(at, { [column]: value });
      const [row] = await api.query(`SELECT "${column}"::text AS value FROM "Native" WHERE id = $1`, [at]);
      // The answer has the reason if it is missing.
      stored[way] = row?.value ?? (value === null ? null : answer);
    }
    const expected = stored["createNative"];
    expect(expected === null).toBe(value === null);
    expect(stored).toEqual(Object.fromEntries(Object.keys(WAYS).map((way) => [way, expected])));
  });
});

test("a time of day may be a key", async () => {
  const at = "1970-01-01T13:14:15.000Z";
  const create = [{ time: at, note: "new" }];
  expect(await api.run("bulkCreateBells", { data: ["[BellCreateInput!]!", create] })).toMatchObject({
    status: "SUCCEEDED",
  });
  const { bells } = await api.data(`{ bells { nodes { id time } } }`);
  expect(bells.nodes).toMatchObject([{ id: at, time: at }]);
  const each = [{ id: at, data: { note: "changed" } }];
  expect(await api.run("bulkUpdateEachBells", { records: ["[BellUpdateEachInput!]!", each] })).toMatchObject({
    status: "SUCCEEDED",
    progress: { succeeded: 1 },
  });
  const selection = ["BellSelection!", { where: { note: { equals: "changed" } } }] as const;
  expect(await api.run("bulkDeleteBells", { selection })).toMatchObject({ progress: { succeeded: 1 } });
});
