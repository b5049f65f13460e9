import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BulkFixture } from "./bulk-fixture.ts";
import { createBulkModels } from "./bulk-models.ts";
import { describeNativeFiles, typeOf } from "./native-files.ts";
import type { Answer } from "./models-fixture.ts";
import { emptying } from "../../support/empty-tables.ts";

let api: BulkFixture;

beforeAll(async () => {
  api = await createBulkModels("native-models.prisma", {}, "CREATE EXTENSION citext; ");
});
afterAll(() => api.stop());
beforeEach(() => api.query(emptying(`"Native", "Bell"`)));

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
const COLUMNS = VALUES.map(([column]) => column);

/** The values of each round, which has one for every column; the last round has none, or empty lists. */
const ROUNDS = Array.from({ length: Math.max(...VALUES.map(({ length }) => length)) }, (_round, at) =>
  Object.fromEntries(
    VALUES.map(([column, ...values]) => {
      const none = Array.isArray(values[0]) ? [] : null;
      return [column, [...values, none][Math.min(at, values.length)]];
    }),
  ),
);

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
    api.run("bulkCreateNatives", { data: ["[NativeBulkCreateInput!]!", [{ ...data, id }]] }),
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

const AS_TEXTS = COLUMNS.map((column) => `"${column}"::text`).join(", ");

/** A record's columns as texts. */
async function storedTexts(id: number): Promise<(string | null)[] | undefined> {
  const [row] = await api.query(`SELECT ARRAY[${AS_TEXTS}] AS texts FROM "Native" WHERE id = $1`, [id]);
  return row?.texts;
}

describe("every way to write a record stores the same", () => {
  test.each(ROUNDS.map((values, at) => [at, values] as const))("values, round %i", async (_at, values) => {
    const stored: Record<string, Answer> = {};
    for (const [at, [way, write]] of Object.entries(WAYS).entries()) {
      const answer = await write(at, values);
      const texts = await storedTexts(at);
      // The answer has the reason if the record is missing.
      stored[way] =
        texts === undefined ? answer : Object.fromEntries(COLUMNS.map((name, i) => [name, texts[i]]));
    }
    const expected = stored["createNative"];
    for (const column of COLUMNS) {
      expect([column, expected[column] === null]).toEqual([column, values[column] === null]);
    }
    expect(stored).toEqual(Object.fromEntries(Object.keys(WAYS).map((way) => [way, expected])));
  });
});

describe("a column of days takes a day, and one of times of day a time", () => {
  const PARTS = {
    date: "2026-01-31",
    time: "13:14:15.678",
    timeS: "13:14",
    time6: "13:14:15.678901",
    timetz: "13:14:15",
    dates: ["2026-01-31", "2026-02-01T00:00:00Z"],
    times: ["13:14:15"],
  };

  test("however it is written", async () => {
    for (const [at, [way, write]] of Object.entries(WAYS).entries()) {
      const answer = await write(at, PARTS);
      const [row] = await api.query(
        `SELECT "date"::text, "time"::text, "timeS"::text, "timetz"::text, "dates"::text, "times"::text FROM "Native" WHERE id = $1`,
        [at],
      );
      expect([way, row ?? answer]).toEqual([
        way,
        {
          date: "2026-01-31",
          time: "13:14:15.678",
          timeS: "13:14:00",
          timetz: "13:14:15+00",
          dates: "{2026-01-31,2026-02-01}",
          times: "{13:14:15}",
        },
      ]);
    }
  });

  test("in filters, in lists and in bulk selections, and shows whole moments", async () => {
    await WAYS["createNative"]?.(1, PARTS);
    const where = {
      date: { gte: "2026-01-31", in: ["2026-01-31"] },
      time: { equals: "13:14:15.678" },
      dates: { has: "2026-02-01" },
    };
    const { natives } = await api.data(
      `query ($where: NativeWhere) { natives(where: $where) { nodes { date time dates } } }`,
      { where },
    );
    expect(natives.nodes).toEqual([
      {
        date: "2026-01-31T00:00:00.000Z",
        time: "1970-01-01T13:14:15.678Z",
        dates: ["2026-01-31T00:00:00.000Z", "2026-02-01T00:00:00.000Z"],
      },
    ]);
    const selection = ["NativeSelection!", { where }] as const;
    expect(await api.run("bulkDeleteNatives", { selection })).toMatchObject({ progress: { succeeded: 1 } });
  });

  test.each([
    ["timestamptz", "2026-01-31"],
    ["date", "13:14"],
    ["time", "2026-01-31"],
  ])("%s does not take %s", async (column, value) => {
    for (const [way, write] of Object.entries(WAYS)) {
      await api.query(emptying(`"Native"`));
      const answer = await write(1, { [column]: value });
      expect([way, JSON.stringify(answer)]).toEqual([
        way,
        expect.stringContaining("is not a date and time in ISO 8601"),
      ]);
    }
    await expect(
      api.data(`{ natives(where: {${column}: {equals: "${value}"}}) { nodes { id } } }`),
    ).rejects.toThrow("needs a date and time in ISO 8601");
  });
});

test("a time of day may be a key", async () => {
  const at = "1970-01-01T13:14:15.000Z";
  const create = [{ time: at, note: "new" }];
  expect(await api.run("bulkCreateBells", { data: ["[BellBulkCreateInput!]!", create] })).toMatchObject({
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

/** Values that are neighbours in the order of their column; each is in several records. */
const NEIGHBOURS: Readonly<Record<string, readonly string[]>> = {
  text: ["", "A", "a", "B", "É", "\\"],
  char: ["", "ab", "AB", "abc"],
  varChar: ["", "ab", "AB", "a b"],
  bit: ["000", "001", "111"],
  varBit: ["", "0", "00", "1"],
  uuid: ["00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-00000000000a"],
  inet: ["10.0.0.1", "10.0.0.0/8", "::1", "10.0.0.1/8"],
  citext: ["a", "A", "b", "B", "ab"],
  int: ["-2147483648", "0", "2147483647"],
  smallInt: ["-32768", "0", "32767"],
  oid: ["0", "1", "2147483647"],
  bigInt: ["9007199254740992", "9007199254740993", "9223372036854775807", "-9223372036854775808"],
  double: ["-Infinity", "0.1", "0.10000000000000002", "1e300", "Infinity", "NaN", "5e-324"],
  real: ["-Infinity", "0.1", "0.100000024", "16777216", "3.4e38", "NaN"],
  decimal: ["-9999.99", "0", "0.01", "9999.99", "NaN"],
  money: ["-92233720368547758.08", "0", "0.01", "92233720368547758.07"],
  timestamp: ["2026-01-31 12:00", "2026-01-31 12:00:00.001", "0001-01-01"],
  timestamp6: [
    "2026-01-31 12:00",
    "2026-01-31 12:00:00.000001",
    "2026-01-31 12:00:00.000999",
    "2026-01-31 12:00:00.001",
  ],
  timestamptz: ["2026-01-31 12:00Z", "2026-01-31 12:00:00.001Z", "0001-01-01Z"],
  timestamptz6: [
    "2026-01-31 12:00Z",
    "2026-01-31 12:00:00.000001Z",
    "2026-01-31 12:00:00.000999Z",
    "2026-01-31 12:00:00.001Z",
  ],
  date: ["2026-01-30", "2026-01-31", "0001-01-01"],
  time: ["00:00", "00:00:00.001", "23:59:59.999"],
  time6: ["00:00", "00:00:00.000001", "00:00:00.000999", "23:59:59.999999"],
  timetz: ["00:00Z", "00:00:00.001Z", "23:59:59.999Z"],
  timetz6: ["00:00Z", "00:00:00.000001Z", "00:00:00.000999Z", "23:59:59.999999Z"],
  boolean: ["false", "true"],
};

const RECORDS = 30;

async function fill(column: string, values: readonly (string | null)[]): Promise<void> {
  await api.query(emptying(`"Native"`));
  const texts = Array.from({ length: RECORDS }, (_, at) => values[(at * 7) % values.length] ?? null);
  await api.query(
    `INSERT INTO "Native" (id, "${column}") SELECT at, text::${await typeOf(api, column)} FROM unnest($1::text[]) WITH ORDINALITY AS given (text, at)`,
    [texts],
  );
}

/** All ids, page by page. */
async function walk(orderBy: readonly object[], isBackward: boolean, length = 7): Promise<number[]> {
  const [size, place] = isBackward ? ["last", "before"] : ["first", "after"];
  const seen: number[] = [];
  let cursor: string | null = null;
  for (let page = 0; page <= RECORDS; page += 1) {
    const { natives }: Answer = await api.data(
      `query ($cursor: String, $orderBy: [NativeOrderBy!]) { natives(${size}: ${length}, ${place}: $cursor, orderBy: $orderBy) {
        edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
      { cursor, orderBy },
    );
    const ids = natives.edges.map((edge: Answer) => Number(edge.node.id));
    seen.push(...(isBackward ? ids.toReversed() : ids));
    const { pageInfo } = natives;
    cursor = isBackward ? pageInfo.startCursor : pageInfo.endCursor;
    if (!(isBackward ? pageInfo.hasPreviousPage : pageInfo.hasNextPage)) {
      break;
    }
  }
  return isBackward ? seen.toReversed() : seen;
}

const DIRECTIONS: Readonly<Record<string, string>> = {
  ASC: "ASC",
  DESC: "DESC",
  ASC_NULLS_FIRST: "ASC NULLS FIRST",
  DESC_NULLS_LAST: "DESC NULLS LAST",
};

describe("pages of a list have every record once, in the database's order, both ways, by", () => {
  test.each(Object.keys(NEIGHBOURS))("%s", async (column) => {
    await fill(column, [...(NEIGHBOURS[column] ?? []), null]);
    const found: Record<string, number[]> = {};
    const expected: Record<string, number[]> = {};
    for (const [direction, sql] of Object.entries(DIRECTIONS)) {
      const rows = await api.query(`SELECT id FROM "Native" ORDER BY "${column}" ${sql}, id`);
      // Both ways where rows differ in what JavaScript's times cannot tell apart, else each order one way.
      const ways = column.endsWith("6") ? [false, true] : [direction.includes("NULLS")];
      for (const isBackward of ways) {
        const name = `${direction} ${isBackward ? "backward" : "forward"}`;
        expected[name] = rows.map(({ id }) => id as number);
        found[name] = await walk([{ [column]: direction }], isBackward).catch(
          (error: Error) => [error.message] as never,
        );
      }
    }
    expect(found).toEqual(expected);
  });
});

/** Columns with ties, nulls and values that only the database tells apart. */
const MIXED = ["bigInt", "boolean", "double", "citext", "timestamptz6"] as const;
const sortOf = fc.constantFrom(
  "ASC",
  "DESC",
  "ASC_NULLS_FIRST",
  "ASC_NULLS_LAST",
  "DESC_NULLS_FIRST",
  "DESC_NULLS_LAST",
);
const ordersOf = fc.array(
  fc.oneof(
    fc.constantFrom("ASC", "DESC").map((sort) => ({ id: sort })),
    fc.tuple(fc.constantFrom(...MIXED), sortOf).map(([name, sort]) => ({ [name]: sort })),
  ),
  { minLength: 1, maxLength: 3 },
);

test("pages by several fields have every record once, and go on at the same place when records come and go", async () => {
  await api.query(emptying(`"Native"`));
  await api.query(`
    INSERT INTO "Native" (id, "bigInt", "boolean", "double", "citext", "timestamptz6")
    SELECT i, nullif(i % 4, 0) + 9007199254740990, nullif(i % 3, 0) = 1, nullif(i % 5, 0) / 10.0,
           (ARRAY['a', 'A', 'b', NULL])[1 + i % 4], '2026-01-31Z'::timestamptz + (i % 3) * interval '1 microsecond'
      FROM generate_series(1, ${RECORDS}) AS i`);
  await fc.assert(
    fc.asyncProperty(
      ordersOf,
      fc.integer({ min: 3, max: 9 }),
      fc.boolean(),
      async (given, length, isBackward) => {
        const names = given.map((order) => Object.keys(order)[0]);
        const orderBy = given.filter((_order, at) => names.indexOf(names[at]) === at);
        const sql = [...orderBy.flatMap((order) => Object.entries(order)), ["id", "ASC"]]
          .map(([name, sort]) => `"${name}" ${String(sort).replace("_NULLS", " NULLS").replace("_", " ")}`)
          .join(", ");
        const rows = await api.query(`SELECT id FROM "Native" ORDER BY ${sql}`);
        expect(await walk(orderBy, isBackward, length)).toEqual(rows.map(({ id }) => id as number));
      },
    ),
    { numRuns: 20 },
  );
});

test("a forged cursor is refused with the reason", async () => {
  const forged = Buffer.from(JSON.stringify(["date asc nulls last, id asc", "yesterday noon", "7"])).toString(
    "base64url",
  );
  await expect(
    api.data(`{ natives(after: "${forged}", orderBy: [{date: ASC}]) { nodes { id } } }`),
  ).rejects.toThrow("after is a damaged cursor");
});

describeNativeFiles(() => api, {
  columns: COLUMNS,
  rounds: ROUNDS,
  neighbours: NEIGHBOURS,
  create: (id, data) => WAYS["createNative"]?.(id, data),
});
